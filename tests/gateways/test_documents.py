"""Documents by their hashes, in a real Redis and without one."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from domain.ids import new_id
from gateways import documents
from gateways.documents import KEPT_SECONDS, SharedDocuments


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        await redis.delete("documents")
        yield redis


async def test_what_one_process_keeps_another_finds(redis: Redis) -> None:
    one, other, hashed = SharedDocuments(redis), SharedDocuments(redis), new_id().hex
    assert await other.find(hashed) is None
    await one.keep(hashed, "{ tëxt \ud800 }")
    assert await other.find(hashed) == "{ tëxt \ud800 }"


async def test_each_use_makes_it_stay(redis: Redis) -> None:
    shared, hashed = SharedDocuments(redis), new_id().hex
    await shared.keep(hashed, "{ a }")
    assert KEPT_SECONDS - 60 < await redis.ttl(f"document:{hashed}") <= KEPT_SECONDS
    await redis.expire(f"document:{hashed}", 9)
    await shared.find(hashed)
    assert await redis.ttl(f"document:{hashed}") > KEPT_SECONDS - 60


async def test_there_are_so_many_and_the_oldest_go(redis: Redis) -> None:
    shared, hashes = SharedDocuments(redis, most=5), [new_id().hex for _ in range(12)]
    for hashed in hashes:
        await shared.keep(hashed, "{ a }")
    assert [await shared.find(hashed) for hashed in hashes] == [None] * 7 + ["{ a }"] * 5
    assert await redis.zcard("documents") == 5


async def test_without_redis_there_are_none_which_is_said_once(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "AWAY_SECONDS", 0)
    shared = SharedDocuments(Redis.from_url("redis://127.0.0.1:1"))
    with capture_logs() as logs:
        await shared.keep("hash", "{ a }")
        assert await shared.find("hash") is None
    assert [line["event"] for line in logs] == ["documents.alone"]
    shared._redis = redis  # it is there again
    with capture_logs() as logs:
        assert await shared.find("hash") is None
    assert [line["event"] for line in logs] == ["documents.together"]
