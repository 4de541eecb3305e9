"""Comments: what people say about a version, at a moment of it or over a range."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import strawberry
from strawberry import UNSET

import models
from domain.comments import BODY, CommentVisibility
from domain.errors import Conflict, Throttled, Unavailable
from domain.moments import Moments
from plan import (
    Connection,
    Depends,
    Node,
    batch,
    column,
    computed,
    count_of,
    first_of,
    node,
    to_many,
    to_one,
)
from plan.scalars import SafeInt
from resolvers import comments, uploads
from resolvers.caller import STAYS
from schema.context import Info
from schema.enums import Action
from schema.fields import mutation
from schema.ids import uuid_of
from schema.images import CommentImage, StartCommentImageInput, images
from schema.mentions import Mention, mentions, shown
from schema.moments import place
from schema.reactions import ReactionCount, ReactionInput, counted
from schema.rights import rights
from schema.scalars import Drawing
from schema.uploads import Upload, UploadParts
from schema.versions import Version

if TYPE_CHECKING:
    from schema.accounts import User
    from schema.videos import Video

_MARKDOWN = """as HTML: a small Markdown (bold, italic, code, links, lists), everything else escaped, mentions \
as `<span class="mention" data-user="…">`. Safe to show as it is."""
_DRAWING = "What was drawn on the picture at its moment; null if nothing was."


def _drawing(kept: str | None) -> Any:
    return None if kept is None else orjson.loads(kept)


@node(table=models.Comment, visible=models.Comment.visible_to)
class Comment(Node):
    """What somebody said about a version: it opens a thread, or answers in one. Threads are one level deep.

    A deleted comment has no words any more; it is in lists only while it has answers. Nobody who may not see it can
    tell that it exists.
    """

    viewer_can: list[Action] = rights("comment", author="created_by_id")
    body: str = column(
        description="What was said, as it was written; may have several lines. Empty once it is deleted.",
        characters=5000,
    )
    body_html: str = batch(
        *("body", "mentions"),
        by=shown,
        reads=True,
        depends=Depends.ROLE,
        characters=20_000,
        description=f"`body` {_MARKDOWN}",
    )
    mentions: list[Mention] = batch(
        *("body", "mentions"),
        by=mentions,
        reads=True,
        depends=Depends.ROLE,
        description="Whom `body` mentions, in order; at most 20. Whom you may not see is text.",
    )
    drawing: Drawing | None = computed("drawing", by=_drawing, characters=25_000, description=_DRAWING)
    image: CommentImage | None = batch(
        *("image_key", "image_width", "image_height", "deleted_at"),
        by=images,
        depends=Depends.ROLE,
        description="The picture attached to it; null without one, and until the first is made.",
    )
    image_upload: Upload | None = first_of(
        "comment_id",
        order="-created_at",
        description="The last file that was sent to become its image: `job` says how far that has come, or why there "
        "is none.",
    )
    start_ms: SafeInt = column(
        description="At which moment of the version it begins, in milliseconds from the version's beginning; an answer "
        "has its thread's."
    )
    end_ms: SafeInt | None = column(description="Where its range ends; null for one that is about a moment.")
    start_frame: SafeInt | None = place(
        Moments.frame_at, "start_ms", "The frame that is on screen at `startMs`, from 0; null where nobody can say."
    )
    end_frame: SafeInt | None = place(Moments.frame_at, "end_ms", "The frame at `endMs`; null without one.")
    start_timecode: str | None = place(
        Moments.timecode_at,
        "start_ms",
        "The SMPTE time code of `startFrame`; null where there is none.",
    )
    end_timecode: str | None = place(
        Moments.timecode_at, "end_ms", "The SMPTE time code of `endFrame`; null without one."
    )
    visibility: CommentVisibility = column(description="For whom it is, as is its whole thread.")
    created_at: datetime = column(description="When it was said.")
    edited_at: datetime | None = column(description="When it was last edited; null if it never was.")
    edits: Connection[CommentEdit] = to_many(
        "comment_id", order="created_at", description="What it said before each time that it was edited, oldest first."
    )
    edit_count: int = count_of("edits", description="How often it was edited.")
    resolved_at: datetime | None = column(
        description="Since when the thread that it opens is dealt with; null while it is open, and for answers."
    )
    resolved_by: User | None = to_one("resolved_by_id", description="Who has said so.")
    deleted_at: datetime | None = column(description="When it was deleted; null if it was not.")
    reactions: list[ReactionCount] = batch(
        "id",
        "deleted_at",
        by=counted,
        reads=True,
        depends=Depends.ROLE,
        description="How people have reacted to it, the first kind first; at most 8.",
    )
    author: User | None = to_one("created_by_id", description="Who said it; null if you share no team any more.")
    version: Version = to_one("version_id", description="The version that it is about.")
    video: Video = to_one("video_id", description="The video of that version.")
    parent: Comment | None = to_one(
        "parent_id", description="The comment that opened the thread; null where this one did."
    )
    replies: Connection[Comment] = to_many(
        "parent_id",
        order="created_at",
        where=models.Comment.listed,
        description="The answers in its thread, oldest first; an answer has none.",
    )
    reply_count: int = count_of("replies", description="How many answers it has.")


@node(table=models.CommentEdit, visible=models.CommentEdit.visible_to)
class CommentEdit(Node):
    """What a comment said before it was edited. Whoever sees the comment sees it, until the comment is deleted."""

    viewer_can: list[Action] = rights("comment", author="created_by_id")
    created_at: datetime = column(description="When the comment was edited, so that it said this no more.")
    body: str = column(description="What it said, as it was written.", characters=5000)
    body_html: str = batch(
        *("body", "mentions"),
        by=shown,
        reads=True,
        depends=Depends.ROLE,
        characters=20_000,
        description=f"`body` {_MARKDOWN}",
    )
    drawing: Drawing | None = computed("drawing", by=_drawing, characters=25_000, description=_DRAWING)
    start_ms: SafeInt = column(description="Where it began, in milliseconds from the version's beginning.")
    end_ms: SafeInt | None = column(description="Where its range ended; null if it was about a moment.")


_BODY = f"1–{BODY:,} characters, in Markdown if you like; may have several lines."
_SHAPES = "What is drawn on the picture, see `Drawing`."
_START = "The moment, in milliseconds from the version's beginning: at most its length."
_END = "Where a range ends: later than it begins, at most the version's length."
_START_FRAME = "In the place of `startMs`: a frame, from 0."
_END_FRAME = "The same in the place of `endMs`."
_START_TIMECODE = "In the place of `startMs`: the SMPTE time code of a frame, such as `00:01:02:03`."
_END_TIMECODE = "The same in the place of `endMs`."


@strawberry.input(description="A new comment.")
class AddCommentInput:
    """Input of `addComment`."""

    version_id: strawberry.ID = strawberry.field(description="The version that it is about.")
    body: str = strawberry.field(description=_BODY)
    start_ms: SafeInt | None = strawberry.field(
        default=None,
        description=f"{_START} 0 where it is left out. Leave it out in an answer, which has its thread's place.",
    )
    end_ms: SafeInt | None = strawberry.field(default=None, description=_END)
    start_frame: SafeInt | None = strawberry.field(default=None, description=_START_FRAME)
    end_frame: SafeInt | None = strawberry.field(default=None, description=_END_FRAME)
    start_timecode: str | None = strawberry.field(default=None, description=_START_TIMECODE)
    end_timecode: str | None = strawberry.field(default=None, description=_END_TIMECODE)
    drawing: Drawing | None = strawberry.field(default=None, description=_SHAPES)
    parent_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The comment on the same version that this one answers. An answer to an answer joins its thread.",
    )
    visibility: CommentVisibility | None = strawberry.field(
        default=None,
        description="For whom it is: `OPEN` where it is left out; `TEAM` is not for viewers to say. Leave it out in an "
        "answer, which is for whom its thread is.",
    )


@strawberry.input(description="For whom a thread is to be.")
class SetCommentVisibilityInput:
    """Input of `setCommentVisibility`."""

    id: strawberry.ID = strawberry.field(description="The comment that opens the thread.")
    visibility: CommentVisibility = strawberry.field(description="For whom it is from now on.")


@strawberry.input(description="What to change of a comment of yours: what is left out stays as it is.")
class EditCommentInput:
    """Input of `editComment`. In the place of what is left out there is UNSET: null says something of its own."""

    id: strawberry.ID = strawberry.field(description="Which comment.")
    body: str | None = strawberry.field(default=None, description=f"{_BODY} Null: as it is.")
    start_ms: SafeInt | None = strawberry.field(default=UNSET, description=f"{_START} Null: the beginning.")
    end_ms: SafeInt | None = strawberry.field(default=UNSET, description=f"{_END} Null: no range, but a moment.")
    start_frame: SafeInt | None = strawberry.field(default=UNSET, description=_START_FRAME)
    end_frame: SafeInt | None = strawberry.field(default=UNSET, description=_END_FRAME)
    start_timecode: str | None = strawberry.field(default=UNSET, description=_START_TIMECODE)
    end_timecode: str | None = strawberry.field(default=UNSET, description=_END_TIMECODE)
    drawing: Drawing | None = strawberry.field(default=UNSET, description=f"{_SHAPES} Null: none any more.")


def _asked(input: AddCommentInput | EditCommentInput) -> comments.Place:
    given = {name: getattr(input, name) for name in comments.Place.__slots__}
    absent = (UNSET, None) if isinstance(input, AddCommentInput) else (UNSET,)
    return comments.Place(**{name: value for name, value in given.items() if value not in absent})


_CommentId = Annotated[strawberry.ID, strawberry.argument(description="Which comment.")]
_ThreadId = Annotated[strawberry.ID, strawberry.argument(description="The comment that opens the thread.")]


@strawberry.type
class CommentMutations:
    """The mutations of comments."""

    @mutation(
        "comment:create",
        answers=Comment,
        fails=(Conflict, Throttled),
        description="Opens a thread at a moment or over a range of a version, or answers in one.",
    )
    async def add_comment(self, info: Info, input: AddCommentInput) -> models.Comment:
        return await comments.add(
            info.context.caller,
            version_id=uuid_of(Version, input.version_id, "versionId"),
            body=input.body,
            place=_asked(input),
            drawing=input.drawing,
            parent_id=None if input.parent_id is None else uuid_of(Comment, input.parent_id, "parentId"),
            visibility=input.visibility,
        )

    @mutation(
        "comment:edit",
        answers=Comment,
        fails=(Conflict, Throttled),
        description="Changes what a comment of yours says, its place, or what is drawn. `edits` keeps what it said.",
    )
    async def edit_comment(self, info: Info, input: EditCommentInput) -> models.Comment:
        return await comments.edit(
            info.context.caller,
            comment_id=uuid_of(Comment, input.id, "id"),
            body=input.body,
            place=_asked(input),
            drawing=STAYS if input.drawing is UNSET else input.drawing,
        )

    @mutation(
        "comment:delete",
        answers=Comment,
        fails=(Conflict, Throttled),
        description="Deletes a comment: what it says and has said is seen no more. With answers it stays, wordless; "
        "without them it leaves all lists. `restoreComment` brings it back, within an hour.",
    )
    async def delete_comment(self, info: Info, id: _CommentId) -> models.Comment:
        return await comments.delete(info.context.caller, comment_id=uuid_of(Comment, id, "id"))

    @mutation(
        "comment:delete",
        answers=Comment,
        fails=(Conflict, Throttled),
        description="Brings a deleted comment back, within an hour. What somebody else has deleted, editors can.",
    )
    async def restore_comment(self, info: Info, id: _CommentId) -> models.Comment:
        return await comments.restore(info.context.caller, comment_id=uuid_of(Comment, id, "id"))

    @mutation(
        "comment:edit",
        answers=UploadParts,
        fails=(Conflict, Throttled, Unavailable),
        description="Begins to attach a picture to a comment of yours, in the place of the one that it has: answers "
        "where to PUT it. Then `completeUpload`; `image` is there when its job has succeeded.",
    )
    async def start_comment_image(self, info: Info, input: StartCommentImageInput) -> UploadParts:
        progress = await uploads.start_image(
            info.context.caller,
            comment_id=uuid_of(Comment, input.comment_id, "commentId"),
            file_name=input.file_name,
            size=input.size,
        )
        return UploadParts(progress=progress)

    @mutation(
        "comment:edit",
        answers=Comment,
        fails=(Conflict,),
        description="Takes the picture from a comment of yours, and gives up one that is still being made.",
    )
    async def remove_comment_image(self, info: Info, id: _CommentId) -> models.Comment:
        return await comments.remove_image(info.context.caller, comment_id=uuid_of(Comment, id, "id"))

    @mutation(
        "comment:resolve", answers=Comment, fails=(Conflict, Throttled), description="Says that a thread is dealt with."
    )
    async def resolve_comment(self, info: Info, id: _ThreadId) -> models.Comment:
        return await comments.resolve(info.context.caller, comment_id=uuid_of(Comment, id, "id"))

    @mutation(
        "comment:resolve", answers=Comment, fails=(Conflict, Throttled), description="Opens a resolved thread again."
    )
    async def unresolve_comment(self, info: Info, id: _ThreadId) -> models.Comment:
        return await comments.unresolve(info.context.caller, comment_id=uuid_of(Comment, id, "id"))

    @mutation(
        "comment:set_visibility",
        answers=Comment,
        fails=(Conflict, Throttled),
        description="Makes a thread team-only, with all that hangs on it, or opens it to everybody in the team. What "
        "is so already changes nothing. Who may not see it any more hears that it is gone, by `commentEvents`.",
    )
    async def set_comment_visibility(self, info: Info, input: SetCommentVisibilityInput) -> models.Comment:
        comment_id = uuid_of(Comment, input.id, "id")
        return await comments.set_visibility(info.context.caller, comment_id=comment_id, visibility=input.visibility)

    @mutation(
        "comment:create",
        answers=Comment,
        fails=(Conflict, Throttled),
        description="Reacts to a comment without words. Who has done so in this way already changes nothing.",
    )
    async def add_reaction(self, info: Info, input: ReactionInput) -> models.Comment:
        return await _react(info, input, wanted=True)

    @mutation(
        "comment:create",
        answers=Comment,
        fails=(Conflict, Throttled),
        description="Takes a reaction back. Who has none of this kind changes nothing.",
    )
    async def remove_reaction(self, info: Info, input: ReactionInput) -> models.Comment:
        return await _react(info, input, wanted=False)


async def _react(info: Info, input: ReactionInput, *, wanted: bool) -> models.Comment:
    comment_id = uuid_of(Comment, input.comment_id, "commentId")
    return await comments.react(info.context.caller, comment_id=comment_id, kind=input.kind, wanted=wanted)
