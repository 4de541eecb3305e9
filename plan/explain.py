"""How an answer came about, for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plan.draft import NotCompilable


@dataclass(frozen=True, slots=True)
class Told:
    """A statement that ran, how long it took, and how many rows each of its levels had."""

    sql: str
    values: tuple[Any, ...]
    milliseconds: float
    rows: Mapping[str, int]


@dataclass(slots=True)
class Report:
    """What was read, as it was read."""

    statements: list[Told] = field(default_factory=list)

    def told(self, sql: str, values: tuple[Any, ...], seconds: float, rows: Mapping[str, int]) -> None:
        """A statement has run."""
        self.statements.append(Told(sql, values, seconds * 1000, rows))


def explanation(report: Report | None, reason: NotCompilable | None) -> dict[str, Any]:
    """What `extensions.plan` shows."""
    statements = [
        {"sql": told.sql, "milliseconds": round(told.milliseconds, 3), "rows": dict(told.rows)}
        for told in (report.statements if report else ())
    ]
    if reason is None:
        return {"path": "planned", "statements": statements}
    return {"path": "plain", "reason": reason.reason, "detail": reason.detail, "statements": statements}
