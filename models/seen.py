"""When something was last used, noted without a write by each use."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NoReturn
from uuid import UUID

import structlog

from models.database import raw_connection

log = structlog.get_logger("models.seen")
FLUSH_SECONDS = 30.0

# What somebody else is writing to is left out: it will be seen again, and nobody waits.
_FLUSH = """
WITH noted AS (SELECT * FROM unnest($1::uuid[], $2::timestamptz[]) AS noted (id, at)),
     held AS (SELECT id FROM {table} WHERE id = ANY($1) FOR NO KEY UPDATE SKIP LOCKED)
UPDATE {table} row SET {column} = noted.at FROM noted JOIN held USING (id)
WHERE row.id = noted.id AND (row.{column} IS NULL OR row.{column} < noted.at)
"""


class Seen:
    """When rows of `table` were last used, for the column `column`: kept in this process, written now and then.

    To the minute: what is used all the time is written once in each.
    """

    def __init__(self, table: str, column: str) -> None:
        self._statement = _FLUSH.format(table=table, column=column)
        self._noted: dict[UUID, datetime] = {}

    def note(self, row_id: UUID, now: datetime) -> None:
        """It is used at this moment."""
        self._noted[row_id] = now

    async def flush(self) -> None:
        """Writes down what was noted. Where that fails it is kept for the next time, and the error raised."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        minutes = [at.replace(second=0, microsecond=0) for at in noted.values()]
        try:
            async with raw_connection() as connection:
                await connection.execute(self._statement, [*noted], minutes)
        except BaseException:
            self._noted = noted | self._noted
            raise

    @asynccontextmanager
    async def kept(self, seconds: float = FLUSH_SECONDS) -> AsyncIterator[None]:
        """Flushes every so often while this is open, and at its end."""
        keeping = asyncio.create_task(self._keep(seconds), name="last uses")
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            await self._try()

    async def _keep(self, seconds: float) -> NoReturn:
        while True:
            await asyncio.sleep(seconds)
            await self._try()

    async def _try(self) -> None:
        try:
            await self.flush()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next time may do
            log.warning("last uses were not written", error=repr(error))
