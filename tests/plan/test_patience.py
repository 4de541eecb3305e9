"""What takes too long is told so, by one timer for all."""

import asyncio

import pytest

from plan.patience import Patience, Queue

SECONDS = 0.02


class Sitting:
    """Somebody who notes when they were told."""

    def __init__(self) -> None:
        self.told: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def late(self) -> None:
        self.told.set_result(asyncio.get_running_loop().time())


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def test_who_is_still_there_is_told_in_time_and_nobody_else() -> None:
    queue, loop = Queue(SECONDS), asyncio.get_running_loop()
    first, gone, last = Sitting(), Sitting(), Sitting()
    came = []
    for who in (first, gone, last):
        came.append(loop.time())
        queue.come(who)
        await asyncio.sleep(SECONDS / 4)
    queue.go(gone)
    queue.go(gone)  # whoever it is, is gone
    assert await first.told >= came[0] + SECONDS - 0.001
    assert await last.told >= came[2] + SECONDS - 0.001
    assert not gone.told.done()
    again = Sitting()  # the timer rests by now
    queue.come(again)
    assert await again.told


def test_another_event_loop_has_a_timer_of_its_own() -> None:
    queue = Queue(SECONDS)

    async def come() -> None:
        who = Sitting()
        queue.come(who)
        queue.go(who)

    async def wait() -> float:
        who = Sitting()
        queue.come(who)
        async with asyncio.timeout(10):
            return await who.told

    asyncio.run(come())  # leaves a timer behind that its loop will never see
    assert asyncio.run(wait())


async def test_patience_ends_what_takes_too_long_and_says_so() -> None:
    queue = Queue(SECONDS)
    with pytest.raises(TimeoutError), Patience(queue) as patience:
        await forever()
    assert patience.is_over
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    with Patience(queue) as patience:
        await asyncio.sleep(0)
    assert not patience.is_over


async def test_who_is_cancelled_from_outside_stays_cancelled() -> None:
    queue = Queue(SECONDS)

    async def patient() -> None:
        with Patience(queue):
            await forever()

    early = asyncio.create_task(patient())
    await asyncio.sleep(0)
    early.cancel()
    with pytest.raises(asyncio.CancelledError):
        await early
    both = Patience(queue)

    async def cancelled_as_it_ends() -> None:
        with both:
            try:
                await forever()
            finally:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()  # by somebody else, before the block is left

    late = asyncio.create_task(cancelled_as_it_ends())
    with pytest.raises(asyncio.CancelledError):
        await late
    assert both.is_over


async def test_an_error_of_the_inside_goes_through() -> None:
    with pytest.raises(TimeoutError, match="of the inside") as caught, Patience(Queue(SECONDS)) as patience:
        raise TimeoutError("of the inside")
    assert not patience.is_over
    assert caught.value.__cause__ is None
