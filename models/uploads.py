"""Uploads: files on their way in."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index

from domain.errors import Conflict
from models.base import TeamRow, choice
from models.jobs import Job
from models.videos import Video


class UploadState(StrEnum):
    """Where an upload stands."""

    OPEN = "open"
    COMPLETED = "completed"
    DISCARDED = "discarded"


class Upload(TeamRow):
    """A file that a client sends in parts; `version_id` is the version it will become."""

    video: fields.ForeignKeyRelation[Video] = fields.ForeignKeyField("models.Video", related_name=False, db_index=False)
    video_id: UUID
    job: fields.ForeignKeyNullableRelation[Job] = fields.ForeignKeyField(
        "models.Job", related_name=False, null=True, db_index=False
    )
    job_id: UUID | None
    version_id = fields.UUIDField()
    state = choice(UploadState, default=UploadState.OPEN)
    file_name = fields.CharField(255)
    change_description = fields.TextField(default="")
    size = fields.BigIntField()
    part_size = fields.BigIntField()
    sha256 = fields.CharField(64, null=True)
    storage_key = fields.CharField(500)
    storage_upload_id = fields.CharField(500)
    expires_at = fields.DatetimeField()

    class Meta:
        table = "uploads"
        indexes = [
            Index(fields=["team_id"], name="idx_uploads_team"),
            Index(fields=["video_id"], name="idx_uploads_video"),
            Index(fields=["state", "expires_at"], name="idx_uploads_state_expires"),
        ]

    def require_open(self, now: datetime) -> None:
        """Conflict if the upload takes no more parts."""
        if self.state is not UploadState.OPEN or self.expires_at <= now:
            raise Conflict("problem.upload_closed")

    def complete(self, job: Job, now: datetime) -> None:
        """All parts are there: `job` makes a version of them."""
        self.require_open(now)
        self.state = UploadState.COMPLETED
        self.job_id = job.id

    def discard(self) -> None:
        """Takes no more parts; Conflict once it is complete."""
        if self.state is UploadState.COMPLETED:
            raise Conflict("problem.upload_closed")
        self.state = UploadState.DISCARDED
