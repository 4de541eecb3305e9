"""What happens to comments, as it happens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from domain.comments import CommentHappening
from live.message import Message
from plan import Depends, encode_id, reference
from resolvers import comments
from resolvers.caller import Following
from schema.accounts import User
from schema.comments import Comment
from schema.context import Context
from schema.fields import subscription
from schema.ids import uuid_of
from schema.videos import Video


@strawberry.type(description="Something that happened to a comment. What is below it is read at the time of telling.")
class CommentEvent:
    """Event of `commentEvents`."""

    row_id: strawberry.Private[UUID]
    actor_id: strawberry.Private[UUID | None]
    kind: CommentHappening = strawberry.field(description="What happened.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    comment_id: strawberry.ID = strawberry.field(description="The id of the comment, also where `comment` is null.")
    comment: Comment | None = reference(
        lambda event, _context: event.row_id,
        depends=Depends.NOTHING,
        description="The comment as it is now; null if you may not see it now: then take it from the screen, with all "
        "that answers it.",
    )
    actor: User | None = reference(
        lambda event, _context: event.actor_id,
        depends=Depends.NOTHING,
        description="Who did it; null if no person did, or if they have left the team.",
    )


_VideoId = Annotated[strawberry.ID, strawberry.argument(description="Whose versions' comments.")]


async def _watch(context: Context, video_id: str) -> Following:
    return await comments.watch(context.caller, video_id=uuid_of(Video, video_id, "videoId"))


@strawberry.type
class CommentSubscriptions:
    """The subscriptions of comments."""

    @subscription(
        "video:view",
        topics=_watch,
        only=[happening.value for happening in CommentHappening],
        depends=Depends.NOTHING,
        description="Tells of what happens to the comments on a video's versions: they are added, edited, resolved, "
        "deleted, reacted to, made team-only and opened. Viewers hear nothing of what is team-only. Resumable: "
        "subscribe with the last `extensions.eventId`, or a query's `extensions.position`, as "
        "`extensions.lastEventId`.",
    )
    def comment_events(self, root: Message, video_id: _VideoId) -> CommentEvent:
        del video_id  # what it selects has been done by the topics
        happened, row_id = root.body, UUID(root.body["payload"]["comment_id"])
        return CommentEvent(
            row_id=row_id,
            actor_id=happened["actor_id"] and UUID(happened["actor_id"]),
            kind=CommentHappening(happened["type"]),
            occurred_at=datetime.fromisoformat(happened["created_at"]),
            comment_id=strawberry.ID(encode_id("Comment", row_id)),
        )
