"""`python -m bench.graphql`: everything, one after the other. `QUICK=1` on less data and within a minute."""

import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.graphql import agreement, novelty, report
from bench.graphql.contenders import NotReady, Running, contenders, running
from bench.graphql.database import filled
from bench.graphql.load import WrongAnswer
from bench.graphql.measure import Extent, measure
from bench.graphql.scaling import two_processes
from bench.graphql.targets import Targets, choose
from local.errors import LocalError
from local.programs import ROOT
from local.redis import EmbeddedRedis

RESULT = ROOT / "bench/results/graphql.json"
KEPT = ROOT / ".cache/bench-graphql"
"""The filled database lies here between runs."""


@dataclass(frozen=True, slots=True)
class Run:
    """How much is done."""

    scale: float
    extent: Extent
    documents_first_seen: int
    documents_in_memory: int
    scaling_seconds: float


FULL = Run(1.0, Extent(rounds=5, seconds=1.5, warm_seconds=0.3, alone_seconds=0.4, same=False), 200, 10_000, 4)
QUICK = Run(0.04, Extent(rounds=1, seconds=0.4, warm_seconds=0.2, alone_seconds=0.1, same=False), 30, 200, 0.4)


def run(how: Run, folder: Path) -> dict[str, Any]:
    """All figures; the tables are printed as they come."""
    redis = EmbeddedRedis(folder / "redis", lasting=False)
    with filled(KEPT, how.scale) as database, redis:
        targets = asyncio.run(choose(database.url, database.places))
        found = contenders(database, redis.url(), folder)
        with running(found, folder) as servers:
            agreement.compare(servers, targets)
            print("Every contender gives the same answers.\n")
            measured = measure(servers, database.pid, targets, how.extent)
            print(report.tables(measured))
            new = _novelty(servers, targets, how)
        scaled = {one.name: two_processes(one, database.pid, targets, folder, how.scaling_seconds) for one in found[:1]}
        print(report.scaling(scaled))
    return {"machine": report.machine(), **measured, **new, "two_processes": scaled}


def _novelty(servers: list[Running], targets: Targets, how: Run) -> dict[str, Any]:
    asked = [server for server in servers if server.contender.takes_documents]
    target = targets.seen["library"][0]
    first = {one.name: novelty.first_seen(one, target, how.documents_first_seen) for one in asked}
    memory = {one.name: novelty.memory(one, target, how.documents_in_memory) for one in asked}
    print(report.novelty(first, memory))
    return {"first_seen": first, "memory_10000": memory}


def main() -> int:
    """The command; 1 when a contender does not start or does not answer as the others do."""
    how = QUICK if os.environ.get("QUICK") == "1" else FULL
    with tempfile.TemporaryDirectory() as folder:
        try:
            results = run(how, Path(folder))
        except (LocalError, NotReady, WrongAnswer, agreement.Disagreement) as error:
            print(error, file=sys.stderr)
            return 1
    report.write(RESULT, results)
    print(f"Written: {RESULT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
