"""Documents that were never seen before: what the first time costs, and what ten thousand leave in memory."""

from statistics import median

from bench.graphql import load
from bench.graphql.asking import graphql
from bench.graphql.contenders import Running
from bench.graphql.targets import Target
from bench.graphql.usage import rss_mib
from plan import encode_id

_VIDEO = ("title", "description", "status", "createdAt", "durationMs")
_VERSION = ("number", "durationMs", "width", "height", "createdAt")
_MANY = 8
"""Connections."""


def document(index: int) -> str:
    """A page of the library: another alias for each index, and now these fields, now those."""
    chosen = [name for place, name in enumerate((*_VIDEO, *_VERSION)) if index >> place & 1]
    video, version = chosen[: (split := _of_video(index))], chosen[split:]
    return (
        f"query Page{index}($id: ID!) {{ team(id: $id) {{ videos(first: 5) {{ nodes {{ id a{index}: title "
        f"{' '.join(video)} createdBy {{ id name }} latestVersion {{ id b{index}: number {' '.join(version)} }} }} "
        "pageInfo { hasNextPage } } } }"
    )


def first_seen(server: Running, target: Target, count: int) -> dict[str, float]:
    """Milliseconds that a document takes longer at its first time than at its third, median and 95 %.

    Each line begins with a document that is known: to open it is no part of either.
    """
    extra, known = [], _request(count, target)
    for index in range(count):
        once = _request(index, target)
        _, first, _, third = load.run_once(server.port, [known, once, once, once]).latencies
        extra.append(1000 * (first - third))
    extra.sort()
    return {"documents": count, "p50_ms": round(median(extra), 3), "p95_ms": round(extra[int(count * 0.95)], 3)}


def memory(server: Running, target: Target, count: int) -> dict[str, float]:
    """How the server's memory grows over this many different documents, in MiB: in all, and over the second half.

    Where the second half adds about nothing, it is bounded.
    """
    held = [rss_mib(server.pid)]
    for begin in (count, count + count // 2):
        asked = [_request(index, target) for index in range(begin, begin + count // 2)]
        load.run_once(server.port, asked, connections=_MANY)
        held.append(rss_mib(server.pid))
    before, halfway, after = held
    growth = {"growth_mib": round(after - before, 1), "second_half_mib": round(after - halfway, 1)}
    return {"documents": count, "before_mib": round(before, 1), **growth}


def _of_video(index: int) -> int:
    """How many of the chosen fields are a video's."""
    return (index & ((1 << len(_VIDEO)) - 1)).bit_count()


def _request(index: int, target: Target) -> bytes:
    return graphql(document(index), {"id": encode_id("Team", target.row_id)}, target.token)
