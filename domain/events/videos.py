"""What happens to videos, their versions and uploads."""

from dataclasses import dataclass
from uuid import UUID

from domain.comments import CommentVisibility
from domain.events.base import Event, register

OPEN = CommentVisibility.OPEN.value


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class VideoCreated(Event):
    """A video came to be, still without a version."""

    type = "video.created"
    video_id: UUID
    title: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class VideoEdited(Event):
    """A video's title, description or tags changed; `changed` names which."""

    type = "video.edited"
    video_id: UUID
    changed: list[str]


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class VideoDeleted(Event):
    """A video went to the trash."""

    type = "video.deleted"
    video_id: UUID
    title: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRestored(Event):
    """A video came back from the trash."""

    type = "video.restored"
    video_id: UUID
    title: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class VideoPublished(Event):
    """A version of a video was published on a platform; `url` is where it can be seen there, if the platform says."""

    type = "video.published"
    recorded = False
    video_id: UUID
    version_id: UUID
    platform: str
    url: str | None = None


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCreated(Event):
    """A video has a new version: by an upload (then `job_id` is set) or by restoring an older one."""

    type = "version.created"
    video_id: UUID
    version_id: UUID
    number: int
    job_id: UUID | None = None


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class UploadStarted(Event):
    """Somebody began to send a file, to be a video's next version."""

    type = "upload.started"
    video_id: UUID
    upload_id: UUID
    file_name: str
    visibility: str = OPEN
    """Of the comment that it is for, if it is for one."""


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class UploadCompleted(Event):
    """All of a file has come, and the job makes a version of it."""

    type = "upload.completed"
    video_id: UUID
    upload_id: UUID
    job_id: UUID
    file_name: str
    visibility: str = OPEN
    """Of the comment that it is for, if it is for one."""


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class UploadDiscarded(Event):
    """Somebody gave up sending a file."""

    type = "upload.discarded"
    video_id: UUID
    upload_id: UUID
    file_name: str
    visibility: str = OPEN
    """Of the comment that it is for, if it is for one."""
