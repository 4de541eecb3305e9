"""Discarding what waits for a webhook: at once, however much it is, and written into each delivery afterwards.

The deliveries of a lane wait in its queue. A discard gives the lane another, empty one and notes that the former is
discarded: from that commit on nobody takes anything out of it, and whatever waits in it counts as discarded. What is
under way at the moment moves on to the other queue: it is not reached.
"""

from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q, Subquery
from tortoise.indexes import Index

from domain.ids import new_id
from domain.viewers import AnyViewer
from domain.webhooks.states import DeliveryState
from models.base import Row
from models.database import raw_connection
from models.webhooks import managing

# The lane is held first, by a statement of its own: the next one sees what was begun or ended in it until then.
_HOLD = "SELECT FROM webhook_lanes WHERE webhook_id = $1 FOR UPDATE"
_DISCARD = """
WITH filled AS MATERIALIZED (
    SELECT queue_id, team_id, webhook_id FROM webhook_lanes WHERE webhook_id = $1 AND EXISTS (
        SELECT FROM webhook_deliveries AS each WHERE each.queue_id = webhook_lanes.queue_id AND state = 'pending'
    )
),
discarded AS (
    INSERT INTO webhook_discards (id, created_at, team_id, webhook_id)
    SELECT queue_id, $2, team_id, webhook_id FROM filled
),
kept AS (
    UPDATE webhook_deliveries AS each SET queue_id = $3 FROM webhook_attempts AS tried
    WHERE tried.webhook_id = $1 AND tried.state = 'sending'
        AND each.id = tried.delivery_id AND each.state = 'pending' AND each.due_at IS NULL
    RETURNING each.id
)
UPDATE webhook_lanes SET queue_id = $3, due_at = NULL, waiting = (SELECT count(*) FROM kept)
WHERE webhook_id = (SELECT webhook_id FROM filled) RETURNING old.waiting - new.waiting
"""
_WRITE = """
WITH written AS (
    UPDATE webhook_deliveries SET state = 'discarded', due_at = NULL, ended_at = $2
    WHERE id = ANY(ARRAY(
        SELECT id FROM webhook_deliveries
        WHERE queue_id = $1 AND due_at >= coalesce($3::timestamptz, '-infinity'::timestamptz)
        ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED
    )) RETURNING old.due_at
)
SELECT count(*) AS count, max(due_at) AS latest FROM written
"""
_DONE = """
DELETE FROM webhook_discards
WHERE id = $1 AND NOT EXISTS (SELECT FROM webhook_deliveries WHERE queue_id = $1 AND state = 'pending')
"""


class WebhookDiscard(Row):
    """A queue whose deliveries are discarded, and when; there until that is written into each. `id` is the queue's."""

    team_id = fields.UUIDField()
    webhook_id = fields.UUIDField()

    class Meta:
        table = "webhook_discards"
        indexes = [
            Index(fields=["team_id"], name="idx_webhook_discards_team"),
            Index(fields=["created_at"], name="idx_webhook_discards_created"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return managing(viewer)

    async def write(self, since: datetime | None, most: int) -> datetime | None:
        """Writes it into at most so many deliveries, of those that were due from `since` on: all, if that is None.

        Answers from when on to go on, and None where nothing is left. What somebody else holds is passed over.
        """
        async with raw_connection() as connection:
            written = await connection.fetchrow(_WRITE, self.id, self.created_at, since, most)
            if written["count"] == most:
                latest: datetime = written["latest"]
                return latest
            await connection.execute(_DONE, self.id)
        return None


def in_state(state: DeliveryState) -> Q:
    """The deliveries that are in a state, whether that is written into them yet or not."""
    discarded = Q(state=DeliveryState.PENDING, queue_id__in=Subquery(WebhookDiscard.all().values("id")))
    if state is DeliveryState.DISCARDED:
        return Q(Q(state=state), discarded, join_type=Q.OR)
    return Q(state=state) & ~discarded if state is DeliveryState.PENDING else Q(state=state)


async def discard(webhook_id: UUID, now: datetime) -> int:
    """Drops whatever waits for a webhook; how many. What is being sent at the moment is not reached.

    Where nothing waits there is nothing to note: who resumes again and again leaves no heap of work to others.

    Inside of a transaction that holds the webhook.
    """
    async with raw_connection() as connection:
        await connection.execute(_HOLD, webhook_id)
        dropped: int | None = await connection.fetchval(_DISCARD, webhook_id, now, new_id())
    return dropped or 0
