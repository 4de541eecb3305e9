"""What happens to webhooks. No event holds where they lead or what they are signed with."""

from dataclasses import dataclass
from uuid import UUID

from domain.events.base import Event, register


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookCreated(Event):
    """A webhook came to be."""

    type = "webhook.created"
    webhook_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEdited(Event):
    """Somebody changed a webhook; `changed` names what of it."""

    type = "webhook.edited"
    webhook_id: UUID
    changed: list[str]


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPaused(Event):
    """A webhook is sent nothing any more: `reason` says why (`asked`, `gone`, `failing`, `key_ended`)."""

    type = "webhook.paused"
    webhook_id: UUID
    reason: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookResumed(Event):
    """A paused webhook is sent what happens again."""

    type = "webhook.resumed"
    webhook_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecretRotated(Event):
    """A webhook has another secret; what it replaces is good for 24 hours yet, or (`others_ended`) no more."""

    type = "webhook.secret_rotated"
    webhook_id: UUID
    others_ended: bool = False


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTested(Event):
    """Somebody sent a webhook an event for a test, of the type `sent`."""

    type = "webhook.tested"
    webhook_id: UUID
    sent: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookResent(Event):
    """Somebody had `count` deliveries of a webhook sent again."""

    type = "webhook.resent"
    webhook_id: UUID
    count: int


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDeleted(Event):
    """A webhook is no more."""

    type = "webhook.deleted"
    webhook_id: UUID
