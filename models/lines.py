"""Connections to one server for reading, on which nothing can be written."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Self

import asyncpg
from asyncpg import Record

from models.database import CONNECT_SECONDS, PLANNING, STATEMENT_SECONDS, left_clean, naming_a_lost_line
from models.spares import Spares
from models.statements import Watched

Fetch = Callable[[str, Sequence[Any]], Awaitable[list[Record]]]
"""Runs one statement with its values, and answers its rows."""

WAIT_SECONDS = 5
"""For a connection; then the database counts as away."""
_STATEMENTS = 100
"""Kept prepared by each connection."""
_STATEMENT_CHARACTERS = 64 * 1024
"""A longer statement is prepared each time: the server keeps many times its length."""
_NAME = {"application_name": "video-creator reading"}
_SESSION = _NAME | PLANNING | {"default_transaction_read_only": "on"}


_CLOSED_AT_ONCE = 20
"""Statements that have been driven out: so many more does the server keep for a while."""


class _Line(Watched):
    """A connection on which a new statement need not wait for the end of one that it has driven out.

    asyncpg ends each by a trip of its own, between preparing the new one and running it: where more documents are in
    use than are kept, that is a third trip for each that is new. Here many are ended by one.
    """

    __slots__ = ()

    async def _cleanup_stmts(self) -> None:
        closed = [*self._stmts_to_close]
        if len(closed) < _CLOSED_AT_ONCE:
            return
        self._stmts_to_close.clear()
        with suppress(asyncpg.PostgresError):  # they are gone already: no reason to fail for who asks
            ended = "; ".join(f'DEALLOCATE "{each.name}"' for each in closed)
            await asyncpg.Connection.execute(self, ended)  # no statement of theirs


class Lines(Spares):
    """At most `connections` to one server, opened when they are first needed.

    Behind a `pooler` that gives each transaction another session, nothing can be set up for a session or kept in it.
    """

    def __init__(self, url: str, *, connections: int, pooler: bool = False) -> None:
        self.pooler = pooler
        pool = asyncpg.create_pool(
            url,
            min_size=0,
            max_size=connections,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            statement_cache_size=0 if pooler else _STATEMENTS,
            max_cacheable_statement_size=_STATEMENT_CHARACTERS,
            server_settings=_NAME if pooler else _SESSION,
            reset=left_clean,
            connection_class=_Line,
        )
        super().__init__(pool, wait_seconds=WAIT_SECONDS)

    async def __aenter__(self) -> Self:
        await self._pool
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pool.terminate()  # nothing is lost: what runs here only reads

    async def fetch(self, text: str, values: Sequence[Any]) -> list[Record]:
        """The rows of one statement, which begins no transaction."""
        connection = await self.take()
        try:
            rows: list[Record] = await connection._con.rows(text, values)  # noqa: SLF001 - what the pool's stands for
        except BaseException:
            with naming_a_lost_line():
                await self.clear(connection)
                raise
        await self.give_back(connection)
        return rows
