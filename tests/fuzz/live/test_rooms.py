"""Six clients in a room, two API processes of which one is killed midway: everybody ends with the same comments.

`make test` plays the same twenty interleavings each time, in seconds; `make fuzz-live` a thousand others.
"""

import os
import time
from random import Random

import pytest

from tests.fuzz.explore import SEED
from tests.fuzz.live.evenings import faults_of, simplest
from tests.fuzz.live.houses import open_house
from tests.fuzz.live.scripts import Blow, Evening, evening
from tests.fuzz.live.tallies import Tally

MANY = int(os.environ.get("FUZZ_ROOMS", "0"))
SECONDS = float(os.environ.get("FUZZ_MINUTES") or "inf") * 60
AT_ONCE = 10
"""Rooms of an evening: what befalls the house befalls each of them somewhere else."""
FEW = (Blow.AWAY, Blow.RELAY), (Blow.CUT, Blow.RESTART, Blow.ROLL)
"""What happens beside the kill, on the evenings of `make test`."""
TRIES = 60
"""To make an evening with a fault smaller."""


def drawn(number: int, rooms: int, *besides: Blow) -> Evening:
    return evening(Random(f"{SEED} {number}"), rooms, *besides)


@pytest.mark.skipif(MANY > 0, reason="there is more time than for this")
async def test_everybody_ends_with_the_same_comments() -> None:
    tally = Tally()
    async with open_house() as house:
        for number, besides in enumerate(FEW):
            script = drawn(number, AT_ONCE, *besides)
            assert await faults_of(house, script, tally) == [], script
    assert tally.undone() == set()
    assert {"1012", "4403", "broken"} <= {*tally.ends}


@pytest.mark.skipif(MANY == 0, reason="make fuzz-live")
async def test_everybody_ends_with_the_same_comments_whatever_happens() -> None:
    tally, began, number = Tally(), time.monotonic(), 0
    async with open_house() as house:
        while tally.rooms < MANY and time.monotonic() - began < SECONDS:
            number += 1
            script = drawn(number, min(AT_ONCE, MANY - tally.rooms))
            if faults := await faults_of(house, script, tally):
                tally.tell("\n".join([f"seed {SEED}, evening {number}", *faults, "It is made smaller now"]))
                least, still = await simplest(house, script, tries=TRIES)
                pytest.fail("\n".join([f"seed {SEED}, evening {number}", *faults, f"{least}", *still]))
            tally.tell(f"seed {SEED}, {number} evenings in {time.monotonic() - began:.0f} s")
    assert tally.undone() == set()
