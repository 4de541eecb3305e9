"""The tables: one module per noun. Each model says who may see its rows and which steps its life allows."""

from models.accounts import Session, SignUp, User
from models.events import ConsumerCursor, EventRecord, ParkedEvent
from models.jobs import Job
from models.teams import Member, Team
from models.uploads import Upload
from models.versions import Version
from models.videos import Video

__all__ = [
    "ConsumerCursor",
    "EventRecord",
    "Job",
    "Member",
    "ParkedEvent",
    "Session",
    "SignUp",
    "Team",
    "Upload",
    "User",
    "Version",
    "Video",
]
