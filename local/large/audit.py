"""Rows of the audit log: what the relay keeps of the events, and that people have signed in."""

import asyncpg

from domain.viewers import NOBODY
from local.large.filling import Report, timed
from models.audit import KEEP

_OF_SESSIONS = """
INSERT INTO audit_entries (id, created_at, position, type, actor_id, subjects, details, address, device)
SELECT id, created_at, 0, 'session.opened', user_id, ARRAY['session:' || id, 'user:' || user_id], '{}',
    '192.0.2.1', device
FROM sessions
"""


async def write(connection: asyncpg.Connection, report: Report, *, begin: int) -> None:
    """The log of the events from the position `begin` on, and of all sessions, which are in the database already."""
    with timed(report, "audit log"):
        await connection.execute(f"{KEEP} position >= $2 ORDER BY position", NOBODY, begin)
        await connection.execute(_OF_SESSIONS)
