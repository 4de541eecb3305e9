"""How PostgreSQL would run what was recorded."""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

_PLANNED = re.compile(r"(?:\s|/\*.*?\*/|--[^\n]*\n)*(SELECT|WITH|UPDATE|DELETE|INSERT)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Statement:
    text: str
    values: tuple[Any, ...]


class Recorder:
    """Hears of every statement of the connections that it is told of."""

    def __init__(self) -> None:
        self.heard: list[Statement] = []

    async def listen(self, connection: asyncpg.Connection) -> None:
        connection.add_query_logger(self._hear)

    async def take(self) -> list[Statement]:
        """What was heard since the last time, each statement once, leaving out what has no plan."""
        await asyncio.sleep(0)  # asyncpg tells a turn of the loop later
        heard, self.heard = self.heard, []
        return list({repr(said): said for said in heard if _PLANNED.match(said.text)}.values())

    def _hear(self, query: Any) -> None:
        self.heard.append(Statement(query.query, tuple(query.args or ())))


@dataclass
class Plan:
    """What of the tables is read as a whole, and the indexes that are used."""

    scanned: set[str] = field(default_factory=set)
    indexes: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, explained: str) -> "Plan":
        plan = cls()
        for node in _nodes(json.loads(explained)[0]["Plan"]):
            if node["Node Type"] == "Seq Scan":
                plan.scanned.add(node["Relation Name"])
            if "Index Name" in node:
                plan.indexes.add(node["Index Name"])
        return plan


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


async def explain(connection: asyncpg.Connection, statement: Statement) -> Plan:
    """The plan for the values at hand."""
    return Plan.of(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement.text}", *statement.values))


async def explain_for_any_values(connection: asyncpg.Connection, statement: Statement) -> Plan:
    """The plan that serves all values, which PostgreSQL may keep."""
    nothing = ", ".join(["NULL"] * len(statement.values))
    await connection.execute(f"PREPARE asked AS {statement.text}")
    try:
        execute = f"EXECUTE asked({nothing})" if nothing else "EXECUTE asked"
        async with connection.transaction():
            await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            return Plan.of(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {execute}"))
    finally:
        await connection.execute("DEALLOCATE asked")


async def without_scans(connection: asyncpg.Connection, statement: Statement) -> Plan:
    """The plan that would be, were reading a small table as a whole not cheaper than any index."""
    async with connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        return await explain(connection, statement)


async def large_tables(connection: asyncpg.Connection) -> set[str]:
    """Those that have grown beyond a thousand rows."""
    rows: Sequence[Any] = await connection.fetch(
        "SELECT relname FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples > 1000"
    )
    return {name for (name,) in rows}
