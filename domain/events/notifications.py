"""What people are told of what has happened, for who looks on: each is told to one person alone."""

from dataclasses import dataclass
from uuid import UUID

from domain.events.base import Event, register


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRaised(Event):
    """Somebody (`notified_id`) has something new: a notification came to be, or has gathered more."""

    type = "notification.raised"
    notified_id: UUID
    notification_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsRead(Event):
    """Somebody has read `count` of their notifications. What they look at is no one's business: nobody is behind it."""

    type = "notification.read"
    notified_id: UUID
    count: int
