"""Forgetting what webhooks were sent: bodies, whatever was sent of them, and each attempt at that.

In statements of bounded size, each pass of which goes on where the one before has ended. Nothing waits for them: what
somebody holds is passed over until the next time.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Connection, Record

from models.database import raw_connection

# A body is as old as its deliveries, which were made with it. Each has few: those of one team's webhooks.
_OLD = """
SELECT bodies.id AS body_id, bodies.created_at, each.id, each.webhook_id, each.waits
FROM (
    SELECT id, event_id, created_at FROM webhook_bodies
    WHERE created_at >= coalesce($2::timestamptz, '-infinity'::timestamptz) AND created_at < $1
    ORDER BY created_at LIMIT $3
) AS bodies
LEFT JOIN LATERAL (
    SELECT id, webhook_id, state = 'pending' AS waits FROM webhook_deliveries
    WHERE event_id = bodies.event_id AND body_id = bodies.id LIMIT $3
) AS each ON TRUE
LIMIT $3
"""
_OF_A_DELETED = """
SELECT id, webhook_id, body_id, created_at, state = 'pending' AS waits FROM webhook_deliveries
WHERE webhook_id = $1 AND created_at >= coalesce($2::timestamptz, '-infinity'::timestamptz)
ORDER BY created_at LIMIT $3
"""
# Lanes before all else, as those who send have it. What has ended can begin to wait only by whoever holds it.
_HOLD_LANES = "SELECT FROM webhook_lanes WHERE webhook_id = ANY($1) ORDER BY webhook_id FOR UPDATE"
_HOLD = """
SELECT id FROM webhook_deliveries WHERE id = ANY($1) AND (state <> 'pending' OR webhook_id = ANY($2))
FOR UPDATE SKIP LOCKED
"""
_DELETE_ATTEMPTS = "DELETE FROM webhook_attempts WHERE delivery_id = ANY($1)"
_DELETE = """
WITH gone AS (DELETE FROM webhook_deliveries WHERE id = ANY($1) RETURNING queue_id, state)
SELECT queue_id, count(*) AS count FROM gone WHERE state = 'pending' GROUP BY queue_id
"""
# What was in a queue that is discarded is counted no more.
_COUNT = """
UPDATE webhook_lanes SET waiting = waiting - gone.count FROM unnest($1::uuid[], $2::int[]) AS gone (queue_id, count)
WHERE webhook_id = ANY($3) AND webhook_lanes.queue_id = gone.queue_id
"""
_HOLD_BODIES = "SELECT id FROM webhook_bodies WHERE id = ANY($1) FOR UPDATE SKIP LOCKED"
_DELETE_BODIES = """
DELETE FROM webhook_bodies AS bodies WHERE id = ANY($1) AND NOT EXISTS (
    SELECT FROM webhook_deliveries AS each WHERE each.event_id = bodies.event_id AND each.body_id = bodies.id
)
"""


async def forget_old(before: datetime, since: datetime | None, most: int) -> datetime | None:
    """Deletes at most so many deliveries of before that moment, and the bodies that no other has; from `since` on.

    Answers from when on to go on; None where nothing is left. Inside of a transaction, as the following.
    """
    async with raw_connection() as connection:
        return await _forget(connection, await connection.fetch(_OLD, before, since, most), since, most)


async def forget_of(webhook_id: UUID, since: datetime | None, most: int) -> datetime | None:
    """The same of all that a deleted webhook was sent, whenever that was."""
    async with raw_connection() as connection:
        return await _forget(connection, await connection.fetch(_OF_A_DELETED, webhook_id, since, most), since, most)


async def _forget(
    connection: Connection, found: Sequence[Record], since: datetime | None, most: int
) -> datetime | None:
    waiting = sorted({each["webhook_id"] for each in found if each["waits"]})
    if waiting:
        await connection.execute(_HOLD_LANES, waiting)
    deliveries = [each["id"] for each in found if each["id"] is not None]
    held = [row["id"] for row in await connection.fetch(_HOLD, deliveries, waiting)]
    await connection.execute(_DELETE_ATTEMPTS, held)
    gone = {row["queue_id"]: row["count"] for row in await connection.fetch(_DELETE, held)}
    if gone:
        await connection.execute(_COUNT, list(gone), list(gone.values()), waiting)
    bodies = await connection.fetch(_HOLD_BODIES, list({each["body_id"] for each in found}))
    deleted = await connection.execute(_DELETE_BODIES, [row["id"] for row in bodies])
    if len(found) < most:
        return None
    latest: datetime = max(each["created_at"] for each in found)
    is_on_its_way = bool(held) or deleted != "DELETE 0" or latest != since
    return latest if is_on_its_way else None
