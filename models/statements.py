"""Statements as they run: counted for the operation that needs them, and a span each where that is traced."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Sequence
from time import perf_counter
from typing import Any, TypeVar

import asyncpg
from asyncpg import Record

from domain.tally import counted
from domain.traces import Attributes, Kind, current, part
from models.gathering import BEGIN, COMMIT

R = TypeVar("R")
TEXT_CHARACTERS = 2000
"""Of a statement that a span shows: its values are parameters, which no span has."""
_COMMENT = re.compile(r"\s*/\*.*?\*/\s*", re.DOTALL)
_CHANGE = re.compile(r'\b(INSERT) INTO\s+"?(\w+)|\b(UPDATE)\s+"?(\w+)"?\s+SET|\b(DELETE) FROM\s+"?(\w+)')
_FROM = re.compile(r'\bFROM\s+"?(\w+)')
_SYSTEM = {"db.system.name": "postgresql"}
_OUTDATED = (asyncpg.OutdatedSchemaCacheError, asyncpg.InvalidCachedStatementError)


class Watched(asyncpg.Connection):  # type: ignore[misc]
    """A connection of a pool, whose statements are counted and traced where that is asked for.

    A statement that is prepared goes to the server straight away: asyncpg's own way there, through six functions and
    as many looks at the clock, takes as long as to encode it and decode its answer.
    """

    __slots__ = ()

    def __init__(self, protocol: Any, transport: Any, loop: Any, *about: Any) -> None:
        # By the loop that it was opened in, asyncpg would not find the task that it is in.
        super().__init__(protocol, transport, getattr(loop, "plain", loop), *about)

    async def begin_with(self, query: str) -> None:
        """Begins a transaction of which `query` must be the first statement, and be asked for at once.

        Where that is prepared, BEGIN goes out in front of it, and takes no trip of its own. Whatever that statement
        comes to, a ROLLBACK finds the transaction begun: where its values are refused, BEGIN goes out with that.
        """
        if self._prepared(query) is not None:
            self._transport.front = BEGIN
        else:
            await self.execute("BEGIN")

    async def commit_with(self, query: str, values: Sequence[Any]) -> str:
        """Runs the last statement of a transaction, commits that, and answers what was done then, as `execute` does.

        Where it is prepared, COMMIT goes out behind it, and takes no trip of its own; where it fails, nothing is
        committed.
        """
        if self._prepared(query) is None or self._query_loggers:
            await self.rows(query, values)
            return await self.execute("COMMIT")
        self._transport.behind = COMMIT
        try:
            _, status, _ = await self._execute(query, values, 0, None, return_status=True)
        finally:
            self._transport.behind = b""  # values that are refused never went out
        return str(status, "ascii")

    async def settle(self) -> None:
        """Ends what has failed or was cut short: no transaction is left then, and no cancel is on its way.

        What the connection says of itself is as of the server's last answer. So asyncpg's cancel, which goes by a line
        of its own, is waited for until both lines have answered; only then is it asked for a transaction.

        There may be one of which it knows nothing. asyncpg has a statement prepared without a Sync, which it sends with
        the values. Who is cut short in the very turn of the loop in which the answer to the first is heard never sends
        it, nor do those whose values are refused, or whose time is up. The server goes on waiting, in a transaction
        that is nobody's: it holds locks, its `now()` grows old, and it refuses whoever has the connection next to
        begin one of another isolation. Any statement ends it, and nothing else does.
        """
        await self._protocol._wait_for_cancellation()  # noqa: SLF001 - as the pool does
        if not (self.is_closed() or self.is_in_transaction()):
            await super().execute("SELECT 1")  # no statement of theirs, and not counted as one
        if not self.is_closed() and self.is_in_transaction():
            await super().execute("ROLLBACK")

    def rows(self, query: str, values: Sequence[Any]) -> Awaitable[list[Record]]:
        """What `fetch` answers, by fewer steps."""
        return _traced(query, self._run(query, values, 0, None, {}))

    def execute(self, query: str, *args: Any, **options: Any) -> Awaitable[str]:
        """See `asyncpg.Connection`."""
        running = super().execute(query, *args, **options)
        return running if args else _watched(query, running)

    def executemany(self, command: str, *args: Any, **options: Any) -> Awaitable[None]:
        """See `asyncpg.Connection`."""
        return _watched(command, super().executemany(command, *args, **options))

    def _execute(self, query: str, args: Any, limit: int, timeout: float | None, **options: Any) -> Awaitable[Any]:
        """All that has values, or answers any, comes to this."""
        return _traced(query, self._run(query, args, limit, timeout, options))

    async def _run(self, query: str, args: Any, limit: int, seconds: float | None, options: dict[str, Any]) -> Any:
        tally, began = counted.get(), perf_counter()
        asked_otherwise = options.get("record_class") or self._query_loggers  # who listens hears of it on asyncpg's way
        try:
            statement = None if asked_otherwise else self._prepared(query)
            if statement is None:
                return await super()._execute(query, args, limit, seconds, **options)
            protocol, status = self._protocol, options.get("return_status", False)
            try:
                return await protocol.bind_execute(statement, args, "", limit, status, protocol._get_timeout(seconds))  # noqa: SLF001
            except _OUTDATED:
                if self.is_in_transaction():
                    await self.reload_schema_state()
                    raise
                return await super()._execute(query, args, limit, seconds, **options)
        finally:
            if tally is not None:
                tally.add(perf_counter() - began)

    def _prepared(self, query: str) -> Any:
        return self._stmt_cache.get((query, self._protocol.get_record_class(), False))


def _watched(query: str, running: Awaitable[R]) -> Awaitable[R]:
    return _traced(query, running if counted.get() is None else _counted(running))


async def _counted(running: Awaitable[R]) -> R:
    tally, began = counted.get(), perf_counter()
    try:
        return await running
    finally:
        if tally is not None:
            tally.add(perf_counter() - began)


def _traced(query: str, running: Awaitable[R]) -> Awaitable[R]:
    return running if current() is None else _shown(query, running)


async def _shown(query: str, running: Awaitable[R]) -> R:
    with part(*_described(query)):
        return await running


def _described(query: str) -> tuple[str, Kind, Attributes]:
    """The name of a statement's span, such as `SELECT videos`, and what it tells."""
    text = query[:TEXT_CHARACTERS]
    verb, table = _verb_and_table(_COMMENT.sub("", text, 1).lstrip())
    told = {**_SYSTEM, "db.operation.name": verb, "db.query.text": text}
    if table:
        told["db.collection.name"] = table
    return f"{verb} {table}" if table else verb, Kind.CLIENT, told


def _verb_and_table(text: str) -> tuple[str, str | None]:
    verb = text.partition(" ")[0].partition("\n")[0].rstrip(";")[:20].upper()
    if (change := _CHANGE.search(text)) and verb in ("WITH", "INSERT", "UPDATE", "DELETE"):
        verb, table = filter(None, change.groups())
        return verb, table
    if verb == "WITH":  # a plan's, of which the first table is that of somebody's rights
        return "SELECT", None
    found = _FROM.search(text) if verb == "SELECT" else None
    return verb, found[1] if found else None
