"""Who looks into a room and is not in it: nobody else may be there to ask Redis who still is."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from live.presence import Presence
from tests.live.conftest import RedisProcess
from tests.live.test_presence import ROOM, a_process, hearing, until_told
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("quick_presence")


@pytest.fixture
async def redis(mortal_redis: RedisProcess) -> AsyncIterator[Redis]:
    async with Redis.from_url(mortal_redis.url) as redis:
        yield redis


async def test_they_hear_of_the_last_who_vanish_with_their_process(mortal_redis: RedisProcess, redis: Redis) -> None:
    async with a_process(mortal_redis, "a") as here, hearing(mortal_redis) as told:
        lost = Presence(redis, "b")
        with here.watching(ROOM), lost.attending(ROOM, "bob"):
            await lost._exchange_all([ROOM])  # once, and never again
            await until_told(told, "bob")
            await until_told(told)
        await until(lambda: len(here) == 0)


async def test_they_are_told_the_room_after_a_flush_of_which_nobody_who_was_there_says_anything(redis: Redis) -> None:
    here = Presence(redis, "a")
    with here.watching(ROOM):
        await here._exchange_all([ROOM])
        assert await redis.exists(f"presence:{ROOM}:owed")


@pytest.mark.parametrize(("was_cut_off", "told"), [(True, b"torn"), (False, b"1")])
async def test_who_was_cut_off_waits_for_others_who_may_have_been_before_these_are_told_to_be_gone(
    redis: Redis, was_cut_off: bool, told: bytes
) -> None:
    here = Presence(redis, "a")
    with here.watching(ROOM):
        await redis.set("presence:memory", 1)  # it has kept what it knew while it was away
        await redis.hset(f"presence:{ROOM}:here", "b bob", 1)
        await redis.zadd(f"presence:{ROOM}:people", {"bob": 1})
        here._rooms[ROOM].retell = was_cut_off
        await here._exchange_all([ROOM])
        assert await redis.get(f"presence:{ROOM}:told") == told
        assert await redis.exists(f"presence:{ROOM}:owed") == was_cut_off


async def test_who_looked_on_while_redis_was_away_is_owed_the_room(mortal_redis: RedisProcess) -> None:
    async with Redis.from_url(mortal_redis.url) as redis:
        here = Presence(redis, "a")
        here._is_kept = True
        mortal_redis.kill()
        looking = asyncio.ensure_future(here.look(ROOM))
        await asyncio.sleep(0)
        await here._exchange_all([ROOM])
        assert (await looking)["order"] == 0
        mortal_redis.start()
        await here._exchange_all([ROOM])
        assert await redis.exists(f"presence:{ROOM}:owed")
