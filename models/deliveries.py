"""Deliveries: what each webhook is sent, and how each attempt at it has gone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index

from domain.errors import Conflict
from domain.ids import new_id
from domain.viewers import AnyViewer
from domain.webhooks.faults import Fault
from domain.webhooks.states import AttemptState, DeliveryState
from models.base import Row, choice, owned_by
from models.database import raw_connection
from models.events import EventRecord
from models.indexes import PartialIndex
from models.webhooks import Webhook, managing

KEPT = timedelta(days=30)
"""How long deliveries and their attempts are kept."""
MOST_RESENT = 10_000
"""Failed deliveries that one request has sent again: half a million outlast its time, and then none is."""
_MADE_AT_ONCE = 1000
"""Deliveries that one statement makes: a page of events for all webhooks of a team would outlast its time."""

# A body goes to the database once, however many webhooks are told of the event.
_MAKE = """
INSERT INTO webhook_deliveries (id, created_at, team_id, webhook_id, event_id, event_type, position, video_id, is_test,
    body, state, due_at, attempt_count, tries)
SELECT made.id, $1::timestamptz, team_id, webhook_id, event_id, event_type, position, video_id, FALSE, body, 'pending',
    $1::timestamptz, 0, 0
FROM unnest($2::uuid[], $3::uuid[], $4::int[]) AS made (id, webhook_id, nth)
JOIN unnest($5::uuid[], $6::uuid[], $7::text[], $8::bigint[], $9::uuid[], $10::text[]) WITH ORDINALITY
    AS told (team_id, event_id, event_type, position, video_id, body, nth) USING (nth)
ON CONFLICT (webhook_id, event_id) DO NOTHING
"""
_RESEND_FAILED = """
UPDATE webhook_deliveries SET state = 'pending', due_at = $3, ended_at = NULL, tries = 0
WHERE id = ANY(ARRAY(
    SELECT id FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'failed' AND created_at >= $2
    ORDER BY created_at, id LIMIT $4 FOR UPDATE
))
"""
_DISCARD = """
UPDATE webhook_deliveries SET state = 'discarded', due_at = NULL, ended_at = $2
WHERE webhook_id = $1 AND due_at IS NOT NULL
"""
_OLD = """
SELECT old.id FROM webhooks CROSS JOIN LATERAL (
    SELECT id FROM webhook_deliveries
    WHERE webhook_id = webhooks.id
        AND created_at < CASE WHEN deleted_at IS NULL THEN $1::timestamptz ELSE 'infinity'::timestamptz END
    ORDER BY created_at LIMIT $2
) AS old LIMIT $2
"""


class Telling(NamedTuple):
    """An event, and what some webhooks of its team are sent of it."""

    event: EventRecord
    video_id: UUID | None
    body: str
    webhook_ids: Sequence[UUID]


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
    body = fields.TextField()
    """What is sent, to the letter."""
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
        unique_together = (("webhook_id", "event_id"),)
        indexes = [
            Index(fields=["team_id"], name="idx_webhook_deliveries_team"),
            Index(fields=["webhook_id", "created_at", "id"], name="idx_webhook_deliveries_webhook_created"),
            PartialIndex(
                fields=["webhook_id", "created_at", "id"],
                name="idx_webhook_deliveries_failed",
                where="state = 'failed'",
            ),
            PartialIndex(
                fields=["webhook_id", "due_at"], name="idx_webhook_deliveries_due", where="due_at IS NOT NULL"
            ),
            PartialIndex(
                fields=["webhook_id", "video_id", "position"],
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
        wanted = {"state": state, "event_type": event_type, "created_at__gte": since, "created_at__lt": until}
        given: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        return Q(**given)

    @staticmethod
    async def make(told: Sequence[Telling], now: datetime) -> None:
        """Makes the deliveries that there are not yet, due at once; in a few statements, however many they are."""
        wanted = [(nth, webhook_id) for nth, each in enumerate(told) for webhook_id in each.webhook_ids]
        async with raw_connection() as connection:
            for begin in range(0, len(wanted), _MADE_AT_ONCE):
                part = wanted[begin : begin + _MADE_AT_ONCE]
                first, last = part[0][0], part[-1][0]
                made = (
                    [new_id() for _ in part],
                    [webhook_id for _, webhook_id in part],
                    [nth - first + 1 for nth, _ in part],
                )
                await connection.execute(_MAKE, now, *made, *_columns(told[first : last + 1]))

    def send_again(self, now: datetime) -> None:
        """It is due anew, with all its attempts before it; Conflict while it is still to arrive."""
        if self.state is DeliveryState.PENDING:
            raise Conflict("problem.delivery_pending")
        self.state, self.due_at, self.ended_at, self.tries = DeliveryState.PENDING, now, None, 0

    @staticmethod
    async def resend_failed(webhook_id: UUID, since: datetime, now: datetime) -> int:
        """Makes those due anew that have failed and were made from `since` on, the oldest of them; how many."""
        async with raw_connection() as connection:
            return _count(await connection.execute(_RESEND_FAILED, webhook_id, since, now, MOST_RESENT))

    @staticmethod
    async def discard(webhook_id: UUID, now: datetime) -> int:
        """Drops whatever waits for a webhook; how many. What is being sent at the moment is not reached."""
        async with raw_connection() as connection:
            return _count(await connection.execute(_DISCARD, webhook_id, now))

    @staticmethod
    async def forget(before: datetime, most: int) -> int:
        """Deletes deliveries of before that moment, and of deleted webhooks, with their attempts; how many.

        Inside of a transaction.
        """
        async with raw_connection() as connection:
            old = [row["id"] for row in await connection.fetch(_OLD, before, most)]
            await connection.execute("DELETE FROM webhook_attempts WHERE delivery_id = ANY($1)", old)
            return _count(await connection.execute("DELETE FROM webhook_deliveries WHERE id = ANY($1)", old))


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
            Index(fields=["webhook_id", "created_at"], name="idx_webhook_attempts_webhook_created"),
            PartialIndex(fields=["webhook_id"], name="idx_webhook_attempts_sending", where="state = 'sending'"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return managing(viewer)


def _columns(told: Sequence[Telling]) -> tuple[list[Any], ...]:
    rows = [
        (each.event.team_id, each.event.id, each.event.type, each.event.position, each.video_id, each.body)
        for each in told
    ]
    return tuple(map(list, zip(*rows, strict=True)))


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
