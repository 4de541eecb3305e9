"""An evening in a house: its rooms are played in at the same time, and what befalls the house befalls all of them."""

import asyncio
import traceback
from contextlib import AsyncExitStack

from tests.fuzz.live.houses import House
from tests.fuzz.live.rooms import Room
from tests.fuzz.live.scripts import Blow, Evening, Happening, smaller
from tests.fuzz.live.tallies import Tally

STAGES = 6
"""Of a rolling restart: so many parts of what follows are played in while it goes on."""


class Pace:
    """How far the rooms have come together, and how far they may go: blows fall where the script has them."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._made, self._allowed = 0, 0.0
        self._moved = asyncio.Condition()

    async def turn(self) -> None:
        """Returns when one more step may be made."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._made < self._allowed)
            self._made += 1
            self._moved.notify_all()

    async def go_on(self, part: float) -> None:
        """Lets the rooms make all steps up to that part of them; returns when they have begun those."""
        async with self._moved:
            self._allowed = part * self._steps
            self._moved.notify_all()
            await self._moved.wait_for(lambda: self._made >= self._allowed)


async def faults_of(house: House, evening: Evening, tally: Tally) -> list[str]:
    """Plays it; everything that was found wrong."""
    try:
        return [*await _played(house, evening, tally), *house.surprises()]
    except (AssertionError, TimeoutError, ExceptionGroup) as error:
        return [*traceback.format_exception(error), *house.surprises()]


async def simplest(house: House, evening: Evening, *, tries: int) -> tuple[Evening, list[str]]:
    """Leaves out of an evening with faults what can be left out; answers what is left, and the faults that it has."""
    faults: list[str] = []
    for _ in range(tries):
        for fewer in smaller(evening):
            tries -= 1
            if found := await faults_of(house, fewer, Tally()):
                evening, faults = fewer, found
                break
            if tries <= 0:
                return evening, faults
        else:
            break
    return evening, faults


async def _played(house: House, evening: Evening, tally: Tally) -> list[str]:
    await house.whole()
    rooms = [Room(house, number, steps) for number, steps in enumerate(evening.rooms)]
    async with AsyncExitStack() as stack:
        for room in rooms:
            await room.enter()
            stack.push_async_callback(room.close)
        pace = Pace(sum(map(len, evening.rooms)))
        async with asyncio.TaskGroup() as playing:
            playing.create_task(_blows(house, rooms, evening.happenings, pace))
            for room in rooms:
                playing.create_task(room.play(pace.turn))
        found = await asyncio.gather(*(room.end() for room in rooms))
    tally.note(evening, rooms)
    return [fault for faults in found for fault in faults]


async def _blows(house: House, rooms: list[Room], happenings: tuple[Happening, ...], pace: Pace) -> None:
    """Lets the rooms go on from one blow to the next."""
    for number, happening in enumerate(happenings):
        await pace.go_on(happening.after)
        house.find_redis()
        following = happenings[number + 1].after if number + 1 < len(happenings) else 1.0
        await _strike(house, rooms, happening, pace, following)
    await pace.go_on(1)
    house.find_redis()


async def _strike(house: House, rooms: list[Room], happening: Happening, pace: Pace, following: float) -> None:
    match happening.blow:
        case Blow.KILL:
            await house.kill(happening.door)
        case Blow.CUT:
            await house.cut()
        case Blow.RESTART:
            house.lose_redis()
            house.find_redis()
        case Blow.AWAY:
            house.lose_redis()
        case Blow.RELAY:
            house.kill_relay()
        case Blow.SLOW:
            await asyncio.gather(rooms[0].read_too_slowly(), pace.go_on(following))
        case Blow.ROLL:
            await _roll(house, happening.after, following, pace)


async def _roll(house: House, begin: float, end: float, pace: Pace) -> None:
    """Restarts one process after the other, as a deployment does, while the rooms go on bit by bit."""
    stage = (end - begin) / STAGES
    for number, door in enumerate(house.doors):
        await house.both_open()
        reached = begin + number * stage * STAGES / 2
        await pace.go_on(reached + stage)
        await asyncio.gather(door.end(), pace.go_on(reached + 2 * stage))
        await asyncio.gather(door.open(), pace.go_on(reached + 3 * stage))
