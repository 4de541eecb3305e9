"""What traces cost where nothing is traced, and where something is: `python -m bench.traces`. Needs no service."""

import asyncio
import socket
from collections.abc import Callable
from time import process_time
from typing import Any

from graphql import OperationType, parse

from domain.tally import Tally, counted
from domain.traces import Kind, part, traceparent, within
from edge.watching import Stopwatch
from gateways.traces import open_traces
from models.statements import _watched
from plan.requests import Operation, Request

TIMES = 100_000
RECORDED = 5_000
TOLD = {"graphql.operation.type": "query", "graphql.operation.name": "Video"}
_QUERY = "query Video($id: ID!) {video(id: $id) {title}}"
_DOCUMENT: Any = parse(_QUERY)
OPERATION = Operation(_DOCUMENT, _DOCUMENT.definitions[0], OperationType.QUERY, Request(_QUERY), 1)
STATEMENT = 'SELECT "id", "title" FROM "videos" WHERE "id" = $1'


def microseconds(times: int, run: Callable[[], Any]) -> float:
    """For one run: the best of five series, less than which nothing but the machine has to do with it."""
    best = float("inf")
    for _ in range(5):
        began = process_time()
        for _ in range(times):
            run()
        best = min(best, (process_time() - began) / times)
    return best * 1e6


def a_part() -> None:
    with part("query", Kind.INTERNAL, TOLD):
        pass


def watched(watch: Stopwatch) -> None:
    with watch.over(OPERATION):
        pass


async def answered() -> None:
    return None


def driven(running: Any) -> None:
    try:
        running.send(None)
    except StopIteration:
        return


def recorded() -> None:
    """What one traced span takes of the CPU, the thread that sends it included; to a collector that is not there."""
    with (
        socket.create_server(("127.0.0.1", 0)) as nobody,
        open_traces(f"http://127.0.0.1:{nobody.getsockname()[1]}", process="bench", ratio=1) as tracer,
    ):
        began = process_time()
        for _ in range(RECORDED):
            with within(tracer.begin("POST", Kind.SERVER, {})):
                a_part()
                a_part()
        print(f"recorded: {(process_time() - began) / RECORDED / 3 * 1e6:6.1f} µs for a span")


async def main() -> None:
    bare = microseconds(TIMES, lambda: driven(answered()))
    looked = microseconds(TIMES, lambda: driven(_watched(STATEMENT, answered())))
    empty = microseconds(TIMES, lambda: None)
    print(f"nothing traced: {microseconds(TIMES, a_part) - empty:6.2f} µs for a part of a trace")
    print(f"nothing traced: {microseconds(TIMES, traceparent) - empty:6.2f} µs for the traceparent of an event")
    print(f"nothing traced: {looked - bare:6.2f} µs for a statement")
    watch: Stopwatch = Stopwatch(None, 500)  # type: ignore[arg-type]  # no operation here is slow, so nobody asks for the schema
    print(
        f"operations timed (SLOW_OPERATION_MS): {microseconds(TIMES, lambda: watched(watch)) - empty:6.2f} µs for each"
    )
    counted.set(Tally())
    followed = microseconds(TIMES, lambda: driven(_watched(STATEMENT, answered())))
    print(f"operations timed (SLOW_OPERATION_MS): {followed - bare:6.2f} µs for a statement")
    recorded()


if __name__ == "__main__":
    asyncio.run(main())
