"""Connections that wait beside their pool for who comes next."""

import asyncpg
from asyncpg import Connection

from models.database import naming_a_lost_line


class Spares:
    """Gives out the connections of a pool.

    One that was used without a fault is put aside for the next to take, without a word to the server and without the
    pool's own bookkeeping, which takes as long as a short statement. Any other is the pool's to clean or close.
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
        """Lets the next one have the connection, in whatever state it is."""
        if not self._waiting and _is_open(connection) and not connection.is_in_transaction():
            self._spare.append(connection)
        else:
            await self._pool.release(connection)

    async def clear(self, connection: Connection) -> None:
        """Takes back a connection on which something has failed or was cut short.

        What it says of itself is as of before that: it may have begun a transaction since. The pool waits for the end.
        """
        await self._pool.release(connection)

    async def drop(self, connection: Connection) -> None:
        """Takes back a connection on which a transaction may still be open, and closes it: the server undoes that."""
        if _is_open(connection):
            connection.terminate()
        await self._pool.release(connection)

    async def close(self) -> None:
        """Gives all that wait back to the pool, which is about to close."""
        while self._spare:
            await self._pool.release(self._spare.pop())


def _is_open(connection: Connection) -> bool:
    of_pool = connection._con  # noqa: SLF001 - what the pool gives out stands for it, until the pool takes it back itself
    return of_pool is not None and not of_pool.is_closed()
