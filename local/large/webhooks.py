"""Rows of webhooks: one of each team, which was sent a quarter of what happened there; little of it did not arrive."""

import asyncpg

from local.large.filling import Report, timed
from local.large.keys import LASTING

_WEBHOOKS = """
INSERT INTO webhooks (
    id, created_at, team_id, created_by_id, url, description, event_types, edition, in_order, sealed_secret,
    header_names, state, updated_at, hears_from
)
SELECT md5('webhook of ' || teams.id)::uuid, teams.created_at, teams.id, owner.user_id,
    'https://receiver.invalid/' || teams.id, '', '{payment.failed}', 1, true, '', '{}', 'active', teams.created_at, 0
FROM teams CROSS JOIN LATERAL (
    SELECT user_id FROM members WHERE team_id = teams.id AND role = 'owner' ORDER BY id LIMIT 1
) AS owner
"""
# What is still to arrive never is, so that no worker of a running product begins with it.
_LANES = """
INSERT INTO webhook_lanes (
    webhook_id, team_id, queue_id, served_at, due_at, failures, delivered, failed, last_at, waiting
)
SELECT id, team_id, id, now(), $1, 0, 100, 2, now(), (
    SELECT count(*) FROM webhook_deliveries WHERE webhook_id = webhooks.id AND state = 'pending'
) FROM webhooks WHERE sealed_secret = ''
"""
_BODIES = """
INSERT INTO webhook_bodies (id, created_at, team_id, event_id, edition, body)
SELECT md5('body of ' || events.id)::uuid, now() - random() * interval '30 days', events.team_id, events.id, 1, '{}'
FROM events JOIN webhooks ON webhooks.team_id = events.team_id AND sealed_secret = '' WHERE position % 4 = 0
"""
_DELIVERIES = """
INSERT INTO webhook_deliveries (
    id, created_at, team_id, webhook_id, event_id, event_type, position, video_id, is_test, body_id, queue_id, state,
    due_at, attempt_count, tries, status, ended_at
)
SELECT md5('delivery of ' || events.id)::uuid, bodies.created_at, events.team_id, webhooks.id,
    events.id, type, position, (payload ->> 'video_id')::uuid, false, bodies.id, webhooks.id, fate.state,
    CASE WHEN fate.state = 'pending' THEN $1::timestamptz END, 1, 1, 204,
    CASE WHEN fate.state <> 'pending' THEN now() END
FROM events JOIN webhooks ON webhooks.team_id = events.team_id AND sealed_secret = ''
JOIN webhook_bodies AS bodies ON bodies.event_id = events.id
CROSS JOIN LATERAL (
    SELECT CASE WHEN position % 200 = 0 THEN 'failed' WHEN position % 1000 = 4 THEN 'pending' ELSE 'delivered' END
) AS fate (state)
WHERE position % 4 = 0
"""
_ATTEMPTS = """
INSERT INTO webhook_attempts (
    id, created_at, team_id, webhook_id, delivery_id, number, state, status, excerpt, duration_ms
)
SELECT md5('attempt at ' || id)::uuid, created_at, team_id, webhook_id, id, 1,
    CASE WHEN state = 'delivered' THEN 'succeeded' WHEN position % 2000 = 4 THEN 'sending' ELSE 'failed' END,
    204, '', 20
FROM webhook_deliveries WHERE webhook_id IN (SELECT id FROM webhooks WHERE sealed_secret = '')
"""


async def write(connection: asyncpg.Connection, report: Report) -> None:
    """Of the teams and events that are in the database already."""
    with timed(report, "webhooks"):
        await connection.execute(_WEBHOOKS)
        await connection.execute(_BODIES)
        await connection.execute(_DELIVERIES, LASTING)
        await connection.execute(_ATTEMPTS)
        await connection.execute(_LANES, LASTING)
