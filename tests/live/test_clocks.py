"""The clock of Redis is set back: what it wrote before lies in the future then, and must silence no room."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from live import presence
from live.presence import Presence
from tests.live.conftest import RedisProcess
from tests.live.test_presence import ROOM, a_process, hearing, names, next_room, until_told
from tests.waiting import until

HOUR_MS = 3_600_000


pytestmark = pytest.mark.usefixtures("quick_presence")


@pytest.fixture
async def redis(mortal_redis: RedisProcess) -> AsyncIterator[Redis]:
    async with Redis.from_url(mortal_redis.url) as redis:
        yield redis


def before_ms() -> int:
    """A moment of before it was set back by an hour."""
    return round(time.time() * 1000) + HOUR_MS


def key(part: str) -> str:
    return f"presence:{ROOM}:{part}"


async def until_the_order_is(redis: Redis, here: Presence, order: int) -> None:
    """The room has been told so often, and the process knows it."""
    await redis.set(key("order"), order)
    assert (await here.look(ROOM))["order"] == order


async def test_a_state_is_the_later_also_where_all_is_forgotten_that_was_told(
    mortal_redis: RedisProcess, redis: Redis
) -> None:
    async with a_process(mortal_redis, "a") as here, hearing(mortal_redis) as told:
        with here.attending(ROOM, "ada"):
            await until_told(told, "ada")
            order = before_ms() * 1000
            await until_the_order_is(redis, here, order)
            await redis.flushall()
            assert (await next_room(told))["order"] > order


async def test_a_state_is_later_than_what_others_have_told_since_this_process_asked(
    mortal_redis: RedisProcess, redis: Redis
) -> None:
    async with a_process(mortal_redis, "a") as here, hearing(mortal_redis) as told:
        with here.watching(ROOM):
            await until_told(told)
            order = before_ms() * 1000
            await until_the_order_is(redis, here, order)
            await redis.flushall()
            unheard = order + round(presence.BEAT_SECONDS * 1_000_000)
            assert (await next_room(told))["order"] > unheard


async def test_a_redis_that_began_in_the_future_is_believed_after_a_while(
    mortal_redis: RedisProcess, redis: Redis
) -> None:
    await redis.set("presence:memory", before_ms())
    async with a_process(mortal_redis, "a") as here, hearing(mortal_redis) as told:
        with here.attending(ROOM, "ada"):
            assert names(await next_room(told)) == ["ada"]


@pytest.mark.parametrize("why", ["1", "torn"])
async def test_the_pause_after_what_was_told_ends(mortal_redis: RedisProcess, redis: Redis, why: str) -> None:
    async with a_process(mortal_redis, "a") as here, hearing(mortal_redis) as told:
        with here.attending(ROOM, "ada"):
            await until_told(told, "ada")
            await redis.set(key("told"), why, px=HOUR_MS)
            with here.attending(ROOM, "bob"):
                await until_told(told, "ada", "bob")


async def test_what_is_said_counts_also_where_something_was_said_in_the_future(
    mortal_redis: RedisProcess, redis: Redis
) -> None:
    async with a_process(mortal_redis, "a") as here:
        with here.attending(ROOM, "ada"):
            here.say(ROOM, "ada", "earlier")
            assert (await here.look(ROOM))["people"] == [["ada", "earlier"]]
            await redis.hset(key("says"), "ada", f'{before_ms()} "earlier"')
            here.say(ROOM, "ada", "later")
            assert (await here.look(ROOM))["people"] == [["ada", "later"]]


async def test_who_vanished_before_is_gone_as_soon_as_otherwise(mortal_redis: RedisProcess, redis: Redis) -> None:
    async with a_process(mortal_redis, "a") as here:
        lost = Presence(redis, "b")
        with here.watching(ROOM), lost.attending(ROOM, "bob"):
            await lost._exchange_all([ROOM])  # once, and never again
            await redis.hset(key("here"), "b bob", before_ms())
            began = asyncio.get_running_loop().time()
            await until(lambda: is_empty(here))
            took = asyncio.get_running_loop().time() - began
            assert took < presence.LASTS_SECONDS + presence.BEAT_SECONDS + 1


async def is_empty(here: Presence) -> Any:
    return not names(await here.look(ROOM))
