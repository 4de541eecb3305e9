"""Comments: what people say about a version, at a moment of it or over a range, and what becomes of that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q, Subquery
from tortoise.indexes import Index

from domain.comments import RESTORABLE, CommentVisibility, ThreadState
from domain.errors import Conflict, Invalid
from domain.ids import new_id
from domain.mentions import Mention, placed
from domain.pictures import image_folder
from domain.viewers import AnyViewer
from models.base import TeamRow, choice, owned_by, shown_in_teams_of
from models.indexes import CoveringIndex, PartialIndex
from models.jobs import Job
from models.versions import Version
from models.videos import Video


@dataclass(frozen=True, slots=True)
class Span:
    """A moment of a version or, with an end, a range of it: milliseconds from the version's beginning."""

    start_ms: int
    end_ms: int | None = None

    def require_within(self, version: Version) -> None:
        """Invalid for what lies outside of the version, or ends before it has begun."""
        for name, moment in (("startMs", self.start_ms), ("endMs", self.end_ms)):
            if moment is not None and not 0 <= moment <= version.duration_ms:
                raise Invalid("problem.moment", path=(name,), most=version.duration_ms)
        if self.end_ms is not None and self.end_ms <= self.start_ms:
            raise Invalid("problem.range", path=("endMs",))


class Words(TeamRow):
    """What a comment says, and where: of the comment itself, and of each form that it had before."""

    body = fields.TextField()
    start_ms = fields.BigIntField()
    end_ms = fields.BigIntField(null=True)
    drawing: fields.JSONField[dict[str, Any] | None] = fields.JSONField(null=True)
    mentions: fields.JSONField[list[Any] | None] = fields.JSONField(null=True)
    """As `domain.mentions.kept` has them."""
    visibility = choice(CommentVisibility, default=CommentVisibility.OPEN, there=True)
    """That of the thread, on each comment in it and on what these said before: so that rows say who sees them."""

    class Meta:
        abstract = True

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return shown_in_teams_of(viewer)

    def words(self) -> dict[str, Any]:
        """All of it, by column."""
        return {name: getattr(self, name) for name in ("body", "start_ms", "end_ms", "drawing", "mentions")}

    def mentioned(self) -> list[Mention]:
        """Who is mentioned where in it."""
        return placed(self.mentions)


class Comment(Words):
    """A comment. One without a parent opens a thread, the others answer it: a thread is one level deep.

    A deleted one stays as a row without words, that others may refer to; it is in lists only while it has answers.
    """

    video: fields.ForeignKeyRelation[Video] = owned_by("models.Video")
    video_id: UUID
    version: fields.ForeignKeyRelation[Version] = owned_by("models.Version")
    version_id: UUID
    parent: fields.ForeignKeyNullableRelation["Comment"] = fields.ForeignKeyField(
        "models.Comment", related_name=False, null=True, db_index=False, on_delete=fields.RESTRICT
    )
    parent_id: UUID | None
    edited_at = fields.DatetimeField(null=True)
    resolved_at = fields.DatetimeField(null=True)
    resolved_by: fields.ForeignKeyNullableRelation[Any] = fields.ForeignKeyField(
        "models.User", related_name=False, null=True, db_index=False, on_delete=fields.RESTRICT
    )
    resolved_by_id: UUID | None
    deleted_at = fields.DatetimeField(null=True)
    deleted_by_id = fields.UUIDField(null=True)
    gone_at = fields.DatetimeField(null=True)
    """Since when it is in no list: it is deleted, and there is no answer to it."""
    image_key = fields.CharField(300, null=True)
    """Of its image in the storage, for as long as it can be brought back."""
    image_width = fields.IntField(null=True)
    image_height = fields.IntField(null=True)

    class Meta:
        table = "comments"
        indexes = [
            Index(fields=["team_id"], name="idx_comments_team"),
            # Counting a video's comments, for a page of videos, is counting those that the viewer may see.
            CoveringIndex(
                fields=["video_id", "created_at", "id"],
                name="idx_comments_video_created",
                include="team_id, gone_at, visibility",
            ),
            Index(fields=["version_id", "start_ms", "id"], name="idx_comments_version_start"),
            PartialIndex(
                fields=["parent_id", "created_at", "id"],
                name="idx_comments_parent_created",
                where="parent_id IS NOT NULL",
            ),
            PartialIndex(
                fields=["deleted_at"],
                name="idx_comments_deleted_images",
                where="deleted_at IS NOT NULL AND image_key IS NOT NULL",
            ),
        ]

    @classmethod
    def opening(cls) -> Q:
        """Those that open a thread."""
        return Q(parent_id__isnull=True)

    @classmethod
    def listed(cls) -> Q:
        """Those that are in lists."""
        return Q(gone_at__isnull=True)

    @classmethod
    def matching(
        cls,
        *,
        state: ThreadState | None = None,
        visibility: CommentVisibility | None = None,
        author_id: UUID | None = None,
        from_ms: int | None = None,
        to_ms: int | None = None,
    ) -> Q:
        """Those that are in lists, narrowed: only threads in this `state`, of this author, that touch this range.

        With `visibility`, those alone that are for so many.
        """
        found = cls.listed()
        if visibility is not None:
            found &= Q(visibility=visibility)
        if state is not None:
            found &= Q(parent_id__isnull=True, resolved_at__isnull=state is ThreadState.OPEN)
        if author_id is not None:
            found &= Q(created_by_id=author_id, deleted_at__isnull=True)
        if to_ms is not None:
            found &= Q(start_ms__lte=to_ms)
        if from_ms is not None:
            found &= Q(Q(start_ms__gte=from_ms), Q(end_ms__gte=from_ms), join_type=Q.OR)
        return found

    @classmethod
    def opened(cls, version: Version, span: Span, *, body: str, by: UUID, now: datetime, **beside: Any) -> "Comment":
        """A new thread on `version`, with what is `beside` its words; Invalid for a span outside of it."""
        span.require_within(version)
        return cls(
            id=new_id(),
            team_id=version.team_id,
            video_id=version.video_id,
            version_id=version.id,
            created_by_id=by,
            created_at=now,
            body=body,
            **beside,
            start_ms=span.start_ms,
            end_ms=span.end_ms,
        )

    def answered(self, *, body: str, by: UUID, now: datetime, **beside: Any) -> "Comment":
        """An answer in the thread that this one opens, where that stands; Conflict where nothing of it is left."""
        if self.gone_at is not None:
            raise Conflict("problem.comment_deleted")
        return Comment(
            id=new_id(),
            team_id=self.team_id,
            video_id=self.video_id,
            version_id=self.version_id,
            parent_id=self.id,
            created_by_id=by,
            created_at=now,
            body=body,
            **beside,
            start_ms=self.start_ms,
            end_ms=self.end_ms,
            visibility=self.visibility,
        )

    async def take_image(self, key: str, size: tuple[int, int], now: datetime) -> None:
        """Shows this image, of so many pixels, from now on; another that it had is thrown away."""
        await self.drop_image(now)
        self.image_key, (self.image_width, self.image_height) = key, size
        await self.save(update_fields=["image_key", "image_width", "image_height"])

    async def drop_image(self, now: datetime) -> bool:
        """Throws its image away, once the running transaction has committed; whether there was one."""
        if self.image_key is None:
            return False
        await Job.discard(image_folder(self.image_key), now)
        self.image_key = self.image_width = self.image_height = None
        await self.save(update_fields=["image_key", "image_width", "image_height"])
        return True

    @classmethod
    def with_forgotten_image(cls, before: datetime) -> Q:
        """Those that were deleted before that moment, and have an image still."""
        return Q(deleted_at__lt=before, image_key__isnull=False)

    @property
    def thread_id(self) -> UUID:
        """The comment that opens this one's thread, which may be itself."""
        return self.parent_id or self.id

    def require_there(self) -> None:
        """Conflict if it is deleted."""
        if self.deleted_at is not None:
            raise Conflict("problem.comment_deleted")

    def edit(self, changed: Mapping[str, Any], now: datetime) -> "CommentEdit":
        """Gives it other words; answers those that it had."""
        before = CommentEdit.of(self, now)
        self.update_from_dict({**changed, "edited_at": now})
        return before

    def delete_softly(self, *, answered: bool, by: UUID, now: datetime) -> "CommentEdit":
        """Takes its words, which are answered; it stays in lists only if it is `answered`. Conflict if it is gone."""
        self.require_there()
        before = CommentEdit.of(self, now)
        before.withdrawn_at = now
        self.update_from_dict({"body": "", "drawing": None, "mentions": None, "deleted_at": now, "deleted_by_id": by})
        self.gone_at = None if answered else now
        return before

    def bring_back(self, words: "CommentEdit | None", now: datetime) -> None:
        """Gives it back the words that it had; Conflict if it is not deleted, or was too long ago."""
        if self.deleted_at is None:
            raise Conflict("problem.comment_not_deleted")
        if words is None or now - self.deleted_at > RESTORABLE:
            raise Conflict("problem.comment_gone")
        self.update_from_dict({"body": words.body, "drawing": words.drawing, "mentions": words.mentions})
        self.deleted_at = self.deleted_by_id = self.gone_at = None

    def resolve(self, by: UUID, now: datetime) -> None:
        """The thread that it opens is dealt with; Invalid for an answer, Conflict if that was said, or it is gone."""
        self._require_thread()
        if self.resolved_at is not None:
            raise Conflict("problem.thread_resolved")
        self.resolved_at, self.resolved_by_id = now, by

    def unresolve(self) -> None:
        """The thread is open again; Invalid for an answer, Conflict if it is open or gone."""
        self._require_thread()
        if self.resolved_at is None:
            raise Conflict("problem.thread_open")
        self.resolved_at = self.resolved_by_id = None

    def show_to(self, visibility: CommentVisibility) -> bool:
        """The thread that it opens is for those from now on; whether it was for others. Invalid for an answer.

        Conflict where nothing of it is left.
        """
        self._require_thread()
        before, self.visibility = self.visibility, visibility
        return before is not visibility

    def _require_thread(self) -> None:
        if self.parent_id is not None:
            raise Invalid("problem.comment_answers", path=("id",))
        if self.gone_at is not None:
            raise Conflict("problem.comment_deleted")

    @classmethod
    async def purge(cls, video_id: UUID) -> None:
        """Deletes all of a video's comments for good, with what hangs on them."""
        from models.mentions import Mention  # here, since both are about comments themselves
        from models.reactions import Reaction

        of_video = Subquery(cls.filter(video_id=video_id).values("id"))
        await Mention.purge(video_id)
        for beside in (CommentEdit, Reaction):
            await beside.filter(comment_id__in=of_video).delete()
        await cls.filter(video_id=video_id).delete()

    async def is_answered(self) -> bool:
        """Whether anybody answers it, deleted answers left out."""
        return await Comment.filter(parent_id=self.id, gone_at__isnull=True).exists()


class CommentEdit(Words):
    """What a comment said until somebody edited it, at `created_at`. Seen with the comment, until that is deleted."""

    comment: fields.ForeignKeyRelation[Comment] = owned_by("models.Comment")
    comment_id: UUID
    withdrawn_at = fields.DatetimeField(null=True)
    """When the comment was deleted, with what it had said before."""

    class Meta:
        table = "comment_edits"
        indexes = [
            Index(fields=["team_id"], name="idx_comment_edits_team"),
            Index(fields=["comment_id", "created_at", "id"], name="idx_comment_edits_comment_created"),
            PartialIndex(fields=["withdrawn_at"], name="idx_comment_edits_withdrawn", where="withdrawn_at IS NOT NULL"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return super().visible_to(viewer) & Q(withdrawn_at__isnull=True)

    @classmethod
    def of(cls, comment: Comment, now: datetime) -> "CommentEdit":
        """What `comment` says now, which ends."""
        about = {"team_id": comment.team_id, "created_by_id": comment.created_by_id, "comment_id": comment.id}
        return cls(id=new_id(), created_at=now, visibility=comment.visibility, **about, **comment.words())

    @classmethod
    async def withdraw(cls, comment: Comment, now: datetime) -> None:
        """Nobody sees any more what a comment has said."""
        await cls.filter(comment_id=comment.id).update(withdrawn_at=now)

    @classmethod
    async def give_back(cls, comment: Comment) -> "CommentEdit | None":
        """The words that a deleted comment had last, if they are still here, which are taken out of its history.

        What it had said before that is seen again. The last are those that ended when it was deleted: clocks of several
        machines may say of an edit that it came later.
        """
        ended = cls.filter(comment_id=comment.id, created_at=comment.deleted_at)
        last = await ended.order_by("-id").first()
        if last is not None:
            await last.delete()
            await cls.filter(comment_id=comment.id).update(withdrawn_at=None)
        return last

    @classmethod
    async def forget(cls, withdrawn_before: datetime) -> None:
        """Deletes for good what deleted comments have said."""
        await cls.filter(withdrawn_at__lt=withdrawn_before).delete()
