"""Uploads: files on their way in."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Subquery
from tortoise.indexes import Index

from domain.errors import Conflict
from domain.uploads import UploadState
from models.base import TeamRow, choice, owned_by
from models.jobs import Job
from models.versions import Version
from models.videos import Video


class Upload(TeamRow):
    """A file that a client sends in parts; `version_id` is the version it will become."""

    video: fields.ForeignKeyRelation[Video] = owned_by("models.Video")
    video_id: UUID
    job: fields.ForeignKeyNullableRelation[Job] = fields.ForeignKeyField(
        "models.Job", related_name=False, null=True, db_index=False, on_delete=fields.SET_NULL
    )
    job_id: UUID | None
    version_id = fields.UUIDField()
    state = choice(UploadState, default=UploadState.OPEN)
    file_name = fields.CharField(255)
    change_description = fields.TextField(default="")
    size = fields.BigIntField()
    part_size = fields.BigIntField()
    sha256 = fields.CharField(64, null=True)
    checksums: fields.JSONField[dict[str, str]] = fields.JSONField(default=dict)
    storage_key = fields.CharField(500)
    storage_upload_id = fields.CharField(500)
    expires_at = fields.DatetimeField()

    class Meta:
        table = "uploads"
        indexes = [
            Index(fields=["team_id"], name="idx_uploads_team"),
            Index(fields=["video_id"], name="idx_uploads_video"),
            Index(fields=["job_id"], name="idx_uploads_job"),
            Index(fields=["state", "expires_at"], name="idx_uploads_state_expires"),
        ]

    @classmethod
    async def unfinished(cls, **of: UUID) -> list[tuple[str, str]]:
        """Keys and the storage's ids of the uploads `of` a team or a video (`team_id`, `video_id`) that are no version.

        Some may lie there in parts, which are no files.
        """
        versions = Subquery(Version.filter(**of).values("id"))
        rows = await cls.filter(**of).exclude(version_id__in=versions)
        return [(upload.storage_key, upload.storage_upload_id) for upload in rows]

    def require_open(self, now: datetime) -> None:
        """Conflict if the upload takes no more parts."""
        if self.state is not UploadState.OPEN or self.expires_at <= now:
            raise Conflict("problem.upload_closed")

    def complete(self, job: Job, checksums: Mapping[int, str], now: datetime) -> None:
        """All parts are there, with these MD5s by number: `job` makes a version of them, and of no others."""
        self.require_open(now)
        self.checksums = {str(number): checksum for number, checksum in checksums.items()}
        self.state = UploadState.COMPLETED
        self.job_id = job.id

    def discard(self) -> None:
        """Takes no more parts; Conflict once it is complete."""
        if self.state is UploadState.COMPLETED:
            raise Conflict("problem.upload_closed")
        self.state = UploadState.DISCARDED
