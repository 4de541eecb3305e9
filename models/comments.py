"""Comments: what people say about a version, at a moment of it."""

from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index

from domain.errors import Invalid
from domain.ids import new_id
from models.base import TeamRow, owned_by
from models.indexes import CoveringIndex, PartialIndex
from models.versions import Version
from models.videos import Video


class Comment(TeamRow):
    """A comment. One without a parent opens a thread, the others answer it: a thread is one level deep."""

    video: fields.ForeignKeyRelation[Video] = owned_by("models.Video")
    video_id: UUID
    version: fields.ForeignKeyRelation[Version] = owned_by("models.Version")
    version_id: UUID
    parent: fields.ForeignKeyNullableRelation["Comment"] = fields.ForeignKeyField(
        "models.Comment", related_name=False, null=True, db_index=False, on_delete=fields.RESTRICT
    )
    parent_id: UUID | None
    body = fields.TextField()
    start_ms = fields.BigIntField()

    class Meta:
        table = "comments"
        indexes = [
            Index(fields=["team_id"], name="idx_comments_team"),
            # Counting a video's comments, for a page of videos, is counting those of teams that the viewer is in.
            CoveringIndex(
                fields=["video_id", "created_at", "id"], name="idx_comments_video_created", include="team_id"
            ),
            Index(fields=["version_id", "start_ms", "id"], name="idx_comments_version_start"),
            PartialIndex(
                fields=["parent_id", "created_at", "id"],
                name="idx_comments_parent_created",
                where="parent_id IS NOT NULL",
            ),
        ]

    @classmethod
    def opening(cls) -> Q:
        """Those that open a thread."""
        return Q(parent_id__isnull=True)

    @classmethod
    def opened(cls, version: Version, *, body: str, start_ms: int | None, by: UUID, now: datetime) -> "Comment":
        """A new thread on `version`, at its beginning where no moment is given; Invalid for one outside of it."""
        moment = start_ms or 0
        if not 0 <= moment <= version.duration_ms:
            raise Invalid("problem.moment", path=("startMs",), most=version.duration_ms)
        return cls(
            id=new_id(),
            team_id=version.team_id,
            video_id=version.video_id,
            version_id=version.id,
            created_by_id=by,
            created_at=now,
            body=body,
            start_ms=moment,
        )

    def answered(self, *, body: str, start_ms: int | None, by: UUID, now: datetime) -> "Comment":
        """An answer in this one's thread, at the thread's moment; Invalid where another is given."""
        if start_ms not in (None, self.start_ms):
            raise Invalid("problem.moment_of_thread", path=("startMs",))
        return Comment(
            id=new_id(),
            team_id=self.team_id,
            video_id=self.video_id,
            version_id=self.version_id,
            parent_id=self.thread_id,
            created_by_id=by,
            created_at=now,
            body=body,
            start_ms=self.start_ms,
        )

    @property
    def thread_id(self) -> UUID:
        """The comment that opens this one's thread, which may be itself."""
        return self.parent_id or self.id
