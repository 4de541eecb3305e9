"""Uploads: files on their way in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q, Subquery
from tortoise.indexes import Index

from domain.comments import CommentVisibility
from domain.errors import Conflict
from domain.events import UploadDiscarded
from domain.jobs import JobKind, JobState
from domain.uploads import UploadState
from domain.viewers import AnyViewer
from models.base import TeamRow, choice, owned_by, shown_in_teams_of
from models.comments import Comment
from models.events import record
from models.indexes import PartialIndex
from models.jobs import Job
from models.versions import Version
from models.videos import Video


class Upload(TeamRow):
    """A file that a client sends in parts, to become the version `version_id` or, with a comment, the image of that.

    The image has that id, too.
    """

    video: fields.ForeignKeyRelation[Video] = owned_by("models.Video")
    video_id: UUID
    job: fields.ForeignKeyNullableRelation[Job] = fields.ForeignKeyField(
        "models.Job", related_name=False, null=True, db_index=False, on_delete=fields.SET_NULL
    )
    job_id: UUID | None
    version_id = fields.UUIDField()
    comment: fields.ForeignKeyNullableRelation[Comment] = fields.ForeignKeyField(
        "models.Comment", related_name=False, null=True, db_index=False, on_delete=fields.RESTRICT
    )
    comment_id: UUID | None
    state = choice(UploadState, default=UploadState.OPEN)
    visibility = choice(CommentVisibility, default=CommentVisibility.OPEN, there=True)
    """That of its comment, if it has one."""
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
            PartialIndex(
                fields=["comment_id", "created_at", "id"],
                name="idx_uploads_comment_created",
                where="comment_id IS NOT NULL",
            ),
            Index(fields=["state", "expires_at"], name="idx_uploads_state_expires"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return shown_in_teams_of(viewer)

    @classmethod
    async def unfinished(cls, **of: UUID) -> list[tuple[str, str]]:
        """Keys and the storage's ids of the uploads `of` a team or a video (`team_id`, `video_id`) that became nothing.

        Some may lie there in parts, which are no files.
        """
        versions = Subquery(Version.filter(**of).values("id"))
        no_image = Q(comment_id=None, job_id=None, job__state__not=JobState.SUCCEEDED, join_type=Q.OR)
        rows = await cls.filter(no_image, **of).exclude(version_id__in=versions)
        return [(upload.storage_key, upload.storage_upload_id) for upload in rows]

    @classmethod
    async def withdraw_images(cls, comment_id: UUID, now: datetime, *, by: UUID, **origin: Any) -> int:
        """Gives up what was sent, or is being sent, for a comment's image and is none yet; how many.

        Before the comment is held: a worker that ends its job has that first. `by`, `origin`: as for `Job.cancel`.
        """
        given_up, sent = 0, cls.filter(cls.under_way(), comment_id=comment_id)
        for upload in await sent.order_by("id").select_for_update(of=("uploads",)):
            job = await Job.filter(id=upload.job_id).select_for_update().get_or_none() if upload.job_id else None
            if upload.state is UploadState.OPEN:
                upload.discard()
                await upload.save(update_fields=["state"])
                await Job.enqueue(JobKind.DISCARD_UPLOAD, now, payload={"upload_id": str(upload.id)})
                await record(upload.discarded(by), now, **origin)
                given_up += 1
            elif job is not None and not job.state.ended:
                await job.cancel(now, by=by, **origin)
                given_up += 1
        return given_up

    @classmethod
    def under_way(cls) -> Q:
        """Those that may become something still."""
        being_made = Q(job__state__in=[JobState.QUEUED, JobState.RUNNING])
        return Q(Q(state=UploadState.OPEN), being_made, join_type=Q.OR)

    def told(self) -> dict[str, Any]:
        """What every event tells of it."""
        about = {"video_id": self.video_id, "upload_id": self.id, "file_name": self.file_name}
        return {**about, "visibility": self.visibility.value}

    def discarded(self, by: UUID) -> UploadDiscarded:
        """What is told when somebody has given it up."""
        return UploadDiscarded(team_id=self.team_id, actor_id=by, **self.told())

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
