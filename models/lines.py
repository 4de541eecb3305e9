"""Connections to one server for reading, on which nothing can be written."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

import asyncpg
from asyncpg import Connection, Record

from models.database import CONNECT_SECONDS, STATEMENT_SECONDS, left_clean, naming_a_lost_line

Fetch = Callable[[str, Sequence[Any]], Awaitable[list[Record]]]
"""Runs one statement with its values, and answers its rows."""

WAIT_SECONDS = 5
"""For a connection; then the database counts as away."""
_STATEMENTS = 100
"""Kept prepared by each connection."""
_STATEMENT_CHARACTERS = 64 * 1024
"""A longer statement is prepared each time: the server keeps many times its length."""
_NAME = {"application_name": "video-creator reading"}
# Compiling takes longer than any of our statements may run.
_SESSION = _NAME | {"default_transaction_read_only": "on", "jit": "off"}


class Lines:
    """At most `connections` to one server, opened when they are first needed.

    One that was used without a fault is put aside for the next to take, without a word to the server and without the
    pool's own bookkeeping, which takes as long as a short statement. Any other is the pool's to clean or close.

    Behind a `pooler` that gives each transaction another session, nothing can be set up for a session or kept in it.
    """

    def __init__(self, url: str, *, connections: int, pooler: bool = False) -> None:
        self.pooler = pooler
        self._pool = asyncpg.create_pool(
            url,
            min_size=0,
            max_size=connections,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            statement_cache_size=0 if pooler else _STATEMENTS,
            max_cacheable_statement_size=_STATEMENT_CHARACTERS,
            server_settings=_NAME if pooler else _SESSION,
            reset=left_clean,
        )
        self._aside: list[Connection] = []
        self._waiting = 0

    async def __aenter__(self) -> Self:
        await self._pool
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pool.terminate()  # nothing is lost: what runs here only reads

    async def fetch(self, text: str, values: Sequence[Any]) -> list[Record]:
        """The rows of one statement, which begins no transaction."""
        connection = await self.take()
        try:
            rows: list[Record] = await connection.fetch(text, *values)
        except BaseException:
            with naming_a_lost_line():
                await self._pool.release(connection)  # which waits for the end of a statement that was cut short
                raise
        await self._pass_on(connection)
        return rows

    async def take(self) -> Connection:
        """A connection that the caller gives back; TimeoutError when none is free for `WAIT_SECONDS`."""
        while self._aside:
            connection = self._aside.pop()
            if _is_sound(connection):
                return connection
            await self._pool.release(connection)
        self._waiting += 1
        try:
            with naming_a_lost_line():
                return await self._pool.acquire(timeout=WAIT_SECONDS)
        finally:
            self._waiting -= 1

    async def give_back(self, connection: Connection) -> None:
        """Lets the next one have the connection, in whatever state it is."""
        if _is_sound(connection):
            await self._pass_on(connection)
        else:
            await self._pool.release(connection)

    async def _pass_on(self, connection: Connection) -> None:
        if self._waiting:
            await self._pool.release(connection)
        else:
            self._aside.append(connection)


def _is_sound(connection: Connection) -> bool:
    try:
        return not connection.is_closed() and not connection.is_in_transaction()
    except asyncpg.InterfaceError:  # it was closed, and the pool has taken it back by itself
        return False
