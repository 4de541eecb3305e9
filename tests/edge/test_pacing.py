"""Addresses that make us read a lot take turns."""

import asyncio
from time import monotonic, thread_time

import pytest

from edge.pacing import AT_ONCE_SECONDS, LONGEST_SECONDS, MOST_WAITING, SHARE, OutOfTurn, Pacing
from plan.effort import noted

BUSY, OTHER = "203.0.113.1", "203.0.113.2"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def has_to_wait(pacing: Pacing, address: str) -> bool:
    turn = asyncio.create_task(pacing.turn(address))
    await asyncio.sleep(0)
    waits = not turn.done()
    turn.cancel()
    await asyncio.wait({turn})
    return waits


async def test_who_has_had_more_than_a_share_waits_and_nobody_else() -> None:
    clock = Clock()
    pacing = Pacing(clock)
    assert not await has_to_wait(pacing, BUSY)
    pacing.had(BUSY, AT_ONCE_SECONDS)
    assert not await has_to_wait(pacing, BUSY)
    pacing.had(BUSY, 0.01)
    assert await has_to_wait(pacing, BUSY)
    assert not await has_to_wait(pacing, OTHER)


async def test_where_no_turns_are_kept_nobody_waits() -> None:
    pacing = Pacing(Clock(), kept=False)
    pacing.had(BUSY, AT_ONCE_SECONDS + LONGEST_SECONDS)
    assert not await has_to_wait(pacing, BUSY)


async def test_what_one_has_had_counts_at_once() -> None:
    """Others of the same address come before the first is answered."""
    pacing = Pacing()
    with pacing.of(BUSY):
        with noted():
            end = thread_time() + AT_ONCE_SECONDS * 1.2
            while thread_time() < end:
                pass
        assert await has_to_wait(pacing, BUSY)


async def test_it_is_even_again_after_a_while() -> None:
    clock = Clock()
    pacing = Pacing(clock)
    pacing.had(BUSY, AT_ONCE_SECONDS + 0.1)
    clock.now += 0.1 / SHARE + 0.001
    assert not await has_to_wait(pacing, BUSY)


async def test_those_who_wait_go_on_one_by_one_each_when_it_is_even_again() -> None:
    """However much the one before has had: more than anybody could know."""
    pacing, seconds = Pacing(), 0.004
    pacing.had(BUSY, AT_ONCE_SECONDS + seconds)
    began, gone = monotonic(), list[tuple[int, float]]()

    async def go(number: int) -> None:
        await pacing.turn(BUSY)
        gone.append((number, monotonic() - began))
        pacing.had(BUSY, seconds)

    await asyncio.gather(*map(go, range(4)))
    assert [number for number, _ in gone] == [0, 1, 2, 3]
    for number, waited in gone:
        assert waited >= (number + 1) * seconds / SHARE * 0.9
    assert not pacing._queues


async def test_no_more_wait_than_may() -> None:
    pacing = Pacing(Clock())
    pacing.had(BUSY, AT_ONCE_SECONDS + 0.1)
    waiting = [asyncio.create_task(pacing.turn(BUSY)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(OutOfTurn):
        await pacing.turn(BUSY)
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)
    assert await has_to_wait(pacing, BUSY)


async def test_who_would_wait_for_too_long_is_told_when_to_come_back() -> None:
    pacing = Pacing(Clock())
    pacing.had(BUSY, AT_ONCE_SECONDS + (LONGEST_SECONDS + 1) * SHARE)
    with pytest.raises(OutOfTurn) as refused:
        await pacing.turn(BUSY)
    assert refused.value.status == 429
    (error,) = refused.value.answer()["errors"]
    assert error["extensions"] == {"code": "THROTTLED", "retryAfterSeconds": LONGEST_SECONDS + 1}


async def test_what_takes_no_time_is_not_counted() -> None:
    pacing = Pacing(Clock())
    for _ in range(10_000):
        pacing.had(BUSY, 0.0005)
    assert not await has_to_wait(pacing, BUSY)
