"""Where the operations of a process read: each as of one moment, on the primary or on a replica."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, Self

import asyncpg
from asyncpg import Connection, Record

from models.database import OUTAGES, PLANNING, naming_a_lost_line
from models.lines import Fetch, Lines
from models.replica import Replica

__all__ = ["Fetch", "Readings", "Snapshot"]

# The savepoint is where a statement that fails leads back to: the moment that the transaction sees stays the same.
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SAVEPOINT sound"
_SETTINGS = "".join(f" SET LOCAL {name} = {value};" for name, value in PLANNING.items())
_BEGIN_POOLED = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;{_SETTINGS} SAVEPOINT sound"
_MEND = "ROLLBACK TO SAVEPOINT sound"


class Snapshot:
    """What one operation reads, all of it as of one moment: that of its first statement.

    `async with` it gives a `Fetch`. Statements that are asked for at once take turns, and one that fails leaves the
    others their moment.
    """

    def __init__(self, lines: Lines) -> None:
        self.failed: Exception | None = None
        """What a statement has failed with, if not by the values that it was given."""
        self.lines = lines
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        self._reader: asyncio.Task[Any] | None = None
        self._torn = False
        self._ended = False

    async def fetch(self, text: str, values: Sequence[Any]) -> list[Record]:
        """The rows of one statement. Cancels who asks after the end: nobody waits for the answer."""
        with naming_a_lost_line():
            async with self._turn:
                if self._ended:
                    raise asyncio.CancelledError
                self._reader = asyncio.current_task()
                try:
                    return await self._read(text, values)
                except Exception as error:
                    if not isinstance(error, asyncpg.DataError):
                        self.failed = error
                    raise
                finally:
                    self._reader = None

    async def __aenter__(self) -> Fetch:
        return self.fetch

    async def __aexit__(self, *_: object) -> None:
        self._ended = True
        if self._turn.locked() or self._connection is not None:
            await asyncio.shield(self._end())

    async def _read(self, text: str, values: Sequence[Any]) -> list[Record]:
        if self._connection is None:
            self._connection = await self._begun()
        elif self._torn:
            await self._mend(self._connection)
        try:
            rows: list[Record] = await self._connection.fetch(text, *values)
        except BaseException:
            self._torn = True
            with suppress(asyncpg.InterfaceError, *OUTAGES):  # the line is gone: `raise` says so
                await self._mend(self._connection)
            raise
        return rows

    async def _mend(self, connection: Connection) -> None:
        """Cut short in this, too, it is left to who reads next."""
        await connection.execute(_MEND)
        self._torn = False

    async def _begun(self) -> Connection:
        connection = await self.lines.take()
        try:
            await connection.execute(_BEGIN_POOLED if self.lines.pooler else _BEGIN)
        except BaseException:
            await self.lines.clear(connection)
            raise
        return connection

    async def _end(self) -> None:
        """Gives the connection back. What still reads is cut short."""
        if self._reader is not None:
            self._reader.cancel()
        async with self._turn:
            if self._connection is not None:
                await self._commit(self._connection)

    async def _commit(self, connection: Connection) -> None:
        try:
            await connection.execute("COMMIT")
        except Exception:  # noqa: BLE001 - whatever it is, all that was asked for has been read
            await self.lines.clear(connection)
        else:
            await self.lines.give_back(connection)


class Readings:
    """The primary, and a replica if there is one. `connections` is the most to each of them.

    What is read `fresh` has everything that was committed before. What is not may come from the replica: ask
    that first what it has. Where it fails, the primary answers.
    """

    def __init__(self, url: str, *, connections: int, pooler: bool = False, replica_url: str | None = None) -> None:
        self._primary = Lines(url, connections=connections, pooler=pooler)
        self.replica: Replica | None = None
        if replica_url is not None:
            self.replica = Replica(Lines(replica_url, connections=connections), self._primary)
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._opened.enter_async_context(self._primary)
        if self.replica is not None:
            await self._opened.enter_async_context(self.replica.lines)
            self._opened.callback(asyncio.create_task(self.replica.watch(), name="replica").cancel)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    def fetch(self, text: str, values: Sequence[Any] = (), *, fresh: bool = True) -> Awaitable[list[Record]]:
        """The rows of one statement."""
        if fresh or self.replica is None:
            return self._primary.fetch(text, values)
        return self._followed(self.replica, text, values)

    async def _followed(self, replica: Replica, text: str, values: Sequence[Any]) -> list[Record]:
        try:
            return await replica.lines.fetch(text, values)
        except asyncpg.DataError:  # the values are at fault, and would be there
            raise
        except Exception as error:  # noqa: BLE001 - away, torn from its statement, a migration behind: there is another
            replica.failed(error)
            return await self._primary.fetch(text, values)

    def snapshot(self, *, fresh: bool = True) -> Snapshot:
        """Reads for one operation; nothing is opened before the first."""
        return Snapshot(self._primary if fresh or self.replica is None else self.replica.lines)

    def gave_up(self, snapshot: Snapshot) -> bool:
        """Whether it was the replica on which a snapshot failed, so that the primary may do better."""
        if snapshot.failed is None or self.replica is None or snapshot.lines is not self.replica.lines:
            return False
        self.replica.failed(snapshot.failed)
        return True
