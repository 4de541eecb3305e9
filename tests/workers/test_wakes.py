"""The client of the queues, with a Redis that says nothing."""

import asyncio
import socket
from contextlib import suppress
from types import SimpleNamespace

import pytest

from live.message import Message, channel
from live.publish import publish
from workers import lease, wakes
from workers.wakes import open_queues


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakes, "ANSWER_SECONDS", 0.1)


async def test_a_redis_that_never_answers_is_an_outage(impatient: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        redis = open_queues(f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
        async with asyncio.timeout(5):
            with pytest.raises(TimeoutError):
                await redis.ping()
        await redis.aclose()


async def test_silence_on_a_jobs_topic_is_none(impatient: None, redis_server) -> None:
    redis, nudge = open_queues(redis_server.url()), asyncio.Event()
    work = SimpleNamespace(means=SimpleNamespace(redis=redis), job=SimpleNamespace(id="quiet"))
    hearing = asyncio.create_task(lease._hear(work, nudge))
    async with asyncio.timeout(5):
        await nudge.wait()  # the confirmation
        nudge.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await nudge.wait()
        assert not hearing.done()
        await publish(redis, ["job:quiet"], Message({}, 1, "e"))
        await nudge.wait()
    assert (await redis.pubsub_numsub(channel("job:quiet")))[0][1] == 1
    hearing.cancel()
    await asyncio.wait({hearing})
    await redis.aclose()


async def test_a_publisher_that_is_cancelled_ends(redis_server) -> None:
    """redis-py's own timeout for sockets would swallow some of these cancellations."""
    redis = open_queues(redis_server.url())

    async def chatter() -> None:
        while True:
            await redis.publish("anything", "x")

    for pauses in range(200):
        task = asyncio.create_task(chatter())
        for _ in range(pauses % 20 + 1):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=2)
        assert done
    await redis.aclose()
