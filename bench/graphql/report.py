"""The figures as tables, for people, and as JSON, for programs."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from bench.graphql.measure import Measured

YARDSTICK = "handwritten"
_COLUMNS = ("rps", "p50_ms", "p99_ms", "alone_p50_ms", "alone_p99_ms", "cpu_ms", "db_cpu_ms", "rss_mib")
_HEADS = ("req/s", "p50 ms", "p99 ms", "p50 alone", "p99 alone", "CPU ms", "DB CPU ms", "RSS MiB")


def write(path: Path, results: Mapping[str, Any]) -> None:
    """The JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2))


def machine() -> dict[str, Any]:
    """What it was measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {"cores": os.cpu_count(), "model": model}


def tables(measured: Measured) -> str:
    """A Markdown table for each operation; the ratio is to the hand-written route."""
    cases = next(iter(measured.values()))
    return "\n".join(_table(case, measured) for case in cases)


def novelty(first: Mapping[str, Mapping[str, float]], memory: Mapping[str, Mapping[str, float]]) -> str:
    """The table of documents never seen before."""
    rows = [
        [name, f"{seen['p50_ms']:.2f}", f"{seen['p95_ms']:.2f}", *_growth(memory.get(name))]
        for name, seen in first.items()
    ]
    return _markdown(
        "New documents", ["", "first time + ms", "p95", "documents", "memory + MiB", "of it in the second half"], rows
    )


def scaling(found: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]]) -> str:
    """The table of one process and two."""
    rows = []
    for name, operations in found.items():
        for operation, counts in operations.items():
            one, two = counts["one"], counts["two"]
            parties = (f"{two[f'{party}_processors']:.2f}" for party in ("server", "database", "generator"))
            rows.append(
                [
                    f"{name} {operation}",
                    f"{one['rps']:,.0f}",
                    f"{two['rps']:,.0f}",
                    f"{two['rps'] / one['rps']:.2f}",
                    *parties,
                ]
            )
    heads = ["", "1 process req/s", "2 processes", "×", "processors: server", "database", "generator"]
    return _markdown("Two processes", heads, rows)


def _growth(memory: Mapping[str, float] | None) -> list[str]:
    if memory is None:
        return ["–"] * 3
    return [f"{memory['documents']:,}", f"{memory['growth_mib']:.1f}", f"{memory['second_half_mib']:.1f}"]


def _table(case: str, measured: Measured) -> str:
    base = measured[YARDSTICK][case]["rps"]
    rows = [
        [name, *(_figure(figures[case][column]) for column in _COLUMNS), f"{figures[case]['rps'] / base:.2f}"]
        for name, figures in measured.items()
    ]
    return _markdown(case, ["", *_HEADS, f"× {YARDSTICK}"], rows)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _markdown(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return f"### {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
