"""`python -m workers.relay`: gives events their positions and takes every consumer through them.

Several may run; the one that holds an advisory lock is active, the others stand by.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

import asyncpg
import structlog

import workers.notifications
import workers.webhooks  # noqa: F401 - these declare consumers
from models.events import CHANNEL, EventRecord
from workers.consumers import Consumer, Tools
from workers.follower import PAGE, Follower
from workers.outages import Backoff
from workers.tide import Tide

log = structlog.stdlib.get_logger(__name__)

LOCK = 0x52656C61
"""The advisory lock of the active relay: any fixed number."""
STANDBY_SECONDS = 0.25
"""How often a relay that stands by tries to take over."""
HOUSE_SECONDS = 300
"""How often what can wait is looked for."""
LOGS_SECONDS = 60
"""How long webhooks' logs are left alone."""
_STATEMENT_SECONDS = 60
_BATCH = 10_000
# The server lets go of the lock of a machine that has vanished without a word.
_SERVER_SETTINGS = {
    "application_name": "video-creator relay",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_NUMBER = """
WITH last AS (SELECT coalesce(max(position), 0) AS position FROM events),
fresh AS (
    SELECT id, row_number() OVER (ORDER BY recorded_at, id) AS place
    FROM events WHERE position IS NULL ORDER BY recorded_at, id LIMIT $1
),
numbered AS (
    UPDATE events SET position = last.position + fresh.place FROM last, fresh WHERE events.id = fresh.id
    RETURNING events.*
)
SELECT total.count, total.newest, numbered.* FROM (
    SELECT count(position) AS count, coalesce(max(position), (SELECT position FROM last)) AS newest FROM numbered
) total LEFT JOIN numbered ON total.count <= $2 ORDER BY numbered.position
"""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between two looks at the events without being told to, and between two sweeps."""

    poll_seconds: float
    sweep_seconds: float


class Relay:
    """One relay. While it is active `sweep`, `keep_house` and `keep_logs` are run regularly."""

    def __init__(
        self,
        database_url: str,
        consumers: Sequence[Consumer],
        tools: Tools,
        rhythm: Rhythm,
        sweep: Callable[[], Awaitable[None]],
        keep_house: Callable[[], Awaitable[None]],
        keep_logs: Callable[[], Awaitable[None]],
    ) -> None:
        self._database_url = database_url
        self._consumers = consumers
        self._tools = tools
        self._rhythm = rhythm
        self._chores = ((sweep, rhythm.sweep_seconds), (keep_house, HOUSE_SECONDS), (keep_logs, LOGS_SECONDS))
        self._backoff = Backoff(0.05, 5)

    async def run(self) -> NoReturn:
        """Stands by and leads in turns, for ever: whatever ends a lead, the next begins anew."""
        while True:
            try:
                await self._connected()
            except Exception:  # the relay must go on after every fault, its own included
                log.exception("relay.interrupted")
            await asyncio.sleep(self._backoff.pause())

    async def _connected(self) -> None:
        # A connection of its own, never a pooler's: the lock and LISTEN belong to the session.
        connection = await asyncpg.connect(
            self._database_url, timeout=10, command_timeout=_STATEMENT_SECONDS, server_settings=_SERVER_SETTINGS
        )
        try:
            # Asked for again and again, not waited for: a dead connection is then noticed while standing by, too.
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):  # noqa: ASYNC110
                await asyncio.sleep(STANDBY_SECONDS)
            log.info("relay.active")
            self._backoff.reset()
            await self._lead(connection)
        finally:
            connection.terminate()  # at once, which also frees the lock

    async def _lead(self, connection: asyncpg.Connection) -> NoReturn:
        woken = asyncio.Event()
        connection.add_termination_listener(lambda _: woken.set())
        await connection.add_listener(CHANNEL, lambda *_: woken.set())
        tide = Tide()
        async with asyncio.TaskGroup() as tasks:
            for consumer in self._consumers:
                tasks.create_task(Follower(consumer, self._tools).run(tide), name=f"follow {consumer.name}")
            for chore, seconds in self._chores:
                tasks.create_task(_repeat(chore, seconds), name="chore")
            while True:
                woken.clear()
                await number(connection, tide)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._rhythm.poll_seconds):
                        await woken.wait()


async def _repeat(chore: Callable[[], Awaitable[None]], seconds: float) -> NoReturn:
    while True:
        try:
            await chore()
        except Exception:  # one time may fail in any way; the next one looks again
            log.exception("relay.chore_failed")
        await asyncio.sleep(seconds)


async def number(connection: asyncpg.Connection, tide: Tide) -> None:
    """Gives every event without a position the next one, in the order of commits, and raises the tide.

    Only the holder of the lock may do this, on the very connection that holds it.
    """
    count = _BATCH
    while count == _BATCH:
        rows = await connection.fetch(_NUMBER, _BATCH, PAGE)
        count = rows[0]["count"]
        # Of many they had better read pages; few are handed to all at once.
        few = [] if rows[0]["id"] is None else [EventRecord._init_from_db(**_columns(row)) for row in rows]  # noqa: SLF001 - as Tortoise makes rows of its own
        tide.rise(rows[0]["newest"], few)


def _columns(row: asyncpg.Record) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("count", "newest")}


def main() -> None:
    """The command."""
    from settings import load
    from workers import processes

    settings = load()
    processes.run(processes.relay(settings), settings)


if __name__ == "__main__":
    main()
