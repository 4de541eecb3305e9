"""Connections that wait beside their pool for who comes next."""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
from asyncpg import Connection

from models.database import naming_a_lost_line


class Spares:
    """Gives out the connections of a pool.

    One that was used without a fault is put aside for the next to take, without a word to the server and without the
    pool's own bookkeeping, which takes as long as a short statement. Any other is brought to rest first, or closed.

    Whoever is given one finds it in no transaction, not even one of which only the server knows, and with no cancel of
    an earlier statement on its way.
    """

    def __init__(self, pool: asyncpg.Pool, *, wait_seconds: float | None = None) -> None:
        self._pool = pool
        self._wait_seconds = wait_seconds
        self._spare: list[Connection] = []
        self._waiting = 0

    async def take(self) -> Connection:
        """A connection that the caller gives back; TimeoutError when none is free for so long."""
        while self._spare:
            connection = self._spare.pop()
            if _is_open(connection):
                return connection
            await self._pool.release(connection)
        self._waiting += 1
        try:
            with naming_a_lost_line():
                return await self._pool.acquire(timeout=self._wait_seconds)
        finally:
            self._waiting -= 1

    async def give_back(self, connection: Connection) -> None:
        """Lets the next one have the connection, on which nothing has failed."""
        if not self._waiting and _is_at_rest(connection):
            self._spare.append(connection)
        else:
            await self._pool.release(connection)

    async def clear(self, connection: Connection) -> None:
        """Takes back a connection on which something has failed or was cut short; see `Watched.settle`.

        Whoever was cut short may be so again, and goes; the connection is brought to rest all the same.
        """
        await asyncio.shield(self._clear(connection))

    async def _clear(self, connection: Connection) -> None:
        end = self.drop  # unless all is well: the server undoes what ends with its line
        try:
            if _is_open(connection):
                with suppress(Exception):  # it is the caller's own error that counts
                    await _of_pool(connection).settle()
                    end = self._pool.release
        finally:
            await end(connection)

    async def drop(self, connection: Connection) -> None:
        """Takes back a connection on which a transaction may still be open, and closes it: the server undoes that."""
        if _is_open(connection):
            connection.terminate()
        await self._pool.release(connection)

    async def close(self) -> None:
        """Gives all that wait back to the pool, which is about to close."""
        while self._spare:
            await self._pool.release(self._spare.pop())


def _of_pool(connection: Connection) -> Any:
    """What the pool gives out stands for this, until the pool takes it back itself: then it is None."""
    return connection._con  # noqa: SLF001 - as above


def _is_open(connection: Connection) -> bool:
    of_pool = _of_pool(connection)
    return of_pool is not None and not of_pool.is_closed()


def _is_at_rest(connection: Connection) -> bool:
    """As far as asyncpg knows, which is as of the last answer, and not of what is on its way."""
    if not _is_open(connection):
        return False
    protocol = _of_pool(connection)._protocol  # noqa: SLF001 - as the pool does
    return not (protocol.is_in_transaction() or protocol._is_cancelling())  # noqa: SLF001
