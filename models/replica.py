"""A replica: how far it has followed the primary, and whether it is fit to be read from."""

import asyncio
from time import monotonic
from typing import NoReturn
from uuid import UUID

import structlog

from models.database import raw_connection
from models.lines import Lines

log = structlog.stdlib.get_logger(__name__)

WATCH_SECONDS = 1.0
"""Between two looks at both servers; also how long a replica that has failed is left alone."""
LOOK_SECONDS = 0.01
"""Between two looks at the replica because somebody needs what it did not have at the last."""
MOST_SECONDS_BEHIND = 10.0
"""A replica further behind than this is not read from at all."""

_HEAD = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint AS lsn"
# Asked of a primary, as after a failover, it answers as one that follows itself without delay.
_REACH = """
SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END
        - '0/0')::bigint AS lsn, (SELECT coalesce(max(position), 0) FROM events) AS position
"""
# Not worth waiting for the disk: if the server is lost within that moment, so is the replica's delay.
_WRITTEN = """
WITH hurried AS (SELECT set_config('synchronous_commit', 'off', true))
UPDATE {table} SET written_lsn = (pg_current_wal_insert_lsn() - '0/0')::bigint FROM hurried WHERE id = $1
"""


async def note_written(table: str, row_id: UUID) -> None:
    """Notes in a row of `table`, by which somebody is known, that all of what is committed by now may be their own."""
    async with raw_connection() as connection:
        await connection.execute(_WRITTEN.format(table=table), row_id)


class Replica:
    """One server that follows the primary. Positions in the log are bytes since its beginning.

    What it had at the last look it has for good, so most questions need no look. All the same it is compared with the
    primary every second: one that stands still would otherwise serve who never writes with ever older data.
    """

    def __init__(self, lines: Lines, primary: Lines) -> None:
        self.lines = lines
        self.lag_bytes = 0
        self.lag_seconds = 0.0
        self.fit = False
        self.position = 0
        """Of the newest event that it is known to have."""
        self._lsn = 0
        self._primary = primary
        self._mark, self._marked = 0, monotonic()
        self._next_look = 0.0

    async def has(self, lsn: int, position: int) -> bool:
        """Whether it has replayed the log up to `lsn`, and has the events up to `position`."""
        if self._covers(lsn, position):
            return True
        if not self.fit or monotonic() < self._next_look:
            return False
        self._next_look = monotonic() + LOOK_SECONDS
        try:
            await self._look()
        except Exception as error:  # noqa: BLE001 - whatever it fails with, there is the primary
            self.failed(error)
        return self._covers(lsn, position)

    def failed(self, error: Exception) -> None:
        """It is not asked again before the next comparison with the primary."""
        self._judge(fit=False, why=repr(error))

    async def watch(self) -> NoReturn:
        """Compares it with the primary, for ever."""
        while True:
            await self.compare()
            await asyncio.sleep(WATCH_SECONDS)

    async def compare(self) -> None:
        """Looks at both servers, and judges."""
        try:
            (head,) = await self._primary.fetch(_HEAD, ())
            await self._look()
        except Exception as error:  # noqa: BLE001 - see `has`
            self.failed(error)
            return
        self._measure(head["lsn"])
        self._judge(fit=self.lag_seconds <= MOST_SECONDS_BEHIND, why=f"{self.lag_seconds:.0f} s behind")

    def _covers(self, lsn: int, position: int) -> bool:
        return self.fit and self._lsn >= lsn and self.position >= position

    async def _look(self) -> None:
        (reach,) = await self.lines.fetch(_REACH, ())
        # Not the larger of old and new: another server may stand there now, which is not as far.
        self._lsn, self.position = reach["lsn"], reach["position"]

    def _measure(self, head: int) -> None:
        """By a mark in the log: the lag is the age of the mark that has not been reached, by our own clock.

        The servers' own figures are of no use when nothing is written, or when the line between them is cut.
        """
        self.lag_bytes = max(0, head - self._lsn)
        if self._lsn >= self._mark or head < self._mark:  # the latter of a primary that was put back from a backup
            self._mark, self._marked = head, monotonic()
        self.lag_seconds = monotonic() - self._marked

    def _judge(self, *, fit: bool, why: str) -> None:
        if fit and not self.fit:
            log.info("replica.read_from")
        elif self.fit and not fit:
            log.warning("replica.left_alone", reason=why)
        self.fit = fit
