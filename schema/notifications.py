"""Notifications: what is new for oneself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import strawberry

import models
from domain.errors import NotFound
from domain.notifications import NotificationKind
from i18n import translate
from live.message import Message
from plan import Node, batch, column, computed, node, reference, to_one
from resolvers import notifications
from resolvers.caller import Following
from schema.accounts import User
from schema.context import Context, Info
from schema.fields import mutation, subscription
from schema.ids import uuid_of

if TYPE_CHECKING:
    from schema.comments import Comment
    from schema.teams import Team
    from schema.videos import Video


async def _texts(context: Context, rows: Sequence[Any]) -> list[str]:
    caller = context.caller
    return [translate(caller.locale, key, **params) for key, params in await notifications.said(caller, rows)]


@node(table=models.Notification, visible=models.Notification.visible_to)
class Notification(Node):
    """Something that is new for you. You alone see it, as long as you are in the team.

    As long as you have not read it, it gathers whatever else comes of the same kind about the same thing.
    """

    kind: NotificationKind = column(description="Why you are told.")
    text: str = batch(
        *("kind", "people", "count", "video_id"),
        by=_texts,
        description="What it is about, a sentence in your language: `Ada and 2 others commented on “A cut”.`",
    )
    count: int = column(description="How many events it has gathered.")
    people_count: int = computed(
        "people", by=len, description="How many people are behind it: at most 100 are counted."
    )
    video: Video = to_one("video_id", description="The video that it is about.")
    comment: Comment | None = to_one("comment_id", description="The latest comment; null if it is gone.")
    team: Team = to_one("team_id", description="The team of that video.")
    created_at: datetime = column(description="When it began.")
    latest_at: datetime = column(description="When it last gathered something: the order of lists.")
    read_at: datetime | None = column(description="When you marked it as read; null as long as you have not.")


@strawberry.input(description="Which notifications: either `ids` or `until`.")
class MarkNotificationsReadInput:
    """Input of `markNotificationsRead`."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="These, at most 100.")
    until: datetime | None = strawberry.field(
        default=None,
        description="All whose `latestAt` is no later than this: that of the first in your list marks all that you "
        "have shown, and nothing that came meanwhile.",
    )


@strawberry.type
class NotificationMutations:
    """The mutations of notifications."""

    @mutation(
        "notification:mark",
        answers=User,
        fails=(NotFound,),
        description="Marks one, several or all of your notifications as read. Answers you: ask for "
        "`unreadNotificationCount`.",
    )
    async def mark_notifications_read(self, info: Info, input: MarkNotificationsReadInput) -> models.User:
        ids = input.ids
        return await notifications.mark_read(
            info.context.caller,
            ids=None if ids is None else [uuid_of(Notification, each, "ids", str(i)) for i, each in enumerate(ids)],
            until=None if input.until is None else _moment(input.until),
        )


def _moment(given: datetime) -> datetime:
    """In UTC; for what lies beyond, the first or last that there is: up to then is nothing, or all."""
    try:
        return given.astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if given.year == 1 else datetime.max.replace(tzinfo=UTC)


def _about(change: NotificationChange, _context: Context) -> UUID | None:
    named = change.payload.get("notification_id")
    return UUID(named) if named else None


def _told(change: NotificationChange, _context: Context) -> UUID:
    return UUID(change.payload["notified_id"])


@strawberry.type(description="Something is new for you, or is not any more. All below it is read when it is told.")
class NotificationChange:
    """Event of `notifications`."""

    payload: strawberry.Private[dict[str, Any]]
    type: str = strawberry.field(
        description="`notification.raised`: there is a new one, or one has gathered more; `notification.read`: some "
        "were marked as read, perhaps on another device."
    )
    occurred_at: datetime = strawberry.field(description="When it happened.")
    notification: Notification | None = reference(
        _about, description="What is new; null where some were read, and where you may not see it any more."
    )
    viewer: User | None = reference(_told, description="You: ask for `unreadNotificationCount`.")


async def _watch(context: Context) -> Following:
    return await notifications.watch(context.caller)


@strawberry.type
class NotificationSubscriptions:
    """The subscriptions of notifications."""

    @subscription(
        "notification:view",
        topics=_watch,
        description="Tells of whatever is new for you, in all your teams. Resumable, as `videoChanged` is.",
    )
    def notifications(self, root: Message) -> NotificationChange:
        happened = root.body
        return NotificationChange(
            payload=happened["payload"],
            type=happened["type"],
            occurred_at=datetime.fromisoformat(happened["created_at"]),
        )
