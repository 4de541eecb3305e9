"""The rounds: in each, every contender is asked for every operation, one after the other, the others being idle."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median

from bench.graphql import load
from bench.graphql.asking import OPERATIONS
from bench.graphql.contenders import Running
from bench.graphql.targets import Target, Targets
from bench.graphql.usage import cpu_seconds, rss_mib

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Extent:
    """How long it is measured."""

    rounds: int
    seconds: float
    warm_seconds: float
    alone_seconds: float
    """With one connection."""
    same: bool
    """Whether the reads are also measured on one and the same row."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one contender at one operation. CPU is per request, of all the server's or the database's processes."""

    rps: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    db_cpu_ms: float
    rss_mib: float
    alone_p50_ms: float
    alone_p99_ms: float


Measured = dict[str, dict[str, dict[str, float]]]
"""Contender → operation → figure."""


def measure(servers: list[Running], database_pid: int, targets: Targets, extent: Extent) -> Measured:
    """The medians over the rounds."""
    found: dict[tuple[str, str], list[Figures]] = defaultdict(list)
    cases = _cases(targets, same=extent.same)
    for turn in range(extent.rounds):
        for case, (operation, chosen) in cases.items():
            for server in _turned(servers, turn):
                asked = [OPERATIONS[operation].request(server.contender.dialect, target) for target in chosen]
                found[server.name, case].append(_figures(server, database_pid, asked, extent))
    measured: Measured = {server.name: {} for server in servers}
    for (name, case), rounds in found.items():
        measured[name][case] = _medians(rounds)
    return measured


def _cases(targets: Targets, *, same: bool) -> dict[str, tuple[str, list[Target]]]:
    """By name: an operation and what it is asked for."""
    cases = {name: (name, chosen) for name, chosen in targets.seen.items()}
    if same:
        cases |= {f"{name}_same": (name, targets.seen[name][:1]) for name in ("video", "library")}
    return cases


def _turned(servers: list[Running], turn: int) -> list[Running]:
    """Another one begins in each round."""
    begin = turn % len(servers)
    return servers[begin:] + servers[:begin]


def _figures(server: Running, database_pid: int, asked: Sequence[bytes], extent: Extent) -> Figures:
    load.run(server.port, asked, connections=CONNECTIONS, seconds=extent.warm_seconds)
    before = cpu_seconds(server.pid), cpu_seconds(database_pid)
    many = load.run(server.port, asked, connections=CONNECTIONS, seconds=extent.seconds)
    after = cpu_seconds(server.pid), cpu_seconds(database_pid)
    alone = load.run(server.port, asked, connections=1, seconds=extent.alone_seconds)
    count = len(many.latencies)
    own, of_database = (1000 * (end - begin) / count for begin, end in zip(before, after, strict=True))
    return Figures(
        rps=count / many.seconds,
        p50_ms=many.percentile(0.5),
        p99_ms=many.percentile(0.99),
        cpu_ms=own,
        db_cpu_ms=of_database,
        rss_mib=rss_mib(server.pid),
        alone_p50_ms=alone.percentile(0.5),
        alone_p99_ms=alone.percentile(0.99),
    )


def _medians(rounds: list[Figures]) -> dict[str, float]:
    each = [asdict(figures) for figures in rounds]
    return {field.name: round(median(one[field.name] for one in each), 3) for field in fields(Figures)}
