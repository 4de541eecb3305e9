"""What is measured, each on a fresh process of a contender: who comes, what is said, and what that costs.

`lost` is what has not come `PATIENCE` seconds after the last message that did, or within `MOST_SECONDS`.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import monotonic_ns
from typing import Any, Protocol

from bench.graphql.contenders import Running
from bench.live.client import Clients, clients
from bench.live.crowd import Place
from bench.live.figures import Arrivals
from bench.live.meter import Meter
from bench.live.saying import Published, Talk, ask_all, record_all
from bench.live.servers import Around
from bench.live.usage import rss_kib
from bench.live.world import Person, World
from domain.permissions import Role
from models.events import newest_position
from plan import encode_id

Figures = dict[str, Any]
PATIENCE, MOST_SECONDS = 4.0, 60.0
EARLY = 5
"""Clients who come before the memory is looked at first: what is loaded once is no socket's."""
_SAID_PER_SECOND = 200
_LONG_REMARK = "A little later, please. " * 180
_REMOVE = "mutation Remove($id: ID!) { removeMember(memberId: $id) { __typename ... on Team { id } } }"


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a scenario is played: a fresh process of a contender, and what there is beside it."""

    server: Running
    beside: Around
    world: World
    other_port: int
    """Of another process of the product."""

    async def seated(self, crowd: Clients, sockets: int, rooms: int, **how: Any) -> Figures:
        """So many clients of whom each has heard an event: `sitting`, with `rss_kb_per_socket`."""
        crowd.call("enter", self.places(0, EARLY, 1), after=await newest_position())
        await self._heard(crowd, 1)
        before = rss_kib(self.server.pid)
        entered = crowd.call("enter", self.places(EARLY, sockets, rooms), after=await newest_position(), **how)
        sitting = await self._heard(crowd, rooms)
        each = (rss_kib(self.server.pid) - before) / sockets
        found = {"sitting": sitting, "let_in_seconds": entered["seconds"], "rss_kb_per_socket": each}
        if sitting < sockets + EARLY:
            found |= {"sent_away": _why(crowd), "came_again": crowd.call("try_again", await newest_position())}
            found["sitting"] = await self._heard(crowd, rooms)
        crowd.call("forget")
        return found

    def places(self, first: int, count: int, rooms: int) -> list[Place]:
        """Of the people from the `first` on, who spread over the rooms; of fewer people, some have several."""
        return [Place(self.person(first + place).token, place % rooms) for place in range(count)]

    def person(self, place: int) -> Person:
        """Whose client it is."""
        return self.world.people[place % len(self.world.people)]

    def meter(self, seconds: float) -> Meter:
        """See `Meter`."""
        return Meter(self.server.pid, self.beside.relay_pid, self.beside.database_pid, seconds)

    async def _heard(self, crowd: Clients, rooms: int) -> int:
        """Something is said in each room. Answers how many clients have heard of anything then."""
        await record_all(self.world, range(rooms), _SAID_PER_SECOND)
        return int(crowd.call("wait_for_all", PATIENCE, MOST_SECONDS))


class Scenario(Protocol):
    """One of them."""

    @property
    def sockets(self) -> int:
        """How many clients it needs."""

    @property
    def rooms(self) -> int:
        """How many rooms."""

    @property
    def needs_another(self) -> bool:
        """Whether a second process of the product is asked for something."""

    @property
    def team(self) -> int | None:
        """How many are in the team it is played in; None for the one with as many as there are sockets."""

    async def play(self, bench: Bench) -> Figures:
        """The figures of one round."""


@dataclass(frozen=True, slots=True)
class FanOut:
    """Events a second for some seconds, in turn in each room, recorded in the database."""

    sockets: int
    rooms: int
    rate: float
    seconds: float
    needs_another: bool = False
    by_request: bool = False
    """Whether they are comments by `addComment`, asked of the same process."""
    team: int | None = None

    async def play(self, bench: Bench) -> Figures:
        """See `Scenario`."""
        with clients(bench.server.port, bench.world.rooms) as crowd:
            seated = await bench.seated(crowd, self.sockets, self.rooms)
            meter = bench.meter(self.seconds)
            published = await self._say(bench)
            found = crowd.collect(published, patience=PATIENCE, most_seconds=MOST_SECONDS)
            return seated | _told(found) | _costs(meter, found, published)

    async def _say(self, bench: Bench) -> Published:
        rooms = [place % self.rooms for place in range(int(self.rate * self.seconds))]
        if not self.by_request:
            return await record_all(bench.world, rooms, self.rate)
        with _talking(bench.server.port) as talk:
            return await ask_all(bench.world, rooms, self.rate, talk)


@dataclass(frozen=True, slots=True)
class Connects:
    """So many clients, each with a token of its own, until the last is acknowledged; some hundreds at once."""

    sockets: int
    rooms: int = 1
    needs_another: bool = False
    team: int | None = None

    async def play(self, bench: Bench) -> Figures:
        """See `Scenario`."""
        with clients(bench.server.port, bench.world.rooms) as crowd:
            crowd.call("enter", bench.places(0, EARLY, 1), subscribe=False)
            meter = bench.meter(1)
            entered = crowd.call("enter", bench.places(EARLY, self.sockets, 1), subscribe=False)
            used, _, of_database = meter.read()
            return {
                "seconds": entered["seconds"],
                "lost": self.sockets - entered["let_in"],
                "cpu_us_per_connect": 1e6 * used / self.sockets,
                "db_cpu_us_per_connect": 1e6 * of_database / self.sockets,
            }


@dataclass(frozen=True, slots=True)
class Stalled:
    """Half of the clients stop reading while much is said, long enough to be closed; then they come back."""

    rate: float
    seconds: float
    sockets: int = 40
    rooms: int = 1
    needs_another: bool = False
    team: int | None = None

    async def play(self, bench: Bench) -> Figures:
        """See `Scenario`: the moments are those of who reads on."""
        with clients(bench.server.port, bench.world.rooms) as crowd:
            seated = await bench.seated(crowd, self.sockets, 1, narrow=True)
            everybody = range(EARLY + self.sockets)
            stalled, readers = everybody[EARLY::2], [*everybody[:EARLY], *everybody[EARLY + 1 :: 2]]
            before = rss_kib(bench.server.pid)
            crowd.call("stall", stalled)
            watching = asyncio.create_task(_most_memory(bench.server.pid))
            rooms = [0] * int(self.rate * self.seconds)
            published = await record_all(bench.world, rooms, self.rate, _LONG_REMARK)
            others = crowd.collect(published, patience=PATIENCE, most_seconds=MOST_SECONDS, only=readers)
            watching.cancel()
            back = crowd.call("come_back", stalled, 20)
            resumed = crowd.collect(published, patience=PATIENCE, most_seconds=MOST_SECONDS, only=stalled)
            return _told(others) | {
                "sitting": seated["sitting"],
                "lost": others.lost + resumed.lost,
                "resumed_repeats": resumed.repeats,
                "were_closed": back["were_closed"],
                "close_codes": crowd.call("closed"),
                "memory_growth_mib": (await watching - before) / 1024,
            }


@dataclass(frozen=True, slots=True)
class Revocations:
    """Members of a full room are removed, by another process of the product, evenly over some seconds."""

    sockets: int
    members: int
    seconds: float
    rooms: int = 1
    needs_another: bool = True
    team: int | None = None

    async def play(self, bench: Bench) -> Figures:
        """See `Scenario`: the moments run from each request to the end of the subscription."""
        with clients(bench.server.port, bench.world.rooms) as crowd, _talking(bench.other_port) as talk:
            seated = await bench.seated(crowd, self.sockets, 1)
            people = bench.world.people
            viewers = [place for place, one in enumerate(people[: self.sockets]) if one.role is Role.VIEWER]
            victims = viewers[EARLY : EARLY + self.members]
            meter, asked = bench.meter(self.seconds), dict[int, int]()
            for place in victims:
                asked[place] = monotonic_ns()
                await talk.ask(_REMOVE, {"id": encode_id("Member", people[place].member_id)}, people[0])
                await asyncio.sleep(max(0, self.seconds / self.members - (monotonic_ns() - asked[place]) / 1e9))
            used, _, _ = meter.read()
            ended = {place: moment for place, moment, _ in crowd.call("ended")}
            took = [(ended[place] - asked[place]) / 1e6 for place in victims if place in ended]
            return seated | {
                "cpu_ms_per_revocation": 1e3 * used / len(victims),
                "p50_ms": median(took) if took else None,
                "p99_ms": max(took, default=None),
                "lost": len(victims) - len(took),
                "wrongly_ended": len(ended.keys() - set(victims)),
            }


def _why(crowd: Clients) -> str:
    """What was said to those who have come in vain."""
    said = [message for _, _, message in crowd.call("ended")]
    return f"ended {len(said)}, closed {crowd.call('closed')} {' '.join(said[:1])}".strip()


def _told(found: Arrivals) -> Figures:
    return {
        "p50_ms": found.percentile(0.5),
        "p99_ms": found.percentile(0.99),
        "messages": found.messages,
        "lost": found.lost,
        "repeats": found.repeats,
        "strays": found.strays,
        "closed": sum(found.closed.values()),
        "ended": found.ended,
    }


def _costs(meter: Meter, found: Arrivals, published: Published) -> Figures:
    """Of the server for each message, of the others for each event."""
    server, relay, database = meter.read()
    return {
        "cpu_us_per_message": 1e6 * server / found.messages if found.messages else None,
        "relay_cpu_ms_per_event": 1e3 * relay / len(published),
        "db_cpu_ms_per_event": 1e3 * database / len(published),
    }


@contextmanager
def _talking(port: int) -> Iterator[Talk]:
    talk = Talk(port)
    try:
        yield talk
    finally:
        talk.close()


async def _most_memory(pid: int) -> int:
    """The most KiB that the process held, until this is cancelled."""
    most = 0
    try:
        while True:
            most = max(most, rss_kib(pid))
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return most
