"""Deliveries: what each webhook is sent, and how each attempt at it has gone."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index

from domain.viewers import AnyViewer
from domain.webhooks.faults import Fault
from domain.webhooks.states import AttemptState, DeliveryState
from models.base import Row, choice, owned_by
from models.database import raw_connection
from models.discards import WebhookDiscard, in_state
from models.indexes import PartialIndex
from models.webhooks import Webhook, managing

KEPT = timedelta(days=30)
"""How long deliveries and their attempts are kept."""
MOST_RESENT = 10_000
"""Failed deliveries that one request has sent again: half a million outlast its time, and then none is."""

_RESEND_FAILED = """
UPDATE webhook_deliveries SET state = 'pending', due_at = $3, ended_at = NULL, tries = 0,
    queue_id = (SELECT queue_id FROM webhook_lanes WHERE webhook_id = $1)
WHERE id = ANY(ARRAY(
    SELECT id FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'failed' AND created_at >= $2
    ORDER BY created_at, id LIMIT $4 FOR UPDATE
))
"""


class WebhookDelivery(Row):
    """An event for a webhook: made once, sent until it arrives or there is no hope. Seen as the webhook is.

    `due_at` is when it is sent next; None while it is being sent, and once it has ended.
    """

    team_id = fields.UUIDField()
    webhook: fields.ForeignKeyRelation[Webhook] = owned_by("models.Webhook")
    webhook_id: UUID
    event_id = fields.UUIDField()
    """The receiver knows it by this, however often it comes."""
    event_type = fields.CharField(50)
    position = fields.BigIntField()
    """The event's, by which deliveries are in order; 0 for a test."""
    video_id = fields.UUIDField(null=True)
    is_test = fields.BooleanField(default=False)
    body_id = fields.UUIDField()
    """Of the `WebhookBody` that is sent."""
    queue_id = fields.UUIDField()
    """In which it waits, or last did: see `Lane`. Where that is discarded, so is what is written as pending in it."""
    state = choice(DeliveryState, default=DeliveryState.PENDING)
    due_at = fields.DatetimeField(null=True)
    attempt_count = fields.IntField(default=0)
    tries = fields.SmallIntField(default=0)
    """Attempts since it was made, or was last sent again because somebody wanted that."""
    status = fields.SmallIntField(null=True)
    """What the receiver answered last."""
    fault = choice(Fault, null=True)
    """What went wrong last."""
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "webhook_deliveries"
        unique_together = (("event_id", "webhook_id"),)
        indexes = [
            Index(fields=["team_id"], name="idx_webhook_deliveries_team"),
            Index(fields=["webhook_id", "created_at", "id"], name="idx_webhook_deliveries_webhook_created"),
            PartialIndex(
                fields=["webhook_id", "created_at", "id"],
                name="idx_webhook_deliveries_failed",
                where="state = 'failed'",
            ),
            PartialIndex(fields=["queue_id", "due_at"], name="idx_webhook_deliveries_due", where="due_at IS NOT NULL"),
            PartialIndex(
                fields=["queue_id", "video_id", "position"],
                name="idx_webhook_deliveries_order",
                where="state = 'pending'",
            ),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return managing(viewer)

    @classmethod
    def matching(
        cls,
        *,
        state: DeliveryState | None = None,
        event_type: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Q:
        """The log's filter: made from `since` on, and before `until`."""
        wanted = {"event_type": event_type, "created_at__gte": since, "created_at__lt": until}
        given: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        return Q(**given) if state is None else Q(**given) & in_state(state)

    async def has_ended(self) -> bool:
        """Whether it has arrived, was given up, or is discarded, be it written into it or not."""
        return self.state is not DeliveryState.PENDING or await WebhookDiscard.exists(id=self.queue_id)

    def send_again(self, queue_id: UUID, now: datetime) -> None:
        """It is due anew, in its lane's queue, with all its attempts before it."""
        self.state, self.queue_id, self.due_at = DeliveryState.PENDING, queue_id, now
        self.ended_at, self.tries = None, 0

    @staticmethod
    async def resend_failed(webhook_id: UUID, since: datetime, now: datetime) -> int:
        """Makes those due anew that have failed and were made from `since` on, the oldest of them; how many."""
        async with raw_connection() as connection:
            return _count(await connection.execute(_RESEND_FAILED, webhook_id, since, now, MOST_RESENT))


class WebhookAttempt(Row):
    """One try at a delivery, written before it is made: what is made has its row, whatever happens. Seen as that is."""

    team_id = fields.UUIDField()
    webhook_id = fields.UUIDField()
    delivery: fields.ForeignKeyRelation[WebhookDelivery] = owned_by("models.WebhookDelivery")
    delivery_id: UUID
    number = fields.IntField()
    """1, 2, 3 … of its delivery."""
    state = choice(AttemptState, default=AttemptState.SENDING)
    status = fields.SmallIntField(null=True)
    fault = choice(Fault, null=True)
    excerpt = fields.TextField(default="")
    """How the answer began."""
    duration_ms = fields.IntField(null=True)

    class Meta:
        table = "webhook_attempts"
        unique_together = (("delivery_id", "number"),)
        indexes = [
            Index(fields=["team_id"], name="idx_webhook_attempts_team"),
            PartialIndex(
                fields=["webhook_id", "created_at"],
                name="idx_webhook_attempts_succeeded",
                where="state = 'succeeded'",
            ),
            PartialIndex(fields=["webhook_id"], name="idx_webhook_attempts_sending", where="state = 'sending'"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return managing(viewer)


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
