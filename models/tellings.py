"""What webhooks are told of events becomes deliveries: of pages of events for many webhooks, in few statements."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg import Connection

from domain.ids import new_id
from models import lanes
from models.database import raw_connection
from models.events import EventRecord

_MADE_AT_ONCE = 1000
"""Deliveries, or bodies, that one statement makes: a page of events for all webhooks would outlast its time."""

# What was written of an event before is what it is; it is held, so that it is not just being forgotten.
_WRITE = """
INSERT INTO webhook_bodies (id, created_at, team_id, event_id, edition, body)
SELECT id, $1::timestamptz, team_id, event_id, edition, body
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::text[]) AS told (id, team_id, event_id, edition, body)
ON CONFLICT (event_id, edition) DO UPDATE SET edition = excluded.edition
RETURNING event_id, edition, id
"""
# Asked once their deliveries are made: who resumes one before that stirs its lane too soon, and who does it afterwards
# waits until all this is committed, since a delivery holds its webhook.
_AWAKE = "SELECT id FROM webhooks WHERE id = ANY($1) AND state = 'active' AND deleted_at IS NULL"
_QUEUES = "SELECT webhook_id, queue_id FROM webhook_lanes WHERE webhook_id = ANY($1)"
_MAKE = """
WITH made AS (
    INSERT INTO webhook_deliveries (id, created_at, team_id, webhook_id, event_id, event_type, position, video_id,
        is_test, body_id, queue_id, state, due_at, attempt_count, tries)
    SELECT made.id, $1::timestamptz, team_id, webhook_id, event_id, event_type, position, video_id, FALSE, body_id,
        queue_id, 'pending', $1::timestamptz, 0, 0
    FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::int[]) AS made (id, webhook_id, queue_id, nth)
    JOIN unnest($6::uuid[], $7::uuid[], $8::text[], $9::bigint[], $10::uuid[], $11::uuid[]) WITH ORDINALITY
        AS told (team_id, event_id, event_type, position, video_id, body_id, nth) USING (nth)
    ON CONFLICT (event_id, webhook_id) DO NOTHING
    RETURNING webhook_id
)
SELECT webhook_id, count(*) AS count FROM made GROUP BY webhook_id
"""
# What was just put into a queue that somebody has discarded meanwhile is later than that, and moves on: lanes are held
# from when they are filled, so that theirs is their queue until all this is committed.
_MOVE = """
UPDATE webhook_deliveries AS each SET queue_id = lanes.queue_id FROM webhook_lanes AS lanes
WHERE each.event_id = ANY($1) AND each.webhook_id = $2 AND each.queue_id = $3
    AND each.created_at = $4 AND lanes.webhook_id = each.webhook_id
"""


class Telling(NamedTuple):
    """An event, and what some webhooks of its team are sent of it: those of one edition."""

    event: EventRecord
    video_id: UUID | None
    edition: int
    body: str
    webhook_ids: Sequence[UUID]


async def make(told: Sequence[Telling], now: datetime) -> None:
    """Makes the deliveries that there are not yet, due at once, and wakes who sends them.

    Nobody is woken for what is only kept. Inside of a transaction.
    """
    hearing = {webhook_id for each in told for webhook_id in each.webhook_ids}
    async with raw_connection() as connection:
        queues = {row["webhook_id"]: row["queue_id"] for row in await connection.fetch(_QUEUES, list(hearing))}
        told = [each for each in told if not queues.keys().isdisjoint(each.webhook_ids)]  # others' teams are going
        bodies = await _bodies(connection, told, now)
        made = await _deliveries(connection, told, bodies, queues, now)
        awake = {row["id"] for row in await connection.fetch(_AWAKE, list(hearing))}
    theirs = await lanes.fill(made, awake, now)
    for webhook_id in [each for each in queues if theirs[each] != queues[each]]:
        events = [each.event.id for each in told if webhook_id in each.webhook_ids]
        async with raw_connection() as connection:
            await connection.execute(_MOVE, events, webhook_id, queues[webhook_id], now)


async def _deliveries(
    connection: Connection, told: Sequence[Telling], bodies: Sequence[UUID], queues: Mapping[UUID, UUID], now: datetime
) -> Counter[UUID]:
    """Makes those of the webhooks that have a queue; how many, for each of these."""
    wanted = [(nth, each) for nth, telling in enumerate(told) for each in telling.webhook_ids if each in queues]
    made = Counter(dict.fromkeys(queues, 0))
    for begin in range(0, len(wanted), _MADE_AT_ONCE):
        part = wanted[begin : begin + _MADE_AT_ONCE]
        first, last = part[0][0], part[-1][0]
        values = (*_places(part, queues, first), *_columns(told[first : last + 1], bodies[first : last + 1]))
        made.update({row["webhook_id"]: row["count"] for row in await connection.fetch(_MAKE, now, *values)})
    return made


async def _bodies(connection: Connection, told: Sequence[Telling], now: datetime) -> list[UUID]:
    """Writes what is told; the bodies' ids. A body goes to the database once, however many webhooks are told of it."""
    found: dict[tuple[UUID, int], UUID] = {}
    for begin in range(0, len(told), _MADE_AT_ONCE):
        part = told[begin : begin + _MADE_AT_ONCE]
        rows = [(new_id(), each.event.team_id, each.event.id, each.edition, each.body) for each in part]
        written = await connection.fetch(_WRITE, now, *map(list, zip(*rows, strict=True)))
        found |= {(row["event_id"], row["edition"]): row["id"] for row in written}
    return [found[each.event.id, each.edition] for each in told]


def _places(
    part: Sequence[tuple[int, UUID]], queues: Mapping[UUID, UUID], first: int
) -> tuple[list[UUID], list[UUID], list[UUID], list[int]]:
    ids = [new_id() for _ in part]
    return ids, [each for _, each in part], [queues[each] for _, each in part], [nth - first + 1 for nth, _ in part]


def _columns(told: Sequence[Telling], bodies: Sequence[UUID]) -> tuple[list[Any], ...]:
    rows = [
        (each.event.team_id, each.event.id, each.event.type, each.event.position, each.video_id, body_id)
        for each, body_id in zip(told, bodies, strict=True)
    ]
    return tuple(map(list, zip(*rows, strict=True)))
