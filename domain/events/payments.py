"""What people pay for. Nothing records these yet: they are what receivers of webhooks can build on already.

Money is in the currency's smallest unit (cents, yen), the currency as in ISO 4217.
"""

from dataclasses import dataclass
from uuid import UUID

from domain.events.base import Event, register


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class UserSubscribed(Event):
    """Somebody took out a subscription to a tier."""

    type = "user.subscribed"
    recorded = False
    user_id: UUID
    tier: str
    interval: str
    amount: int
    currency: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class UserCancelled(Event):
    """Somebody cancelled their subscription: it goes on until `ends_at`, and is not renewed."""

    type = "user.cancelled"
    recorded = False
    user_id: UUID
    tier: str
    ends_at: str
    reason: str | None = None


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSucceeded(Event):
    """A payment came in."""

    type = "payment.succeeded"
    recorded = False
    user_id: UUID
    amount: int
    currency: str
    tier: str
    reference: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(Event):
    """A payment was refused; `code` says why, and `attempt` for how many times by now."""

    type = "payment.failed"
    recorded = False
    user_id: UUID
    amount: int
    currency: str
    tier: str
    reference: str
    code: str
    attempt: int
