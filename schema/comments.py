"""Comments: what people say about a version, at a moment of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry

import models
from domain.errors import Conflict
from plan import Connection, Node, column, count_of, node, to_many, to_one
from resolvers import comments
from schema.context import Info
from schema.enums import Action
from schema.fields import mutation
from schema.ids import uuid_of
from schema.rights import rights
from schema.scalars import SafeInt
from schema.versions import Version

if TYPE_CHECKING:
    from schema.accounts import User
    from schema.videos import Video


@node(table=models.Comment, visible=models.Comment.visible_to)
class Comment(Node):
    """What somebody said about a version: it opens a thread, or answers in one. Threads are one level deep."""

    viewer_can: list[Action] = rights("comment")
    body: str = column(description="What was said; may have several lines.")
    start_ms: SafeInt = column(
        description="At which moment of the version, in milliseconds from its beginning; an answer has its thread's."
    )
    created_at: datetime = column(description="When it was said.")
    author: User | None = to_one("created_by_id", description="Who said it; null if you share no team any more.")
    version: Version = to_one("version_id", description="The version that it is about.")
    video: Video = to_one("video_id", description="The video of that version.")
    parent: Comment | None = to_one(
        "parent_id", description="The comment that opened the thread; null where this one did."
    )
    replies: Connection[Comment] = to_many(
        "parent_id", order="created_at", description="The answers in its thread, oldest first; an answer has none."
    )
    reply_count: int = count_of("replies", description="How many answers it has.")


@strawberry.input(description="A new comment.")
class AddCommentInput:
    """Input of `addComment`."""

    version_id: strawberry.ID = strawberry.field(description="The version that it is about.")
    body: str = strawberry.field(description="1–5,000 characters; may have several lines.")
    start_ms: SafeInt | None = strawberry.field(
        default=None,
        description="The moment, in milliseconds from the version's beginning: 0 where it is left out, and at most its "
        "length. Leave it out in an answer, which has its thread's.",
    )
    parent_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The comment on the same version that this one answers. An answer to an answer joins its thread.",
    )


@strawberry.type
class CommentMutations:
    """The mutations of comments."""

    @mutation("comment:create", answers=Comment, fails=(Conflict,), description="Says something about a version.")
    async def add_comment(self, info: Info, input: AddCommentInput) -> models.Comment:
        return await comments.add(
            info.context.caller,
            version_id=uuid_of(Version, input.version_id, "versionId"),
            body=input.body,
            start_ms=input.start_ms,
            parent_id=None if input.parent_id is None else uuid_of(Comment, input.parent_id, "parentId"),
        )
