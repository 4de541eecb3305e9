"""Whoever rests in the middle of what they have missed, and then reads on, is told the rest at once."""

import asyncio

from tests.fuzz.live.casts import gathered
from tests.fuzz.live.guests import LONG, Guest
from tests.fuzz.live.houses import open_house
from tests.fuzz.live.rooms import LONG_WORDS
from tests.fuzz.live.scripts import Who
from tests.fuzz.live.verdicts import truth_of

MISSED, WHILE_IT_RESTS = 40, 10
"""Comments of 160 KB each, as they are asked for here: many times what is kept for one who does not read."""
AT_ONCE = 8
"""Seconds: after ten without reading one is given up."""


class Newcomer(Guest):
    """Has heard of nothing yet, and asks for all of it."""

    async def load(self) -> None:
        self.story.load(0, ())


async def test_who_rests_in_the_middle_and_reads_on_is_told_the_rest() -> None:
    async with open_house() as house:
        cast = await gathered(house, 0)
        for number in range(MISSED):
            await cast.say(Who.OWNER, number, LONG_WORDS)
        truth = await truth_of(cast)
        known = cast.guests[Who.VIEWER]
        guest = Newcomer(house, known.place, known.token, LONG, 0)
        await guest.load()
        life = asyncio.create_task(guest.live())
        async with asyncio.timeout(AT_ONCE):
            await guest.until(lambda: guest.story.last > 0)
        guest.stall()
        for number in range(WHILE_IT_RESTS):
            await cast.say(Who.OWNER, number)
        guest.read_on()
        async with asyncio.timeout(AT_ONCE):
            await guest.until(lambda: guest.story.last >= truth[-1].position)
        assert (guest.faults, guest.story.faults, guest.ends.total()) == ([], [], 0)
        guest.leave()
        await life
