"""Tortoise's client for PostgreSQL, with connections that wait beside the pool, and transactions of few trips."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Token
from types import TracebackType
from typing import Any

import asyncpg
from asyncpg import Connection, Record
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionContext
from tortoise.connection import ConnectionToken, get_connections

from models.database import running
from models.gathering import GatheringLoop
from models.spares import Spares

# A name that comes again hides the one before, until it is released.
_PART, _DONE, _UNDONE = "SAVEPOINT part", "RELEASE SAVEPOINT part", "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part"
# What ends a wait for the server while that goes on: it may have all that it needs to commit whenever it can.
_STOPPED = (asyncio.CancelledError, TimeoutError)


class Client(AsyncpgDBClient):
    """Connects at the first statement."""

    _spares: Spares

    async def create_pool(self, **options: Any) -> asyncpg.Pool:
        """See `AsyncpgDBClient`."""
        pool = await super().create_pool(**options | {"loop": GatheringLoop(asyncio.get_running_loop())})
        self._spares = Spares(pool)
        return pool

    async def take(self) -> Connection:
        """See `Spares.take`."""
        if self._pool is None:
            async with self._pool_init_lock:
                if self._pool is None:
                    await self.create_connection(with_db=True)
        return await self._spares.take()

    async def give_back(self, connection: Connection) -> None:
        """See `Spares.give_back`."""
        await self._spares.give_back(connection)

    async def clear(self, connection: Connection) -> None:
        """See `Spares.clear`."""
        await self._spares.clear(connection)

    async def drop(self, connection: Connection) -> None:
        """See `Spares.drop`."""
        await self._spares.drop(connection)

    async def row(self, text: str, values: Sequence[Any]) -> Record | None:
        """The first row of a statement."""
        async with self.acquire_connection() as connection:
            return await connection.fetchrow(text, *values)

    async def at_last(self, text: str, values: Sequence[Any]) -> None:
        """Runs a statement whose answer nobody reads, here at once: it is a transaction by itself."""
        await self.row(text, values)

    def acquire_connection(self) -> Any:
        """See `AsyncpgDBClient`: a context for one use."""
        return _Taken(self)

    async def _close(self) -> None:
        if self._pool is not None:
            await self._spares.close()
        await super()._close()

    def _in_transaction(self) -> TransactionContext:
        return _Transaction(self)


class _Taken:
    """A connection of the pool, for one use."""

    __slots__ = ("_client", "_connection")

    def __init__(self, client: Client) -> None:
        self._client = client
        self._connection: Connection

    async def __aenter__(self) -> Connection:
        self._connection = await self._client.take()
        return self._connection

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self._client.give_back(self._connection)
        else:
            await self._client.clear(self._connection)


class Running(TransactionWrapper):
    """A transaction as it runs. Its first statement begins it: what asks for nothing costs no trip.

    Statements that are asked for at once take turns.
    """

    def __init__(self, client: Client, connection: Connection) -> None:
        super().__init__(client)
        self._connection = connection
        self._begun = False
        self._over = False
        self._owed: tuple[str, Sequence[Any]] | None = None

    async def row(self, text: str, values: Sequence[Any]) -> Record | None:
        """The first row of a statement. If it is the transaction's first, it begins that on the same trip."""
        await self._lock.acquire()
        try:
            self._require_running()
            await self._catch_up()
            return await self._row(text, values)
        finally:
            self._lock.release()

    async def at_last(self, text: str, values: Sequence[Any]) -> None:
        """Runs a statement whose answer nobody reads before whatever is asked for next, or with the commit."""
        async with self._lock:
            self._require_running()
            await self._catch_up()
            self._owed = text, values

    def acquire_connection(self) -> Any:
        """See `TransactionWrapper`: a context for one use, which no other may lie in."""
        return _Begun(self, self._lock)

    async def begun(self) -> Connection:
        """The connection, on which a transaction has begun."""
        self._require_running()
        await self._catch_up()
        if not self._begun:
            self._begun = True
            await self._connection.execute("BEGIN")
        return self._connection

    async def commit(self) -> None:
        """Commits whatever was done; InFailedSQLTransactionError where a fault that was passed over has undone it."""
        # PostgreSQL takes COMMIT for ROLLBACK then, and says so by nothing else.
        if await self._last(self._committed) not in ("COMMIT", None):
            raise asyncpg.InFailedSQLTransactionError("nothing was committed: a statement had failed")

    async def rollback(self) -> None:
        """Undoes whatever was done."""
        await self._last(self._undone)

    async def owe_nothing(self) -> None:
        """Runs what is owed."""
        async with self._lock:
            await self._catch_up()

    def forgive(self) -> None:
        """What was to be run at last is not run any more."""
        self._owed = None

    async def _row(self, text: str, values: Sequence[Any]) -> Record | None:
        if not self._begun:
            await self._begin_with(text)
        return await self._connection.fetchrow(text, *values)

    async def _catch_up(self) -> None:
        """Runs what is owed. Until that has gone well it stays so: whoever passes over the fault commits nothing."""
        if self._owed is not None:
            await self._row(*self._owed)
            self._owed = None

    async def _begin_with(self, text: str) -> None:
        self._begun = True
        await self._of_pool().begin_with(text)

    def _of_pool(self) -> Any:
        """Past what stands for the connection in the pool, and has nothing behind it once the line is gone."""
        if (of_pool := self._connection._con) is None:  # noqa: SLF001
            raise asyncpg.InterfaceError("the connection is closed")
        return of_pool

    async def _last(self, end: Callable[[], Awaitable[str | None]]) -> str | None:
        """Asked for in its turn, too; from now on the connection is somebody else's."""
        self._over = True
        async with self._lock:
            return await end()

    async def _committed(self) -> str | None:
        if self._owed is not None:
            return await self._commit_with(*self._owed)
        return await self._connection.execute("COMMIT") if self._begun else None

    async def _undone(self) -> str | None:
        self.forgive()  # only now: a task of the transaction may have had its turn until here
        return await self._connection.execute("ROLLBACK") if self._begun else None

    async def _commit_with(self, text: str, values: Sequence[Any]) -> str:
        if not self._begun:
            await self._begin_with(text)
        return str(await self._of_pool().commit_with(text, values))

    def _require_running(self) -> None:
        if self._over:
            raise RuntimeError("a task asks for something in a transaction that it has outlived")

    def _in_transaction(self) -> TransactionContext:
        return _Part(self)


class _Begun:
    """The connection of a transaction, which has begun, for one use."""

    __slots__ = ("_lock", "_running")

    def __init__(self, of: Running, lock: asyncio.Lock) -> None:
        self._running = of
        self._lock = lock

    async def __aenter__(self) -> Connection:
        await self._lock.acquire()
        try:
            return await self._running.begun()
        except BaseException:
            self._lock.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


class _Transaction(TransactionContext):
    """A transaction, whose connection is its own from its beginning to its end."""

    client: Running

    def __init__(self, client: Client) -> None:
        self._parent = client
        self._connection: Connection
        self._tokens: tuple[ConnectionToken, Token[Any]]

    async def __aenter__(self) -> Running:
        self._connection = await self._parent.take()
        self.client = Running(self._parent, self._connection)
        self._tokens = get_connections().set(self._parent.connection_name, self.client), running.set(self.client)
        return self.client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        of_tortoise, ours = self._tokens
        get_connections().reset(of_tortoise)
        running.reset(ours)
        try:
            await (self.client.commit() if kind is None else self.client.rollback())
        except (asyncpg.PostgresError, *_STOPPED):  # undone, or the server is being told to stop
            await self._parent.clear(self._connection)
            raise
        except BaseException:  # nobody knows how it stands
            await self._parent.drop(self._connection)
            raise
        await self._parent.give_back(self._connection)


class _Part(TransactionContext):
    """A part of a transaction, which can be undone by itself."""

    client: Running

    def __init__(self, of: Running) -> None:
        self.client = of

    async def __aenter__(self) -> Running:
        await self._say(_PART)
        return self.client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            await self._done()
        else:
            await self._undo()

    async def _done(self) -> None:
        try:
            await self.client.owe_nothing()
        except BaseException:  # whoever has begun the part may pass over that
            await self._undo()
            raise
        await self._say(_DONE)

    async def _undo(self) -> None:
        self.client.forgive()
        await self._say(_UNDONE)

    async def _say(self, statement: str) -> None:
        async with self.client.acquire_connection() as connection:
            await connection.execute(statement)


client_class = Client
