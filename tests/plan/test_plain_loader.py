"""A loader: what is asked for in one turn is loaded at once, nothing twice, and nobody waits for what nobody loads."""

import asyncio
from collections.abc import Sequence

import pytest

from plan.loader import UNKNOWN, Loader


class Store:
    """Answers each key with its double, when `open` is set; notes what it was asked for, and who gave up."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.given_up = 0
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None
        self.loader = Loader[int, int](self.load)

    async def load(self, keys: list[int]) -> Sequence[int]:
        self.asked.append(list(keys))
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if self.error is not None:
            raise self.error
        return [key * 2 for key in keys]


@pytest.fixture
def store() -> Store:
    return Store()


async def turns(count: int = 3) -> None:
    """Lets the event loop come round."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_is_asked_for_in_one_turn_is_loaded_at_once(store):
    assert await asyncio.gather(*map(store.loader.load, [1, 2, 1])) == [2, 4, 2]
    assert store.asked == [[1, 2]]


async def test_what_is_known_is_there_at_once(store):
    assert store.loader.known(1) is UNKNOWN
    await store.loader.load(1)
    assert (store.loader.known(1), store.loader.get(1), store.loader.ask([1])) == (2, 2, [])
    assert store.asked == [[1]]


async def test_what_is_on_its_way_is_not_asked_for_again(store):
    store.open.clear()
    first = asyncio.gather(store.loader.load(1), store.loader.load(2))
    await turns()
    second = asyncio.gather(store.loader.load(2), store.loader.load(3))
    await turns()
    store.open.set()
    assert (await first, await second) == ([2, 4], [4, 6])
    assert store.asked == [[1, 2], [3]]


async def test_a_failure_is_raised_for_each_key_whenever_it_is_looked_at(store):
    store.error = RuntimeError("away")
    for future in store.loader.ask([1, 2]):
        await future
    store.error = None
    await store.loader.load(3)
    for key in (1, 2):
        with pytest.raises(RuntimeError, match="away"):
            store.loader.get(key)
    assert store.loader.sound([1, 2, 3, 3, 4]) == [6]
    assert store.asked == [[1, 2], [3]]


async def test_a_value_for_each_key_or_a_failure():
    async def load(keys: list[int]) -> list[int]:
        return keys[1:]

    loader = Loader[int, int](load)
    for loaded in await asyncio.gather(loader.load(1), loader.load(2), return_exceptions=True):
        assert isinstance(loaded, ValueError)


async def test_who_gives_up_leaves_the_others_their_values(store):
    store.open.clear()
    one, other = asyncio.ensure_future(store.loader.load(1)), asyncio.ensure_future(store.loader.load(1))
    await turns()
    one.cancel()
    await turns()
    store.open.set()
    assert await other == 2
    assert (one.cancelled(), store.given_up) == (True, 0)


async def test_what_all_have_given_up_is_given_up(store):
    store.open.clear()
    waiting = [asyncio.ensure_future(store.loader.load(key)) for key in (1, 2)]
    await turns()
    for task in waiting:
        task.cancel()
    await turns()
    assert store.given_up == 1
    store.open.set()
    assert await store.loader.load(1) == 2


async def test_who_asks_for_what_is_just_given_up_asks_anew(store):
    """It takes a turn until what is cut short has ended, and by then somebody else may ask."""
    store.open.clear()
    first = asyncio.ensure_future(store.loader.load(1))
    await turns()
    first.cancel()
    await asyncio.sleep(0)  # now it is being given up
    second = asyncio.ensure_future(store.loader.load(1))
    await turns()
    store.open.set()
    assert await second == 2
    assert (store.asked, store.given_up) == ([[1], [1]], 1)


async def test_what_all_have_given_up_before_it_began_is_not_begun(store):
    for future in store.loader.ask([1, 2]):
        future.cancel()
    await turns()
    assert store.asked == []
    assert await store.loader.load(2) == 4


async def test_who_waits_is_cancelled_with_the_load():
    async def load(keys: list[int]) -> list[int]:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Loader[int, int](load).load(1)
