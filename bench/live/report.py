"""The figures as tables, beside what is asked for, and as JSON."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

Measured = dict[str, dict[str, dict[str, Any]]]
"""Contender → scenario → figure."""
ALWAYS = ("cpu_us_per_message", "p50_ms", "p99_ms", "rss_kb_per_socket", "lost")
"""There for every scenario; None where it has no such figure."""
LIMITS = {
    "hot_room": {"cpu_us_per_message": 20, "p99_ms": 150, "lost": 0},
    "wide": {"rss_kb_per_socket": 30, "lost": 0},
    "rooms": {"p99_ms": 20, "lost": 0},
    "connects": {"seconds": 5, "lost": 0},
    "stalled": {"p99_ms": 20, "lost": 0, "memory_growth_mib": 64},
    "comment": {"p50_ms": 15, "p99_ms": 50, "lost": 0},
    "comment_in_large_team": {"p50_ms": 15, "p99_ms": 50, "lost": 0},
    "comments_in_rooms": {"lost": 0},
    "revoke": {"p99_ms": 1000, "cpu_ms_per_revocation": 5, "lost": 0},
}
"""What is asked of the product, at most; in full size, on cores of its own."""
TIMES_CHEAPER = 3
"""Than graphql-ws, in the hot room."""


def medians(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of each figure over the rounds; what is lost, once or often, is lost; what is no number is the last round's."""
    names = dict.fromkeys([*(name for one in rounds for name in one), *ALWAYS])
    return {name: _median(name, [one[name] for one in rounds if name in one] or [None]) for name in names}


def table(scenario: str, by_contender: Mapping[str, Mapping[str, Any]]) -> str:
    """A Markdown table, one column a contender."""
    limits, names = LIMITS[scenario], dict.fromkeys(name for one in by_contender.values() for name in one)
    lines = [["", *by_contender, "asked for"], ["---", *("---:" for _ in by_contender), "---:"]]
    for name in names:
        if all(one.get(name) is None for one in by_contender.values()) and name not in limits:
            continue
        asked = f"≤ {limits[name]:,}" if name in limits else ""
        lines.append([name, *(_shown(one.get(name)) for one in by_contender.values()), asked])
    return f"### {scenario}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def verdict(measured: Measured, product: str, peer: str) -> str:
    """A line for each figure of the product that is asked for."""
    asked = [
        (f"{scenario} {name}", figures.get(name), most)
        for scenario, figures in measured[product].items()
        for name, most in LIMITS[scenario].items()
    ]
    lines = [_line(_is_met(value, most), f"{what}: {_shown(value)}, at most {most:,}") for what, value, most in asked]
    ours, theirs = (_cost(measured, one) for one in (product, peer))
    if ours and theirs:
        times = theirs / ours
        said = f"hot_room is {times:.1f} × cheaper than with {peer}, at least {TIMES_CHEAPER}"
        lines.append(_line(times >= TIMES_CHEAPER, said))
    return "\n".join(lines)


def _line(met: object, said: str) -> str:
    return f"{'met' if met else 'NOT'}  {said}"


def _cost(measured: Measured, contender: str) -> float | None:
    return measured.get(contender, {}).get("hot_room", {}).get("cpu_us_per_message")


def _is_met(value: Any, most: float) -> bool:
    return value is not None and value <= most


def _median(name: str, values: Sequence[Any]) -> Any:
    numbers = [value for value in values if isinstance(value, int | float)]
    if not numbers:
        return values[-1]
    return sum(numbers) if name == "lost" else round(median(numbers), 3)


def _shown(value: Any) -> str:
    if isinstance(value, int | float):
        return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
    return "–" if value is None else str(value)
