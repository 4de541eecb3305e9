"""Videos: things with a history of versions."""

from collections.abc import Sequence
from datetime import datetime

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.expressions import Q
from tortoise.indexes import Index

from domain.clock import utc_now
from domain.errors import Conflict
from domain.text import searchable
from domain.videos import RESTORABLE, VideoStatus
from models.base import TeamRow, choice
from models.indexes import PartialIndex, SearchIndex
from models.search import INDEXES, TextFound


class Video(TeamRow):
    """A video. Its team sees it in the trash, too."""

    title = fields.CharField(200)
    description = fields.TextField(default="")
    tags: list[str] = ArrayField("text", default=list)
    status = choice(VideoStatus, default=VideoStatus.DRAFT)
    version_count = fields.IntField(default=0)
    updated_at = fields.DatetimeField(default=utc_now)
    deleted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "videos"
        indexes = [
            Index(fields=["team_id", "created_at", "id"], name="idx_videos_team_created"),
            # Of those in the trash alone: with the others it would be read as a whole beside every search.
            PartialIndex(fields=["deleted_at"], name="idx_videos_deleted_at", where="deleted_at IS NOT NULL"),
            Index(fields=["team_id", "status", "created_at", "id"], name="idx_videos_team_status_created"),
            SearchIndex(fields=["tags"], name="idx_videos_tags"),
            *INDEXES,
        ]

    @classmethod
    def matching(
        cls,
        *,
        status: VideoStatus | None = None,
        text: str | None = None,
        tags: Sequence[str] | None = None,
        deleted: bool = False,
    ) -> Q:
        """The library's filter: `text` is looked for in title and description, every one of `tags` must be there."""
        found = Q(deleted_at__isnull=not deleted)
        if status is not None:
            found &= Q(status=status)
        if text and (sought := searchable(text)):
            found &= TextFound(sought)
        if tags:
            found &= Q(tags__contains=[searchable(tag).lower() for tag in tags])
        return found

    def require_live(self) -> None:
        """Conflict if the video is in the trash."""
        if self.deleted_at is not None:
            raise Conflict("problem.video_deleted")

    def delete_softly(self, now: datetime) -> None:
        """To the trash; Conflict if it is there already."""
        self.require_live()
        self.deleted_at = self.updated_at = now

    def bring_back(self, now: datetime) -> None:
        """Out of the trash, within the time that PRODUCT gives; Conflict otherwise."""
        if self.deleted_at is None:
            raise Conflict("problem.video_not_deleted")
        if now - self.deleted_at > RESTORABLE:
            raise Conflict("problem.video_gone", days=RESTORABLE.days)
        self.deleted_at, self.updated_at = None, now

    def next_version(self, now: datetime) -> int:
        """Takes the next version number. The row must be locked: that is what leaves no gap and no repeat."""
        self.version_count += 1
        self.status, self.updated_at = VideoStatus.READY, now
        return self.version_count
