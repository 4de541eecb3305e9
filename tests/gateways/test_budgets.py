"""Budgets, by a real Redis and without one."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from domain.ids import new_id
from domain.sealing import Keys
from gateways import budgets
from gateways.budgets import Balance, Budgets, Overspent
from tests.waiting import until

KEYS = Keys("a key for tests alone, 32 characters or more")
LIMIT = 1000


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Some seconds into a minute of today: Redis forgets by its own clock."""
    return Clock(time.time() // 60 * 60 + 12.5)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        yield redis


@pytest.fixture
def process(redis: Redis, clock: Clock) -> Any:
    """Makes what each API process has."""
    return lambda redis=redis: Budgets(redis, KEYS, LIMIT, clock)


@pytest.fixture
def payer() -> str:
    return str(new_id())


def remaining(budgets: Budgets, payer: str) -> int:
    return budgets.charge(payer, 0).remaining


def test_what_is_taken_is_told(process: Any, payer: str) -> None:
    own = process()
    assert own.pay(payer, 300) == Balance(300, LIMIT, 700, 48)
    assert own.pay(payer, 700) == Balance(700, LIMIT, 0, 48)


def test_nobody_has_more_than_there_is_and_others_have_their_own(process: Any, payer: str) -> None:
    own = process()
    own.pay(payer, 600)
    for _ in range(3):
        with pytest.raises(Overspent) as caught:
            own.pay(payer, 401)
        assert caught.value.balance == Balance(401, LIMIT, 400, 48)  # which took nothing
    own.pay(payer, 400)
    with pytest.raises(Overspent):
        own.pay(payer, 1)
    assert own.pay("another", 1).remaining == LIMIT - 1


def test_what_was_given_is_taken_even_if_it_was_not_there(process: Any, payer: str) -> None:
    own = process()
    own.pay(payer, 900)
    assert own.affords(payer, 100)
    assert not own.affords(payer, 101)
    assert own.charge(payer, 300).remaining == 0
    assert not own.affords(payer, 1)


def test_each_minute_has_its_own(process: Any, payer: str, clock: Clock) -> None:
    own = process()
    own.pay(payer, LIMIT)
    clock.now += 47.4
    with pytest.raises(Overspent) as caught:
        own.pay(payer, 1)
    assert caught.value.balance.resets_in == 1
    clock.now += 0.2
    assert own.pay(payer, 1) == Balance(1, LIMIT, LIMIT - 1, 60)


def test_what_is_lent_is_given_back_but_not_in_another_minute(process: Any, payer: str, clock: Clock) -> None:
    own = process()
    loan, balance = own.lend(payer, 900)
    assert balance == Balance(900, LIMIT, 100, 48)
    with pytest.raises(Overspent):
        own.lend(payer, 101)
    own.give_back(loan)
    assert remaining(own, payer) == LIMIT
    loan, _ = own.lend(payer, 900)
    clock.now += 60
    own.pay(payer, 300)
    own.give_back(loan)
    assert remaining(own, payer) == LIMIT - 300


async def test_what_was_given_back_is_told(process: Any, payer: str) -> None:
    own, other = process(), process()
    loan, _ = own.lend(payer, 900)
    await own.tell()
    own.give_back(loan)
    await own.tell()
    other.pay(payer, 1)
    await other.tell()
    assert remaining(other, payer) == LIMIT - 1


async def test_processes_know_of_each_other_when_they_have_told(process: Any, payer: str) -> None:
    one, other = process(), process()
    one.pay(payer, 600)
    other.pay(payer, 300)
    assert await one.tell()
    assert await other.tell()
    with pytest.raises(Overspent):
        other.pay(payer, 101)
    one.pay(payer, 50)
    assert await one.tell()
    assert remaining(one, payer) == 50


async def test_what_is_spent_while_it_is_told_is_told_the_next_time(process: Any, payer: str) -> None:
    one, other = process(), process()
    one.pay(payer, 100)
    telling = asyncio.ensure_future(one.tell())
    await asyncio.sleep(0)  # on its way to Redis
    assert one.pay(payer, 200).remaining == 700
    assert await telling
    assert remaining(one, payer) == 700
    other.pay(payer, 1)
    await other.tell()
    assert remaining(other, payer) == 899
    await one.tell()
    assert remaining(one, payer) == 699


async def test_it_is_told_by_itself_within_a_moment(process: Any, payer: str) -> None:
    one, other = process(), process()
    async with one.told(), other.told():
        one.pay(payer, 600)
        other.pay(payer, 1)

        def heard() -> bool:
            return remaining(other, payer) <= LIMIT - 601

        await until(heard)


async def test_redis_keeps_no_address_and_forgets_soon(process: Any, redis: Redis) -> None:
    own, address = process(), "203.0.113.77"
    before = set(await redis.keys("budget:*"))
    own.pay(address, 5)
    await own.tell()
    (name,) = set(await redis.keys("budget:*")) - before
    assert address.encode() not in name
    assert 60 < await redis.ttl(name) <= 120
    own.pay(address, 5)
    await own.tell()
    assert await redis.get(name) == b"10"


async def test_while_redis_is_away_each_process_goes_on_by_itself(
    process: Any, payer: str, redis: Redis, clock: Clock
) -> None:
    other = process()
    away: Redis = Redis.from_url("redis://127.0.0.1:1")
    alone = Budgets(away, KEYS, LIMIT, clock)
    alone.pay(payer, 600)
    with capture_logs() as logs:
        assert not await alone.tell()
        assert not await alone.tell()
    assert [line["event"] for line in logs] == ["budgets.alone"]
    with pytest.raises(Overspent):
        alone.pay(payer, 401)
    other.pay(payer, 300)
    await other.tell()
    alone._tell = other._tell
    with capture_logs() as logs:
        assert await alone.tell()
    assert [line["event"] for line in logs] == ["budgets.together"]
    assert remaining(alone, payer) == 100


async def test_what_was_not_told_in_its_minute_is_told_to_nobody(process: Any, payer: str, clock: Clock) -> None:
    own = process(Redis.from_url("redis://127.0.0.1:1"))
    own.pay(payer, 600)
    assert not await own.tell()
    clock.now += 60
    assert own.pay(payer, 1).remaining == LIMIT - 1


async def test_a_process_remembers_so_many_and_redis_the_rest(
    process: Any, payer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "MOST_KEPT", 10)
    own = process()
    own.pay(payer, 600)
    await own.tell()
    for number in range(2000):
        own.pay(f"stranger {number}", 1)
    assert len(own) == 10
    own.pay(payer, 300)  # it is taken for new
    await own.tell()
    assert remaining(own, payer) == 100


async def test_while_redis_is_away_too_a_process_remembers_so_many(
    process: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "MOST_KEPT", 10)
    own = process(Redis.from_url("redis://127.0.0.1:1"))
    for _ in range(3):
        for _ in range(100):
            own.pay(str(new_id()), 1)
        assert not await own.tell()
        assert len(own._untold) <= 10


def test_without_a_limit_nothing_is_counted(redis: Redis, payer: str) -> None:
    own = Budgets(redis, KEYS, 0)
    assert own.pay(payer, 10**9) == own.charge(payer, 10**9) == Balance(10**9, 0, 0, 0)
    assert own.affords(payer, 10**9)
    assert len(own) == 0


def test_to_pay_is_cheap(redis: Redis) -> None:
    """Some 2 µs when measured; the slack is for slow machines."""
    own, payer = Budgets(redis, KEYS, 10**9), new_id()
    taken = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(1000):
            own.pay(payer, 5)
        taken.append(time.process_time() - began)
    assert min(taken) / 1000 < 10e-6
