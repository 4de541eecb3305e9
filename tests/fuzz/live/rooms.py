"""One room: everybody comes, does what its script says, and has caught up in the end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from live.limits import Limits
from tests.fuzz.live.casts import Cast, gathered
from tests.fuzz.live.guests import Guest
from tests.fuzz.live.houses import House
from tests.fuzz.live.scripts import Step, What, Who
from tests.fuzz.live.verdicts import faults, truth_of
from tests.waiting import until

PATIENCE = 40
"""Seconds in which all have caught up: what waits for a lost right to be found out may take ten of them."""
FLOOD, LONG_WORDS = 6, "long " * 800
FLOODS = 5
"""More than the server, and the network on most machines, keep for one who does not read: of 160 KB each, six a flood.
Linux lets the latter grow up to 4 MB where a line has carried much, as after somebody has come back."""
GIVEN_UP = 2 * Limits().ping_seconds + Limits().stall_seconds
"""Seconds after which whoever reads nothing is given up at the latest: where the network keeps all, by a ping without
an answer, of which there is the next one 20 s later."""
END = 0
Turn = Callable[[], Awaitable[None]]
"""Returns when the next step may be made."""


class Room:
    """`enter`, `play`, `end`, in this order; `close` in any case."""

    def __init__(self, house: House, number: int, steps: Sequence[Step]) -> None:
        self._house, self._number, self._steps = house, number, steps
        self.cast: Cast
        self._lives: list[asyncio.Task[None]] = []
        self._pending = set[asyncio.Task[None]]()

    async def enter(self) -> None:
        """Everybody loads and follows, by turns at one door and the other."""
        self.cast = await gathered(self._house, self._number)
        guests = self.cast.guests.values()
        self._lives = [asyncio.create_task(guest.live()) for guest in guests]
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(guest.ready.wait() for guest in guests))

    async def play(self, turn: Turn) -> None:
        """All steps, each when it is its turn."""
        for step in self._steps:
            await turn()
            self._pending.add(asyncio.create_task(self._make(step)))
            if step.waits:
                await self._settle()
        await self._settle()

    async def read_too_slowly(self) -> None:
        """Somebody takes nothing from their line until the server gives them up: ten seconds after it is full."""
        guest = self.cast.guests[Who.OTHER]
        guest.stall()
        for number in range(FLOODS):
            await self._make(Step(Who.OWNER, What.FLOOD, number, waits=True))
        await until(lambda: guest.is_cut_off or guest.reads, GIVEN_UP)
        guest.read_on()

    async def end(self) -> list[str]:
        """A last word, that everybody hears; answers what is wrong with what they know."""
        await self.cast.say(Who.OWNER, END)
        truth = await truth_of(self.cast)
        await self._caught_up(truth[-1].position)
        return [f"room {self._number}, {fault}" async for fault in faults(self.cast, truth)]

    async def close(self) -> None:
        """Sends everybody home; what has failed in anybody's life is raised."""
        for guest in self.cast.guests.values():
            guest.leave()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._lives, *self._pending)

    async def _settle(self) -> None:
        pending, self._pending = self._pending, set()
        await asyncio.gather(*pending)

    async def _make(self, step: Step) -> None:
        guest = self.cast.guests[step.who]
        match step.what:
            case What.DROP:
                guest.drop()
            case What.MOVE:
                guest.drop(step.number)
            case What.RELOAD:
                guest.drop(step.number, anew=True)
            case What.STALL:
                guest.stall()
            case What.READ_ON:
                guest.read_on()
            case What.SIGN_OUT:
                await self.cast.sign_out(step.who)
            case What.FLOOD:
                said = (self.cast.say(step.who, step.number * 50 + n, LONG_WORDS) for n in range(FLOOD))
                await asyncio.gather(*said)
            case _:
                await self.cast.act(step)

    async def _caught_up(self, end: int) -> None:
        """Returns when nobody will hear of anything more. Whoever is late by then is found by what they miss."""
        guests = self.cast.guests.values()
        for guest in guests:
            guest.read_on()
        await asyncio.wait([asyncio.create_task(self._through(guest, end)) for guest in guests], timeout=PATIENCE)

    async def _through(self, guest: Guest, end: int) -> None:
        is_removed = guest is self.cast.guests[Who.REMOVED] and self.cast.is_removed
        await guest.until(lambda: guest.refused or (not is_removed and guest.story.last >= end and guest.is_up_to_date))
