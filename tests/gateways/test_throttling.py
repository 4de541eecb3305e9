"""Counting tries, by a real Redis and without one."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from domain.errors import Throttled
from domain.ids import new_id
from domain.sealing import Keys
from domain.throttling import HOUR, MINUTE, Policy
from gateways import throttling
from gateways.throttling import LimitsThrottle, Metered
from local.redis import EmbeddedRedis
from tests import services
from tests.waiting import until

KEYS = Keys("a key for tests alone, 32 characters or more")
POLICY = Policy("tries", ((5, MINUTE), (8, HOUR)))
OTHER = Policy("others", ((3, MINUTE),))
BY_NETWORK = Policy("network", ((2, MINUTE),), by_network=True)


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """One of these tests' own: they empty it."""
    folder = Path(tempfile.mkdtemp(dir=services.where()["folder"]))
    with EmbeddedRedis(folder, lasting=False) as server:
        yield server.url()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        await redis.flushall()
        yield redis


@pytest.fixture
async def throttle(redis: Redis, redis_url: str) -> AsyncIterator[LimitsThrottle]:
    throttle = LimitsThrottle(redis_url, KEYS)
    yield throttle
    await throttle.close()


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """The address of a Redis that takes every line and answers nothing."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"


@pytest.fixture(params=["together", "alone"])
def counting(request: pytest.FixtureRequest, throttle: LimitsThrottle) -> LimitsThrottle:
    """Both ways of counting: the rules are the same."""
    return throttle if request.param == "together" else LimitsThrottle("redis://127.0.0.1:1/0", KEYS)


async def passed(throttle: LimitsThrottle, times: int, policy: Policy = POLICY, key: str = "ada") -> int:
    answers = await asyncio.gather(*(throttle.hit(policy, key) for _ in range(times)), return_exceptions=True)
    assert all(isinstance(answer, Throttled | None) for answer in answers), answers
    return answers.count(None)


async def test_of_tries_at_once_no_more_pass_than_in_turn(counting: LimitsThrottle) -> None:
    assert await passed(counting, 50) == 5
    assert await passed(counting, 5, key="grace") == 5


async def test_every_process_counts_with_the_others(throttle: LimitsThrottle, redis_url: str) -> None:
    second = LimitsThrottle(redis_url, KEYS)
    answers = await asyncio.gather(*(passed(each, 20) for each in (throttle, second)))
    assert sum(answers) == 5
    await second.close()


async def test_who_is_refused_says_when_and_does_not_wait_longer_for_asking_again(counting: LimitsThrottle) -> None:
    await passed(counting, 5)
    for _ in range(20):
        with pytest.raises(Throttled) as refused:
            await counting.hit(POLICY, "ada")
        assert 0 < refused.value.params["retry_after_seconds"] <= MINUTE
    standings = {standing.seconds: standing for standing in refused.value.standings}
    assert (standings[MINUTE].remaining, standings[HOUR].remaining) == (0, 3)


async def test_whoever_goes_on_waits_for_longer(throttle: LimitsThrottle, redis: Redis) -> None:
    assert await passed(throttle, 6) == 5
    (minute,) = [key async for key in redis.scan_iter() if key.endswith(f"/5/{MINUTE}/second")]
    await redis.pexpire(minute, 1)
    await until(lambda: _gone(redis, minute))
    assert await passed(throttle, 6) == 3
    with pytest.raises(Throttled) as refused:
        await throttle.hit(POLICY, "ada")
    assert refused.value.params["retry_after_seconds"] > HOUR - MINUTE


async def _gone(redis: Redis, key: str) -> bool:
    return not await redis.exists(key)


async def test_what_one_policy_refuses_counts_for_none(counting: LimitsThrottle) -> None:
    await passed(counting, 3, OTHER, "there")
    for _ in range(20):
        with pytest.raises(Throttled):
            await counting.hit_all([(POLICY, "ada"), (OTHER, "there")])
    assert await passed(counting, 10) == 5


async def test_a_try_that_was_none_is_given_back_and_no_other(counting: LimitsThrottle) -> None:
    await passed(counting, 4)
    await counting.hit(POLICY, "ada")
    await counting.forgive(POLICY, "ada")
    assert await passed(counting, 10) == 1
    for _ in range(3):
        await counting.forgive(OTHER, "nobody")
    assert await passed(counting, 10, OTHER, "nobody") == 3, "nothing is given on credit"


async def test_what_is_given_back_moves_no_window(throttle: LimitsThrottle, redis: Redis) -> None:
    await passed(throttle, 2)
    keys = [key async for key in redis.scan_iter()]
    for key in keys:
        await redis.expire(key, 7)
    await throttle.forgive(POLICY, "ada")
    assert {await redis.ttl(key) for key in keys} <= {6, 7}


async def test_all_windows_are_one_trip(throttle: LimitsThrottle, redis: Redis) -> None:
    await throttle.hit(OTHER, "to load the script")
    before = await _trips(redis)
    await throttle.hit_all([(POLICY, "ada"), (OTHER, "there"), (BY_NETWORK, "192.0.2.7")])
    assert await _trips(redis) == before + 1


async def _trips(redis: Redis) -> int:
    return (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]


async def test_redis_is_told_no_address(throttle: LimitsThrottle, redis: Redis) -> None:
    await throttle.hit_all([(POLICY, "ada@example.com"), (BY_NETWORK, "192.0.2.7")])
    keys = [key async for key in redis.scan_iter()]
    assert len(keys) == 3
    assert not [key for key in keys if "ada" in key or "192" in key]
    stranger = LimitsThrottle("redis://127.0.0.1:1/0", Keys("another key, which makes other hashes of all"))
    assert not {name.partition("/")[2] for _, _, name in stranger._windows([(POLICY, "ada@example.com")])} & {
        key.partition("/")[2] for key in keys
    }


async def test_everything_in_redis_ends_by_itself(throttle: LimitsThrottle, redis: Redis) -> None:
    await throttle.hit_all([(POLICY, "ada"), (OTHER, "ada")])
    assert all([await redis.ttl(key) > 0 async for key in redis.scan_iter()])


async def test_addresses_of_one_line_are_one(counting: LimitsThrottle) -> None:
    for host in ("1", "2"):
        await counting.hit(BY_NETWORK, f"2001:db8::{host}")
    with pytest.raises(Throttled):
        await counting.hit(BY_NETWORK, "2001:db8::3")
    await counting.hit(BY_NETWORK, "2001:db8:0:1::3")


async def test_while_redis_is_silent_one_try_waits_a_little_and_the_others_do_not(silent: str) -> None:
    throttle = LimitsThrottle(silent, KEYS)
    with capture_logs() as logs:
        began = time.monotonic()
        assert await passed(throttle, 10) == 5
        first = time.monotonic() - began
        began = time.monotonic()
        for _ in range(100):
            with pytest.raises(Throttled):
                await throttle.hit(POLICY, "ada")
            await throttle.forgive(OTHER, "ada")
        rest = time.monotonic() - began
    assert first < throttling.ANSWER_SECONDS + 1
    assert rest < throttling.ANSWER_SECONDS + 1, "200 times a deadline would be 50 s"
    assert [entry["event"] for entry in logs] == ["throttle.alone"]
    await throttle.close()


async def test_redis_is_asked_again_after_a_while(
    throttle: LimitsThrottle, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "AWAY_SECONDS", 0)
    gone = LimitsThrottle("redis://127.0.0.1:1/0", KEYS)
    with capture_logs() as logs:
        for _ in range(3):
            await gone.hit(POLICY, "ada")
        gone._shared = throttle._shared  # it is back
        for _ in range(3):
            await gone.hit(POLICY, "ada")
    assert [entry["event"] for entry in logs] == ["throttle.alone", "throttle.together"]
    assert await passed(throttle, 10) == 2, "three are known to all processes"


async def test_a_meter_shows_how_each_window_stands(throttle: LimitsThrottle) -> None:
    metered = Metered(throttle)
    key = str(new_id())
    for _ in range(3):
        await metered.hit(POLICY, key)
    await metered.forgive(POLICY, key)
    assert {name: standing.remaining for name, standing in metered.standings.items()} == {
        "tries-60": 3,
        "tries-3600": 6,
    }
    assert metered.retry_after is None
    await passed(throttle, 3, key=key)
    with pytest.raises(Throttled) as refused:
        await metered.hit(POLICY, key)
    assert metered.standings["tries-60"].remaining == 0
    assert metered.retry_after == refused.value.params["retry_after_seconds"]
    await metered.hit(OTHER, key)
    assert metered.retry_after is None, "what was refused before is not why this was answered"


async def test_a_process_remembers_no_try_that_was_forgiven() -> None:
    alone = LimitsThrottle("redis://127.0.0.1:1/0", KEYS)
    await alone.hit(POLICY, "ada")
    await alone.forgive(POLICY, "ada")
    assert len(alone._own) == 0


async def test_a_process_remembers_so_many_and_forgets_first_what_ends_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "AT_MOST", 10)
    alone = LimitsThrottle("redis://127.0.0.1:1/0", KEYS)
    assert await passed(alone, 9) == 5
    for number in range(9):
        await alone.hit(OTHER, str(number))
    assert await passed(alone, 1) == 0
    for number in range(100):
        await alone.hit(OTHER, f"more {number}")
        assert len(alone._own) <= 11
    assert await passed(alone, 9) == 3, "of an hour's eight, which others do not push out"
    assert await passed(alone, 9, OTHER, "more 99") == 2


async def test_what_is_over_goes_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits until all is looked through, however much there is of it."""
    alone, short = LimitsThrottle("redis://127.0.0.1:1/0", KEYS), Policy("short", ((5, 1),))
    for number in range(100):
        await alone.hit(short, str(number))
    await until(lambda: not any(alone._own._counted(each)[0] for each in alone._windows([(short, "99")])))
    left = []
    for number in range(40):
        await alone.hit(short, f"later {number}")
        left.append(len(alone._own))
    assert left[0] == 100 + 1 - throttling.FORGOTTEN_AT_ONCE
    assert left[-1] == 40
    assert max(before - after for before, after in pairwise(left)) < throttling.FORGOTTEN_AT_ONCE


async def test_when_redis_goes_away_nobody_begins_at_nought(throttle: LimitsThrottle) -> None:
    assert await passed(throttle, 4) == 4
    throttle._away_until = time.monotonic() + MINUTE
    assert await passed(throttle, 4) == 1


async def test_of_answers_in_any_order_the_most_has_counted(throttle: LimitsThrottle) -> None:
    windows = throttle._windows([(POLICY, "ada")])
    for count in (2, 4, 3):
        throttle._own.note(windows, [(count, MINUTE), (count, HOUR)])
    throttle._away_until = time.monotonic() + MINUTE
    assert await passed(throttle, 4) == 1


async def test_while_redis_is_there_one_try_each_of_many_fills_no_memory(throttle: LimitsThrottle) -> None:
    for number in range(20):
        await throttle.hit(POLICY, str(number))
    assert len(throttle._own) == 0
    await throttle.hit(POLICY, "0")
    assert len(throttle._own) == 2
    await throttle.forgive(POLICY, "0")
    await throttle.forgive(POLICY, "0")
    assert len(throttle._own) == 0
