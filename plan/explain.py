"""How an answer came about, for people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from plan.draft import NotCompilable

Fetch = Callable[[str, Sequence[Any]], Awaitable[Sequence[Any]]]


@dataclass(slots=True)
class LevelRead:
    """A level of rows: the field of the answer that they are under, their alias in the SQL, and how many there were."""

    path: str
    alias: str
    rows: int
    milliseconds: float | None = None
    """What the level, and all below it, took the database."""

    def shown(self) -> dict[str, Any]:
        """For JSON."""
        known = {} if self.milliseconds is None else {"milliseconds": self.milliseconds}
        return {"path": self.path, "rows": self.rows, **known}


@dataclass(frozen=True, slots=True)
class Told:
    """A statement that ran, and how long it took from here to the database and back."""

    sql: str
    values: tuple[Any, ...]
    milliseconds: float
    levels: Sequence[LevelRead]

    def shown(self) -> dict[str, Any]:
        """For JSON."""
        levels = [level.shown() for level in self.levels]
        return {"sql": self.sql, "milliseconds": round(self.milliseconds, 3), "levels": levels}


@dataclass(slots=True)
class Report:
    """What was read, as it was read. With `analyzing`, statements are to be run again for the time of each level."""

    analyzing: bool = False
    statements: list[Told] = field(default_factory=list)

    def told(self, sql: str, values: tuple[Any, ...], seconds: float, levels: Sequence[LevelRead]) -> None:
        """A statement has run."""
        self.statements.append(Told(sql, values, seconds * 1000, levels))

    def shown(self, reason: NotCompilable | None) -> dict[str, Any]:
        """What `extensions.plan` shows; `reason` is why the operation went the plain path, if it did."""
        statements = [told.shown() for told in self.statements]
        if reason is None:
            return {"path": "planned", "statements": statements}
        return {"path": "plain", "reason": reason.reason, "detail": reason.detail, "statements": statements}

    async def analyze(self, fetch: Fetch) -> None:
        """Finds out what each level took, by PostgreSQL's own account of another run."""
        for told in self.statements if self.analyzing else ():
            ((explained,),) = await fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {told.sql}", told.values)
            times = times_by_alias(orjson.loads(explained)[0]["Plan"])
            for level in told.levels:
                level.milliseconds = times.get(level.alias)


def times_by_alias(plan: Mapping[str, Any]) -> dict[str, float]:
    """Milliseconds by alias: of the subquery in which a table was read, over all the times that it ran."""
    times: dict[str, float] = {}
    for alias, subquery in _tables(plan, plan):
        times.setdefault(alias, round(subquery["Actual Total Time"] * subquery["Actual Loops"], 3))
    return times


def _tables(node: Mapping[str, Any], subquery: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if node.get("Parent Relationship") in ("SubPlan", "InitPlan"):
        subquery = node
    if "Alias" in node:
        yield node["Alias"], subquery
    for part in node.get("Plans", ()):
        yield from _tables(part, subquery)
