"""Who is in a room: two processes' worth of it on a real Redis, which is flushed and killed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from live import presence
from live.hub import Hub
from live.listener import Listener
from live.message import Gap
from live.presence import OFTEN_SECONDS, Presence
from tests.live.conftest import RedisProcess
from tests.waiting import until

ROOM = "presence:1"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, a quarter as long."""
    for name in ("LASTS_SECONDS", "BEAT_SECONDS", "GRACE_SECONDS", "AWAY_SECONDS"):
        monkeypatch.setattr(presence, name, getattr(presence, name) / 4)


@asynccontextmanager
async def a_process(redis: RedisProcess, name: str) -> AsyncIterator[Presence]:
    async with Redis.from_url(redis.url) as client:
        there = Presence(client, name)
        async with there.kept():
            yield there


@asynccontextmanager
async def hearing(redis: RedisProcess) -> AsyncIterator[Listener]:
    async def newest() -> int:
        return 0

    hub = Hub(redis.url)
    await hub.start(newest)
    async with hub.listen([ROOM]) as told:
        yield told
    await hub.stop()


async def next_room(told: Listener) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while isinstance(message := await anext(told), Gap):
            pass
    body: dict[str, Any] = message.body
    return body


def names(room: Any) -> list[str]:
    assert room["count"] == len(room["people"])
    return [member for member, _ in room["people"]]


async def rooms_until(told: Listener, people: Any) -> int:
    """How many were told until these people were."""
    heard = 1
    while (await next_room(told))["people"] != people:
        heard += 1
    return heard


async def until_told(told: Listener, *members: str) -> dict[str, Any]:
    while names(room := await next_room(told)) != list(members):
        pass
    return room


async def test_who_comes_and_leaves_is_told_to_all_processes(mortal_redis: RedisProcess) -> None:
    async with (
        a_process(mortal_redis, "a") as here,
        a_process(mortal_redis, "b") as there,
        hearing(mortal_redis) as told,
    ):
        with here.attending(ROOM, "ada"):
            await until_told(told, "ada")
            with there.attending(ROOM, "bob"):
                await until_told(told, "ada", "bob")
                assert names(await here.look(ROOM)) == names(await there.look(ROOM)) == ["ada", "bob"]
            assert names(await next_room(told)) == ["ada"]
        assert names(await next_room(told)) == []
        await until(lambda: len(here) == len(there) == 0)


async def test_who_comes_at_once_is_told_in_the_order_in_which_they_came(mortal_redis: RedisProcess) -> None:
    async with a_process(mortal_redis, "a") as here:
        with here.attending(ROOM, "cleo"), here.attending(ROOM, "ada"), here.attending(ROOM, "bob"):
            assert names(await here.look(ROOM)) == ["cleo", "ada", "bob"]


async def test_somebody_in_two_places_is_one_until_they_have_left_both(mortal_redis: RedisProcess) -> None:
    async with a_process(mortal_redis, "a") as here, a_process(mortal_redis, "b") as there:
        with here.attending(ROOM, "ada"):
            with here.attending(ROOM, "ada"), there.attending(ROOM, "ada"):
                assert names(await here.look(ROOM)) == ["ada"]
            assert names(await there.look(ROOM)) == ["ada"]
        await until(lambda: is_empty(there))


async def is_empty(there: Presence) -> bool:
    return names(await there.look(ROOM)) == []


async def test_what_was_said_earlier_never_replaces_what_was_said_later(
    mortal_redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        a_process(mortal_redis, "a") as here,
        Redis.from_url(mortal_redis.url) as client,
    ):
        with here.attending(ROOM, "ada"):
            late = Presence(client, "b")
            with monkeypatch.context() as earlier:
                earlier.setattr(presence, "_now", lambda: asyncio.get_running_loop().time() - 5)
                late.say(ROOM, "ada", "earlier")
            here.say(ROOM, "ada", "later")
            assert (await here.look(ROOM))["people"] == [["ada", "later"]]
            await late._exchange_all([ROOM])
            assert (await here.look(ROOM))["people"] == [["ada", "later"]]


async def test_what_is_said_is_told_seldom_and_the_last_of_it(mortal_redis: RedisProcess) -> None:
    async with (
        a_process(mortal_redis, "a") as here,
        a_process(mortal_redis, "b") as there,
        hearing(mortal_redis) as told,
    ):
        with here.attending(ROOM, "ada"):
            await until_told(told, "ada")
            began, last = time.monotonic(), [["ada", {"ms": 199}]]
            hearing_all = asyncio.create_task(rooms_until(told, last))
            for number in range(200):  # a hundred a second, of which each process is told half
                (here, there)[number % 2].say(ROOM, "ada", {"ms": number})
                await asyncio.sleep(0.01)
            heard = await hearing_all
            assert 2 < heard < (time.monotonic() - began) / OFTEN_SECONDS + 2
            there.say(ROOM, "nobody", {"ms": 1})
            assert names(await there.look(ROOM)) == ["ada"]


async def test_a_crowd_is_told_by_the_first_hundred_and_less_often(mortal_redis: RedisProcess) -> None:
    async with a_process(mortal_redis, "a") as here, hearing(mortal_redis) as told, AsyncExitStack() as stack:
        crowd = [f"{number:03}" for number in range(500)]
        for member in crowd:
            stack.enter_context(here.attending(ROOM, member))
        while (room := await next_room(told))["count"] < 500:
            pass
        assert [member for member, _ in room["people"]] == crowd[:100]
        assert here.say(ROOM, "007", "here") == presence.SELDOM_SECONDS


async def test_who_vanishes_with_their_process_is_gone_when_nobody_renews_them(mortal_redis: RedisProcess) -> None:
    async with a_process(mortal_redis, "a") as here, hearing(mortal_redis) as told:
        with here.attending(ROOM, "ada"):
            await until_told(told, "ada")
            lost = Presence(Redis.from_url(mortal_redis.url), "b")
            with lost.attending(ROOM, "bob"):
                await lost._exchange_all([ROOM])  # once, and never again
                await until_told(told, "ada", "bob")
                began = time.monotonic()
                assert names(await next_room(told)) == ["ada"]
                assert time.monotonic() - began < presence.LASTS_SECONDS + presence.BEAT_SECONDS + 1
            await lost._redis.aclose()


async def test_a_flush_is_told_to_nobody(mortal_redis: RedisProcess) -> None:
    async with (
        a_process(mortal_redis, "a") as here,
        a_process(mortal_redis, "b") as there,
        hearing(mortal_redis) as told,
    ):
        with here.attending(ROOM, "ada"):
            await until_told(told, "ada")
            with there.attending(ROOM, "bob"):
                there.say(ROOM, "bob", {"ms": 5})
                while (await next_room(told))["people"][-1] != ["bob", {"ms": 5}]:
                    pass
                async with Redis.from_url(mortal_redis.url) as redis:
                    await redis.flushall()
                room = await next_room(told)
                assert sorted(names(room)) == ["ada", "bob"]
                assert ["bob", {"ms": 5}] in room["people"]


async def test_while_redis_is_away_each_process_knows_its_own_and_all_is_told_when_it_is_back(
    mortal_redis: RedisProcess,
) -> None:
    async with (
        a_process(mortal_redis, "a") as here,
        a_process(mortal_redis, "b") as there,
        hearing(mortal_redis) as told,
    ):
        with here.attending(ROOM, "ada"), there.attending(ROOM, "bob"):
            while (await next_room(told))["count"] < 2:
                pass
            mortal_redis.kill()
            assert names(await here.look(ROOM)) == ["ada"]
            assert names(await there.look(ROOM)) == ["bob"]
            await until(lambda: here.say(ROOM, "ada", {"ms": 9}) is None)
            mortal_redis.start()
            room = await next_room(told)
            assert sorted(names(room)) == ["ada", "bob"]
            assert ["ada", {"ms": 9}] in room["people"]
            await until(lambda: here.say(ROOM, "ada", {"ms": 10}) is not None)


async def test_a_process_that_speaks_of_its_people_does_not_lose_them_by_that(
    mortal_redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "BEAT_SECONDS", 3600)
    async with (
        a_process(mortal_redis, "a") as here,
        hearing(mortal_redis) as told,
        Redis.from_url(mortal_redis.url) as redis,
    ):
        with here.attending(ROOM, "ada"), here.attending(ROOM, "bob"):
            await until_told(told, "ada", "bob")
            await redis.hset(f"presence:{ROOM}:here", mapping={"a ada": 1, "a bob": 1})  # as where the machine slept
            here.say(ROOM, "bob", {"ms": 5})
            assert names(await here.look(ROOM)) == ["ada", "bob"]
            room = await next_room(told)
            assert room["people"] == [["ada", None], ["bob", {"ms": 5}]]
        assert names(await next_room(told)) == []


class Clock:
    """Time that passes where the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        monkeypatch.setattr(presence, "_now", lambda: self.seconds)


async def test_what_is_said_while_redis_does_not_answer_does_not_put_off_that_all_are_there(
    mortal_redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    async with Redis.from_url(mortal_redis.url) as redis:
        here = Presence(redis, "a")
        with here.attending(ROOM, "ada"):
            await here._exchange_all([ROOM])
            answers, kept = here._answers, []

            async def unanswered(exchanges: list[Any]) -> None:
                kept.extend(exchanges)

            monkeypatch.setattr(here, "_answers", unanswered)
            for ms in range(20):
                clock.seconds += OFTEN_SECONDS / 2
                here.say(ROOM, "ada", {"ms": ms})
                await here._exchange_all([ROOM])
            beats = [each for each in kept if each.is_beat]
            assert len(beats) > 20 * OFTEN_SECONDS / 2 / presence.LASTS_SECONDS
            assert all(each.here == ["ada"] for each in beats)
            monkeypatch.setattr(here, "_answers", answers)
        await here._exchange_all([ROOM])


async def test_while_redis_is_away_it_is_not_asked_by_whatever_is_said(
    mortal_redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "AWAY_SECONDS", 4 * OFTEN_SECONDS)
    clock = Clock(monkeypatch)
    async with Redis.from_url(mortal_redis.url) as redis:
        here = Presence(redis, "a")
        with here.attending(ROOM, "ada"):
            await here._exchange_all([ROOM])
            mortal_redis.kill()
            await here._exchange_all([ROOM])
            clock.seconds += 2 * OFTEN_SECONDS
            assert here.say(ROOM, "ada", {"ms": 1}) is None
            assert here._rooms[ROOM].due_at > clock.seconds


async def test_who_is_back_before_it_is_known_whether_redis_took_them_away_is_there_at_once(
    mortal_redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Redis.from_url(mortal_redis.url) as redis:
        here = Presence(redis, "a")
        answers = here._answers

        async def unheard(exchanges: list[Any]) -> None:
            await answers(exchanges)

        with here.attending(ROOM, "ada"):
            await here._exchange_all([ROOM])
        monkeypatch.setattr(here, "_answers", unheard)
        await here._exchange_all([ROOM])
        monkeypatch.setattr(here, "_answers", answers)
        with here.attending(ROOM, "ada"):
            await here._exchange_all([ROOM])
            assert await redis.zrange(f"presence:{ROOM}:people", 0, -1) == [b"ada"]
            assert await redis.pttl(f"presence:{ROOM}:told") <= OFTEN_SECONDS * 1000
        await here._exchange_all([ROOM])


async def test_an_answer_that_is_late_once_hides_nobody(
    mortal_redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_process(mortal_redis, "a") as here, a_process(mortal_redis, "b") as there:
        with here.attending(ROOM, "ada"), there.attending(ROOM, "bob"):
            await until(lambda: are_both_there(here))
            sent, late = there._sent, asyncio.Event()

            async def too_busy_once(exchanges: Any) -> Any:
                if not late.is_set():
                    late.set()
                    await asyncio.Event().wait()
                return await sent(exchanges)

            monkeypatch.setattr(presence, "ANSWER_SECONDS", 0.1)
            monkeypatch.setattr(there, "_sent", too_busy_once)
            assert sorted(names(await there.look(ROOM))) == ["ada", "bob"]
            assert late.is_set()


async def are_both_there(presence: Presence) -> bool:
    return sorted(names(await presence.look(ROOM))) == ["ada", "bob"]


async def test_of_what_is_told_and_what_is_looked_up_it_is_known_which_is_the_later(
    mortal_redis: RedisProcess,
) -> None:
    async with a_process(mortal_redis, "a") as here, hearing(mortal_redis) as told:
        with here.attending(ROOM, "ada"):
            first = await until_told(told, "ada")
            with here.attending(ROOM, "bob"):
                second = await here.look(ROOM)
                assert second["order"] > first["order"]
                assert (await until_told(told, "ada", "bob"))["order"] == second["order"]
                assert (await here.look(ROOM))["order"] == second["order"]


async def test_a_room_that_redis_has_forgotten_is_no_earlier_one(mortal_redis: RedisProcess) -> None:
    async with (
        a_process(mortal_redis, "a") as here,
        hearing(mortal_redis) as told,
        Redis.from_url(mortal_redis.url) as redis,
    ):
        with here.attending(ROOM, "ada"):
            first = await until_told(told, "ada")
        await until_told(told)
        await redis.delete(*[key for key in presence._keys(ROOM) if ROOM in key])  # as where nobody has come for long
        assert (await here.look(ROOM))["order"] > first["order"]


async def test_a_room_is_not_known_while_redis_has_just_begun_and_is_told_to_who_looked_on(
    mortal_redis: RedisProcess,
) -> None:
    async with a_process(mortal_redis, "a") as here, hearing(mortal_redis) as told:
        assert await here.look(ROOM) == {"count": 0, "people": [], "order": 0}
        assert (await next_room(told))["order"] > 0
        assert (await here.look(ROOM))["order"] > 0


async def test_a_room_is_not_known_to_who_has_lost_their_entries_in_it(
    mortal_redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "BEAT_SECONDS", 3600)
    async with (
        a_process(mortal_redis, "a") as here,
        hearing(mortal_redis) as told,
        Redis.from_url(mortal_redis.url) as redis,
    ):
        with here.attending(ROOM, "ada"):
            await until_told(told, "ada")
            await redis.hset(f"presence:{ROOM}:here", "a ada", 1)
            assert (await here.look(ROOM))["order"] == 0
            await until_told(told, "ada")


async def test_who_has_no_room_notices_by_what_is_said_that_redis_is_back(mortal_redis: RedisProcess) -> None:
    async with a_process(mortal_redis, "a") as here:
        mortal_redis.kill()
        await until(lambda: here.say(ROOM, "ada", {"ms": 1}) is None)
        await until(lambda: len(here) == 0)
        mortal_redis.start()
        await until(lambda: here.say(ROOM, "ada", {"ms": 2}) is not None)


async def test_a_process_that_ends_takes_its_people_along_at_once(mortal_redis: RedisProcess) -> None:
    async with a_process(mortal_redis, "a") as here, AsyncExitStack() as stack:
        there = await stack.enter_async_context(a_process(mortal_redis, "b"))
        stack.enter_context(there.attending(ROOM, "bob"))
        assert names(await there.look(ROOM)) == ["bob"]
        await stack.aclose()
        assert names(await here.look(ROOM)) == []
