"""Where a webhook, a delivery and an attempt stand."""

from enum import StrEnum


class WebhookState(StrEnum):
    """Whether a webhook is sent what happens."""

    ACTIVE = "active"
    PAUSED = "paused"


class PauseReason(StrEnum):
    """Why a webhook is paused."""

    ASKED = "asked"
    """Somebody has paused it."""
    GONE = "gone"
    """The receiver has answered 410."""
    FAILING = "failing"
    """Nothing has reached the receiver for five days."""
    KEY_ENDED = "key_ended"
    """The API key that it was made with is good no more, or its person is no more one who may have webhooks."""


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    """It is still to arrive."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """It has not arrived, and is not tried again by itself."""
    DISCARDED = "discarded"
    """Somebody did not want it any more."""


class AttemptState(StrEnum):
    """How an attempt has gone."""

    SENDING = "sending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The worker was lost while it sent: whether it has arrived nobody knows, so it is sent again."""
