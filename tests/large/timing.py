"""How long each question takes in the database: `make test-large` runs it, over all of the large library.

It prints a table and writes `bench/results/queries.json`. No `test_` in its name, so that `make test` leaves it out.
"""

import json
import math
import sys
from dataclasses import asdict, dataclass
from time import perf_counter

import asyncpg

from local.programs import ROOT
from tests.large.conftest import SCALE, Asked
from tests.large.plans import Statement

RUNS = 200
MOST_MS = 10.0
RESULTS = ROOT / "bench" / "results" / "queries.json"


@dataclass(frozen=True)
class Timing:
    """Of the slowest statement of a question, in milliseconds: the middle and the 95th percentile of its runs."""

    question: str
    statement: str
    p50: float
    p95: float
    indexes: list[str]


async def test_every_question_is_answered_in_time(connection: asyncpg.Connection, asked: dict[str, Asked]) -> None:
    timings = [await _slowest(connection, name, found) for name, found in asked.items()]
    _report(sorted(timings, key=lambda timing: -timing.p95))
    assert [timing for timing in timings if timing.p95 > MOST_MS] == []


async def _slowest(connection: asyncpg.Connection, name: str, found: Asked) -> Timing:
    """Of those that can be repeated. What rows refer to is another after each run: so none is written or deleted here.

    A question that does nothing else is timed as on a replica, where PostgreSQL does not look at that.
    """
    repeated = [each for each in found.statements if not _changes_rows(each.text)]
    role = "origin" if repeated else "replica"
    await connection.execute(f"SET session_replication_role = {role}")
    timed = [(await _runs(connection, statement), statement) for statement in repeated or found.statements]
    runs, statement = max(timed, key=lambda pair: _percentile(pair[0], 95))
    text = " ".join(statement.text.split())
    return Timing(name, text, _percentile(runs, 50), _percentile(runs, 95), sorted(found.indexes))


def _changes_rows(text: str) -> bool:
    return "INSERT INTO" in text or "DELETE FROM" in text


async def _runs(connection: asyncpg.Connection, statement: Statement) -> list[float]:
    """The milliseconds of each run, sorted. It is prepared once, as in the product; nothing of it stays."""
    prepared = await connection.prepare(statement.text)
    runs = []
    for _ in range(RUNS):
        undone = connection.transaction()
        await undone.start()
        began = perf_counter()
        await prepared.fetch(*statement.values)
        runs.append((perf_counter() - began) * 1000)
        await undone.rollback()
    return sorted(runs)


def _percentile(runs: list[float], percent: int) -> float:
    return round(runs[math.ceil(len(runs) * percent / 100) - 1], 3)


def _report(timings: list[Timing]) -> None:
    head = f"\n{'p50 ms':>8} {'p95 ms':>8}  question ({RUNS} runs at scale {SCALE:g}; its slowest statement)"
    lines = [f"{timing.p50:8.2f} {timing.p95:8.2f}  {timing.question}" for timing in timings]
    sys.stdout.write("\n".join([head, *lines, ""]))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps([asdict(timing) for timing in timings], ensure_ascii=False, indent=1))
