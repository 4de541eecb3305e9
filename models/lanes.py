"""Lanes: what waits for each webhook, driven by one worker at a time.

A lane is the queue in front of one endpoint: when something in it is due next, who drives it and for how long that is
sure, and how its receiver has been doing. All is written by few statements over many rows, since each event costs some.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Record
from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from models.database import raw_connection, transaction
from models.indexes import PartialIndex

CHANNEL = "webhooks"
"""The NOTIFY channel that tells of lanes in which something is due."""
_MOST_NAMED = 200
"""A notification holds 8,000 bytes."""
MEASURED = 500
"""Of so many of the latest attempts that arrived the median time is taken."""

# What a crash of the server takes back of these is found out again: leases end, and attempts that nobody makes are due.
# Only a claim has to last before it is acted upon; it makes whatever came before it last, too.
_QUICKLY = "(SELECT set_config('synchronous_commit', 'off', true)) AS quickly"

# A lease is by the clock of the database: workers whose clocks disagree would take from each other what they drive.
_DUE = """
due_at <= $1 AND (lease_until IS NULL OR lease_until <= clock_timestamp() AND lease_token <> $3)
"""
_TAKE = f"""
WITH waiting AS (
    SELECT webhook_id, team_id, served_at FROM webhook_lanes WHERE {_DUE} ORDER BY due_at LIMIT 1000
),
served AS (
    SELECT team_id, count(*) AS lanes FROM webhook_lanes
    WHERE team_id = ANY(ARRAY(SELECT DISTINCT team_id FROM waiting)) AND lease_until > clock_timestamp()
    GROUP BY team_id
),
turns AS (
    SELECT webhook_id, served_at,
        row_number() OVER (PARTITION BY team_id ORDER BY served_at) + coalesce(served.lanes, 0) AS turn
    FROM waiting LEFT JOIN served USING (team_id)
),
chosen AS (
    SELECT webhook_id FROM webhook_lanes
    WHERE webhook_id = ANY(ARRAY(SELECT webhook_id FROM turns ORDER BY turn, served_at LIMIT $2)) AND {_DUE}
    FOR UPDATE SKIP LOCKED
),
taken AS (
    UPDATE webhook_lanes AS lanes SET lease_token = $3, lease_until = clock_timestamp() + $4, served_at = $1
    FROM chosen, {_QUICKLY} WHERE lanes.webhook_id = chosen.webhook_id
    RETURNING lanes.webhook_id, lanes.team_id, lanes.failures, lanes.failing_since, lanes.rests_until,
        lanes.delivered, old.lease_token IS NOT NULL AS lost
),
cut AS (
    UPDATE webhook_attempts AS each SET state = 'interrupted' FROM taken
    WHERE taken.lost AND each.webhook_id = taken.webhook_id AND each.state = 'sending' RETURNING each.delivery_id
),
again AS (
    UPDATE webhook_deliveries AS each SET due_at = $1
    FROM cut WHERE each.id = cut.delivery_id AND each.state = 'pending' AND each.due_at IS NULL
)
SELECT * FROM taken
"""  # noqa: S608 - all ours
_OURS = """
UPDATE webhook_lanes AS lanes SET lease_token = $2, lease_until = clock_timestamp() + $3
FROM (SELECT webhook_id FROM webhook_lanes WHERE lease_token = ANY($1) ORDER BY webhook_id FOR UPDATE) AS held
WHERE lanes.webhook_id = held.webhook_id
RETURNING lanes.webhook_id, lanes.team_id, lanes.failures, lanes.failing_since, lanes.rests_until, lanes.delivered
"""
_INTERRUPT = """
WITH cut AS (
    UPDATE webhook_attempts SET state = 'interrupted'
    WHERE webhook_id = ANY($1) AND state = 'sending' AND NOT id = ANY($3) RETURNING delivery_id
)
UPDATE webhook_deliveries SET due_at = $2
FROM cut WHERE webhook_deliveries.id = cut.delivery_id AND state = 'pending' AND due_at IS NULL
"""
# Where order is wanted, only the first of each video has its turn. Each is found by itself: thousands that wait behind
# one must not be looked at.
_HEADS = """
WITH RECURSIVE videos AS (
    (
        SELECT video_id FROM webhook_deliveries WHERE queue_id = lanes.queue_id AND state = 'pending'
            AND video_id IS NOT NULL ORDER BY video_id LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT next.video_id FROM webhook_deliveries AS next WHERE next.queue_id = lanes.queue_id
            AND next.state = 'pending' AND next.video_id > videos.video_id ORDER BY next.video_id LIMIT 1
    ) FROM videos WHERE videos.video_id IS NOT NULL
)
SELECT head.id, head.due_at FROM videos CROSS JOIN LATERAL (
    SELECT id, due_at FROM webhook_deliveries WHERE queue_id = lanes.queue_id AND state = 'pending'
        AND video_id = videos.video_id ORDER BY position LIMIT 1
) AS head WHERE head.due_at IS NOT NULL
UNION ALL
SELECT id, due_at FROM webhook_deliveries
WHERE queue_id = lanes.queue_id AND state = 'pending' AND video_id IS NULL AND due_at IS NOT NULL
"""
_DUE_OF_ALL = """
SELECT id FROM webhook_deliveries WHERE NOT webhooks.in_order AND queue_id = lanes.queue_id AND due_at <= $4
ORDER BY due_at LIMIT wanted.most
"""
# First those of the first that are due: most often that is enough, and who has waited longest is first.
_DUE_IN_TURN = f"""
SELECT id FROM (
    SELECT each.id FROM (
        SELECT id, video_id, position FROM webhook_deliveries WHERE queue_id = lanes.queue_id AND due_at <= $4
        ORDER BY due_at LIMIT 64
    ) AS each WHERE each.video_id IS NULL OR (
        SELECT earlier.id FROM webhook_deliveries AS earlier WHERE earlier.queue_id = lanes.queue_id
            AND earlier.state = 'pending' AND earlier.video_id = each.video_id AND earlier.position < each.position
        ORDER BY earlier.position LIMIT 1
    ) IS NULL
    UNION ALL
    SELECT id FROM ({_HEADS}) AS heads WHERE due_at <= $4
) AS found WHERE webhooks.in_order LIMIT wanted.most
"""  # noqa: S608 - all ours
# By each lane in turn, whatever the statistics say: of tables that have just been filled they say nothing good.
_CLAIM = f"""
WITH lanes AS MATERIALIZED (
    SELECT webhook_id, queue_id FROM webhook_lanes WHERE webhook_id = ANY($1) AND lease_token = $3
    ORDER BY webhook_id FOR SHARE
),
due AS (
    SELECT found.id FROM unnest($1::uuid[], $2::int[]) AS wanted (webhook_id, most)
    JOIN lanes ON lanes.webhook_id = wanted.webhook_id
    CROSS JOIN LATERAL (
        SELECT id, in_order FROM webhooks
        WHERE webhooks.id = wanted.webhook_id AND webhooks.state = 'active' AND deleted_at IS NULL LIMIT 1
    ) AS webhooks
    CROSS JOIN LATERAL (
        ({_DUE_OF_ALL}) UNION ALL ({_DUE_IN_TURN})
    ) AS found
),
claimed AS (
    UPDATE webhook_deliveries AS taken SET due_at = NULL, attempt_count = attempt_count + 1, tries = tries + 1
    FROM due WHERE taken.id = due.id AND due_at IS NOT NULL
    RETURNING uuidv7() AS attempt_id, taken.id, team_id, webhook_id, event_id, event_type, body_id,
        attempt_count, tries
),
begun AS (
    INSERT INTO webhook_attempts (id, created_at, team_id, webhook_id, delivery_id, number, state, excerpt)
    SELECT attempt_id, $4, team_id, webhook_id, id, attempt_count, 'sending', '' FROM claimed
)
SELECT attempt_id, claimed.id AS delivery_id, webhook_id, claimed.event_id, event_type, body, attempt_count, tries,
    url, in_order, sealed_secret, older_secrets, sealed_headers
FROM claimed JOIN webhooks ON webhooks.id = webhook_id LEFT JOIN webhook_bodies ON webhook_bodies.id = body_id
"""  # noqa: S608 - all ours
# Lanes before all else, here as everywhere: who wants them in another order waits for who waits for them. What has
# ended is counted whoever has the lane by now; how its receiver is doing only that one knows. Where the lane is gone,
# its team is going: nobody must wait for what is being deleted, which may take minutes.
_WRITE = f"""
WITH held AS MATERIALIZED (
    SELECT webhook_id FROM webhook_lanes WHERE webhook_id = ANY($3) ORDER BY webhook_id FOR UPDATE
),
told AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::text[], $7::text[], $8::int[], $9::text[],
        $10::timestamptz[]
    ) AS told (attempt_id, delivery_id, webhook_id, attempt_state, status, fault, excerpt, duration_ms, state, due_at),
        {_QUICKLY}
),
written AS (
    UPDATE webhook_attempts AS each
    SET state = attempt_state, status = told.status, fault = told.fault, excerpt = told.excerpt,
        duration_ms = told.duration_ms
    FROM told, (SELECT array_agg(webhook_id) AS lanes FROM held) AS first
    WHERE each.id = told.attempt_id AND told.webhook_id = ANY(first.lanes) AND each.state = 'sending' RETURNING each.id
),
moved AS (
    UPDATE webhook_deliveries AS each
    SET state = told.state, due_at = told.due_at, status = told.status, fault = told.fault,
        ended_at = CASE told.state WHEN 'pending' THEN NULL ELSE $11::timestamptz END
    FROM told JOIN written ON written.id = told.attempt_id
    WHERE each.id = told.delivery_id AND each.state = 'pending' AND each.due_at IS NULL
    RETURNING each.webhook_id, each.state
),
ended AS (
    SELECT webhook_id, count(*) FILTER (WHERE state = 'delivered') AS delivered,
        count(*) FILTER (WHERE state = 'failed') AS failed
    FROM moved GROUP BY webhook_id
),
news AS (
    SELECT * FROM held LEFT JOIN ended USING (webhook_id)
    LEFT JOIN unnest($13::uuid[], $14::int[], $15::timestamptz[], $16::timestamptz[])
        AS standing (webhook_id, failures, failing_since, rests_until) USING (webhook_id)
)
UPDATE webhook_lanes AS lanes
SET delivered = lanes.delivered + coalesce(news.delivered, 0), failed = lanes.failed + coalesce(news.failed, 0),
    waiting = lanes.waiting - coalesce(news.delivered, 0) - coalesce(news.failed, 0), last_at = $11::timestamptz,
    (failures, failing_since, rests_until) = (
        SELECT CASE WHEN theirs THEN news.failures ELSE lanes.failures END,
            CASE WHEN theirs THEN news.failing_since ELSE lanes.failing_since END,
            CASE WHEN theirs THEN news.rests_until ELSE lanes.rests_until END
        FROM (SELECT news.failures IS NOT NULL AND lanes.lease_token = $12) AS lease (theirs)
    )
FROM news WHERE lanes.webhook_id = news.webhook_id
    AND (news.delivered IS NOT NULL OR news.failures IS NOT NULL AND lanes.lease_token = $12)
"""  # noqa: S608 - all ours
_HOLD = "SELECT FROM webhook_lanes WHERE webhook_id = ANY($1) ORDER BY webhook_id FOR UPDATE"
_RELEASE = f"""
UPDATE webhook_lanes AS lanes SET lease_token = NULL, lease_until = NULL, due_at = (
    SELECT greatest(next.due_at, rests_until) FROM (
        SELECT CASE WHEN webhooks.state <> 'active' OR deleted_at IS NOT NULL THEN NULL WHEN webhooks.in_order
            THEN (SELECT min(due_at) FROM ({_HEADS}) AS heads)
            ELSE (SELECT min(due_at) FROM webhook_deliveries WHERE queue_id = lanes.queue_id AND due_at IS NOT NULL)
        END AS due_at
    ) AS next WHERE next.due_at IS NOT NULL
)
FROM webhooks, {_QUICKLY}
WHERE webhooks.id = lanes.webhook_id AND lanes.webhook_id = ANY($1) AND lease_token = $2
"""  # noqa: S608 - all ours
_RENEW = """
UPDATE webhook_lanes AS lanes SET lease_until = clock_timestamp() + $3
FROM (
    SELECT webhook_id FROM webhook_lanes WHERE webhook_id = ANY($1) AND lease_token = $2 ORDER BY webhook_id FOR UPDATE
) AS held
WHERE lanes.webhook_id = held.webhook_id RETURNING lanes.webhook_id
"""
# A receiver that rests is not woken by what happens meanwhile.
_FILL = """
WITH filled AS (
    UPDATE webhook_lanes AS lanes SET waiting = lanes.waiting + more.count,
        due_at = CASE WHEN is_awake THEN least(lanes.due_at, greatest($4, rests_until)) ELSE lanes.due_at END
    FROM (SELECT webhook_id FROM webhook_lanes WHERE webhook_id = ANY($1) ORDER BY webhook_id FOR UPDATE) AS held
    JOIN unnest($1::uuid[], $2::int[], $3::bool[]) AS more (webhook_id, count, is_awake) USING (webhook_id)
    WHERE lanes.webhook_id = held.webhook_id
    RETURNING lanes.webhook_id, queue_id, is_awake
)
SELECT webhook_id, queue_id, CASE WHEN is_awake THEN pg_notify($5, $6) END FROM filled
"""
_FIGURES = f"""
SELECT webhook_id, delivered, failed, waiting, last_at, rests_until, failing_since,
    (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms) FROM (
        SELECT duration_ms FROM webhook_attempts
        WHERE webhook_attempts.webhook_id = lanes.webhook_id AND state = 'succeeded'
        ORDER BY created_at DESC LIMIT {MEASURED}
    ) AS latest) AS median_ms
FROM webhook_lanes AS lanes WHERE webhook_id = ANY($1)
"""  # noqa: S608 - all ours


class Lane(Model):
    """The lane of a webhook, which has one from the beginning.

    `due_at` is when the first in it is to be sent; None where nothing waits, or while the webhook is paused.
    """

    webhook_id = fields.UUIDField(primary_key=True)
    team_id = fields.UUIDField()
    due_at = fields.DatetimeField(null=True)
    lease_token = fields.UUIDField(null=True)
    lease_until = fields.DatetimeField(null=True)
    queue_id = fields.UUIDField()
    """In which its deliveries wait: at first the webhook's own id, and another one after each discard."""
    waiting = fields.BigIntField(default=0, db_default=0)
    """How many are still to arrive, those under way included: counted by whatever makes, ends or drops them."""
    served_at = fields.DatetimeField()
    """When a worker last took it: who has waited longest is next."""
    failures = fields.IntField(default=0)
    """Attempts in a row that did not arrive."""
    failing_since = fields.DatetimeField(null=True)
    """When the first of these was made."""
    rests_until = fields.DatetimeField(null=True)
    delivered = fields.BigIntField(default=0)
    failed = fields.BigIntField(default=0)
    last_at = fields.DatetimeField(null=True)
    """When it was last sent something."""

    class Meta:
        table = "webhook_lanes"
        indexes = [
            PartialIndex(fields=["due_at"], name="idx_webhook_lanes_due", where="due_at IS NOT NULL"),
            Index(fields=["team_id"], name="idx_webhook_lanes_team"),
        ]

    @classmethod
    def of(cls, webhook_id: UUID, team_id: UUID, now: datetime) -> "Lane":
        """The lane of a new webhook."""
        return cls(webhook_id=webhook_id, team_id=team_id, queue_id=webhook_id, served_at=now)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt has gone, and what becomes of its delivery: tried again at `due_at`, or ended in its state."""

    attempt_id: UUID
    delivery_id: UUID
    webhook_id: UUID
    attempt_state: str
    status: int | None
    fault: str | None
    excerpt: str
    duration_ms: int
    state: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How the receiver of a lane is doing by now."""

    webhook_id: UUID
    failures: int
    failing_since: datetime | None
    rests_until: datetime | None


async def take(most: int, token: UUID, now: datetime, lease: timedelta) -> list[Record]:
    """Takes lanes in which something is due: first of teams that have few with anybody, and who has waited longest.

    What a lost worker was sending in them is due again.
    """
    async with raw_connection() as connection:
        taken: list[Record] = await connection.fetch(_TAKE, now, most, token, lease)
    return taken


async def settle(
    tokens: Sequence[UUID], token: UUID, sending: Sequence[UUID], now: datetime, lease: timedelta
) -> list[Record]:
    """The lanes of a worker that does not know which of its statements have come to something.

    It holds them by another token, so that what may still come of those has no effect. Attempts that have begun in
    them, and that it is not `sending`, nobody makes: their deliveries are due again.
    """
    async with transaction(), raw_connection() as connection:
        ours: list[Record] = await connection.fetch(_OURS, list(tokens), token, lease)
        if ours:
            await connection.execute(_INTERRUPT, [lane["webhook_id"] for lane in ours], now, list(sending))
    return ours


async def claim(wanted: dict[UUID, int], token: UUID, now: datetime) -> list[Record]:
    """Begins attempts at what is due in these lanes, in each at most so many. Each attempt has its row from here on."""
    async with raw_connection() as connection:
        begun: list[Record] = await connection.fetch(_CLAIM, list(wanted), list(wanted.values()), token, now)
    return begun


async def write(outcomes: Sequence[Outcome], standings: Sequence[Standing], token: UUID, now: datetime) -> None:
    """Writes down how attempts have gone, and how the receivers of this worker's lanes are doing.

    Doing it twice is as good as once; of an attempt that was taken for interrupted nothing is written.
    """
    async with raw_connection() as connection:
        await connection.execute(_WRITE, *_columns(outcomes, Outcome), now, token, *_columns(standings, Standing))


async def renew(webhook_ids: Sequence[UUID], token: UUID, lease: timedelta) -> set[UUID]:
    """Keeps lanes for as long from now on; those that are this worker's still."""
    async with raw_connection() as connection:
        kept = await connection.fetch(_RENEW, list(webhook_ids), token, lease)
    return {lane["webhook_id"] for lane in kept}


async def release(webhook_ids: Sequence[UUID], token: UUID) -> None:
    """Lets go of lanes in which this worker sends nothing, and notes what is due next in each."""
    # Held first, by a statement of its own: the next one sees whatever was put into them until then.
    async with transaction(), raw_connection() as connection:
        await connection.execute(_HOLD, list(webhook_ids))
        await connection.execute(_RELEASE, list(webhook_ids), token)


async def stir(webhook_ids: Sequence[UUID], now: datetime) -> None:
    """Says that something is due in these lanes, and wakes the workers once the running transaction has committed."""
    await fill(dict.fromkeys(webhook_ids, 0), webhook_ids, now)


async def fill(more: Mapping[UUID, int], awake: Collection[UUID], now: datetime) -> dict[UUID, UUID]:
    """Counts so many more in lanes, and stirs those that are `awake`; the queue of each, by its webhook.

    It is theirs until the end of the running transaction, which holds them.
    """
    woken = [each in awake for each in more]
    named = " ".join(each.hex for each in more if each in awake) if sum(woken) <= _MOST_NAMED else ""
    async with raw_connection() as connection:
        rows = await connection.fetch(_FILL, list(more), list(more.values()), woken, now, CHANNEL, named)
    return {row["webhook_id"]: row["queue_id"] for row in rows}


async def figures(webhook_ids: Sequence[UUID]) -> dict[UUID, Record]:
    """How webhooks are doing, by their ids."""
    async with raw_connection() as connection:
        return {row["webhook_id"]: row for row in await connection.fetch(_FIGURES, list(webhook_ids))}


def _columns(rows: Sequence[Any], kind: Any) -> list[list[Any]]:
    return [[getattr(row, field.name) for row in rows] for field in dataclasses.fields(kind)]
