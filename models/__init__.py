"""The tables: one module per noun. Each model says who may see its rows and which steps its life allows."""

from tortoise.models import Model

from models.accounts import Session, SignUp, User
from models.api_keys import ApiKey
from models.audit import AuditEntry
from models.bodies import WebhookBody
from models.comments import Comment, CommentEdit
from models.deliveries import WebhookAttempt, WebhookDelivery
from models.discards import WebhookDiscard
from models.events import ConsumerCursor, EventRecord, ParkedEvent
from models.frames import FrameTable
from models.idempotency import IdempotencyKey
from models.identities import Identity
from models.invitations import Invitation
from models.jobs import Job
from models.lanes import Lane
from models.links import MailedLink
from models.maintenance import Maintenance
from models.mentions import Mention
from models.notifications import Notification
from models.reactions import Reaction
from models.teams import Member, Team
from models.two_factor import RecoveryCode, TwoFactor
from models.uploads import Upload
from models.versions import Version
from models.videos import Video
from models.webhooks import Webhook

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Comment",
    "CommentEdit",
    "ConsumerCursor",
    "EventRecord",
    "FrameTable",
    "IdempotencyKey",
    "Identity",
    "Invitation",
    "Job",
    "Lane",
    "MailedLink",
    "Maintenance",
    "Member",
    "Mention",
    "Notification",
    "ParkedEvent",
    "Reaction",
    "RecoveryCode",
    "Session",
    "SignUp",
    "Team",
    "TwoFactor",
    "Upload",
    "User",
    "Version",
    "Video",
    "Webhook",
    "WebhookAttempt",
    "WebhookBody",
    "WebhookDelivery",
    "WebhookDiscard",
]

for _model in [found for found in globals().values() if isinstance(found, type) and issubclass(found, Model)]:
    # Docstrings are for who reads the code: as comments in the database, each mended word would be a migration.
    _model._meta.table_description = ""  # noqa: SLF001
