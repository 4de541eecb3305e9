"""`python -m bench.live`: everything, one after the other. `QUICK=1` with fewer clients and within a minute.

Arguments name scenarios, where not all are wanted.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.graphql.contenders import Contender, NotReady
from bench.graphql.report import machine, write
from bench.live.client import Failed
from bench.live.report import Measured, medians, table, verdict
from bench.live.saying import NotSaid
from bench.live.scenarios import EARLY, Bench, Connects, FanOut, Figures, Revocations, Scenario, Stalled
from bench.live.servers import PRODUCT, Around, around, contenders, serving
from bench.live.world import World, made
from local.errors import LocalError
from local.programs import ROOT
from models import ConsumerCursor
from models.database import database

RESULT = ROOT / "bench/results/live.json"
_PEER = "graphql-ws"
_RELAY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Turn:
    """A scenario, how often it is played, and whether by all contenders or by the product alone."""

    scenario: Scenario
    rounds: int = 1
    by_all: bool = False


FULL = {
    "hot_room": Turn(FanOut(5_000, 1, rate=1, seconds=20), rounds=3, by_all=True),
    "wide": Turn(FanOut(10_000, 1, rate=0.5, seconds=20), by_all=True),
    "rooms": Turn(FanOut(10_000, 1_000, rate=50, seconds=20), by_all=True),
    "connects": Turn(Connects(5_000), rounds=3, by_all=True),
    "stalled": Turn(Stalled(rate=40, seconds=25)),
    "comment": Turn(FanOut(500, 1, rate=10, seconds=20, by_request=True, team=50)),
    "comment_in_large_team": Turn(FanOut(500, 1, rate=10, seconds=20, by_request=True, team=10_000)),
    "comments_in_rooms": Turn(FanOut(500, 50, rate=50, seconds=20, by_request=True)),
    "revoke": Turn(Revocations(5_000, members=20, seconds=20)),
}
QUICK = {
    "hot_room": Turn(FanOut(500, 1, rate=3, seconds=1), by_all=True),
    "wide": Turn(FanOut(1_000, 1, rate=1, seconds=1)),
    "rooms": Turn(FanOut(1_000, 100, rate=50, seconds=1)),
    "connects": Turn(Connects(500), by_all=True),
    "stalled": Turn(Stalled(rate=40, seconds=12)),
    "comment": Turn(FanOut(100, 1, rate=10, seconds=1, by_request=True, team=50)),
    "comment_in_large_team": Turn(FanOut(100, 1, rate=10, seconds=1, by_request=True, team=10_000)),
    "comments_in_rooms": Turn(FanOut(100, 10, rate=20, seconds=1, by_request=True)),
    "revoke": Turn(Revocations(500, members=5, seconds=1)),
}


async def run(turns: Mapping[str, Turn], beside: Around) -> Measured:
    """All figures; the tables are printed as they come."""
    found = contenders(beside)
    measured: Measured = {contender.name: {} for contender in found}
    async with database(beside.database_url):
        await _relay_ready()
        worlds = await _worlds([turn.scenario for turn in turns.values()])
        for name, turn in turns.items():
            by_contender = await _played(turn, found if turn.by_all else found[:1], beside, worlds[turn.scenario.team])
            for contender, figures in by_contender.items():
                measured[contender][name] = figures
            print(table(name, by_contender), flush=True)
    return measured


async def _worlds(scenarios: Sequence[Scenario]) -> dict[int | None, World]:
    """A team of each size that is played in; None is the one with as many people as there are sockets."""
    rooms = max(one.rooms for one in scenarios)
    all_of_them = max(one.sockets for one in scenarios) + EARLY
    return {size: await made(size or all_of_them, rooms) for size in {one.team for one in scenarios}}


async def _relay_ready() -> None:
    try:
        async with asyncio.timeout(_RELAY_SECONDS):
            while not await ConsumerCursor.exists(consumer="live"):  # noqa: ASYNC110 - it says so to nobody
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise LocalError("The relay does not start.") from None


async def _played(turn: Turn, found: Sequence[Contender], beside: Around, world: World) -> dict[str, Figures]:
    """The medians of each contender; in every round another one begins."""
    rounds: dict[str, list[Figures]] = {contender.name: [] for contender in found}
    for number in range(turn.rounds):
        begin = number % len(found)
        for contender in (*found[begin:], *found[:begin]):
            rounds[contender.name].append(await _round(turn.scenario, contender, beside, world))
    return {name: medians(figures) for name, figures in rounds.items()}


async def _round(scenario: Scenario, contender: Contender, beside: Around, world: World) -> Figures:
    another = Contender("another", contender.dialect, contender.arguments, contender.environment)
    try:
        with ExitStack() as stack:
            server = stack.enter_context(serving(contender, beside))
            other = server
            if scenario.needs_another:
                other = stack.enter_context(serving(another, beside, alone=False))
            return await scenario.play(Bench(server, beside, world, other.port))
    except (Failed, NotReady, NotSaid, OSError, EOFError) as error:
        return {"failed": repr(error)[:300]}


def main() -> int:
    """The command; 1 when what all contenders need does not start, 2 for scenarios that are none."""
    turns = QUICK if os.environ.get("QUICK") == "1" else FULL
    wanted = {name: turn for name, turn in turns.items() if name in (sys.argv[1:] or turns)}
    if len(wanted) < len(sys.argv[1:]):
        print(f"The scenarios are {', '.join(turns)}.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="bench-live") as folder:
        try:
            with around(Path(folder)) as beside:
                measured = asyncio.run(run(wanted, beside))
        except LocalError as error:
            print(error, file=sys.stderr)
            return 1
    print(verdict(measured, PRODUCT, _PEER))
    write(RESULT, {"machine": machine(), **measured})
    print(f"Written: {RESULT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
