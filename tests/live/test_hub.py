"""The hub over a real Redis, one that dies included."""

import asyncio
import socket
from contextlib import asynccontextmanager
from uuid import uuid4

import hiredis
import pytest
from redis.asyncio import Redis

from live import link
from live.feed import feed
from live.hub import Hub
from live.message import POSITION_CHANNEL, Gap, Message, channel
from live.publish import publish, publish_batch
from tests.waiting import until

PATIENCE = 5


async def zero():
    return 0


@asynccontextmanager
async def running(url, newest=zero, **options):
    hub = Hub(url, **options)
    await hub.start(newest)
    try:
        yield hub
    finally:
        await hub.stop()


@pytest.fixture
async def hub(redis_process):
    async with running(redis_process.url) as hub:
        yield hub


@pytest.fixture
def topic():
    return f"room:{uuid4()}"


async def soon(listener):
    async with asyncio.timeout(PATIENCE):
        return await anext(listener)


async def subscribers(redis, topic):
    return (await redis.pubsub_numsub(channel(topic)))[0][1]


async def test_messages_arrive_whole(hub, redis, topic):
    sent = [Message({"é": [1, None]}, 7, "id-7"), Message("progress")]
    async with hub.listen([topic]) as listener:
        for message in sent:
            await publish(redis, [topic], message)
        assert [await soon(listener), await soon(listener)] == sent


async def test_listening_means_subscribed(hub, redis, topic):
    for number in range(50):
        async with hub.listen([f"{topic}{number}"]) as listener:
            await publish(redis, [f"{topic}{number}"], Message(number))
            assert await soon(listener) == Message(number)


async def test_one_subscription_for_all_listeners(hub, redis, topic):
    async with hub.listen([topic]) as first:
        async with hub.listen([topic, topic + "b"]) as second:
            assert await subscribers(redis, topic) == 1
            await publish(redis, [topic], Message(1))
            assert await soon(first) == await soon(second) == Message(1)
        await publish(redis, [topic], Message(2))
        assert await soon(first) == Message(2)
    async with asyncio.timeout(PATIENCE):
        while await subscribers(redis, topic):
            pass
        assert await subscribers(redis, topic + "b") == 0


async def test_leaving_and_coming_back_at_once_loses_nothing(hub, redis, topic):
    for number in range(100):
        async with hub.listen([topic]):
            pass
        async with hub.listen([topic]) as listener:
            await publish(redis, [topic], Message(number))
            assert await soon(listener) == Message(number)


async def test_a_cancelled_listener_leaves_the_connection_alone(hub, redis, topic):
    async def join():
        async with hub.listen([topic]):
            await asyncio.Event().wait()

    async with hub.listen([topic + "x"]) as listener:
        for _ in range(20):
            task = asyncio.create_task(join())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
        await publish(redis, [topic + "x"], Message("still here"))
        assert await soon(listener) == Message("still here")


async def test_the_position_grows_and_never_goes_back(redis_process, redis, topic):
    async def forty():
        return 40

    async with running(redis_process.url, forty) as hub:
        assert hub.position == 40
        await publish_batch(redis, [([], Message({}, 41, "e"))])
        await until(lambda: hub.position == 41)
        async with hub.listen([topic]) as listener:
            await publish_batch(redis, [([], Message({}, 5, "e"))])
            await publish(redis, [topic], Message("after it"))
            await soon(listener)
            assert hub.position == 41
            await publish(redis, [topic], Message(None, 42, "e"))
            await soon(listener)
            assert hub.position == 42


async def test_a_batch_ends_with_its_position(hub, redis, topic):
    position = hub.position + 10
    batch = [([topic], Message("a", position, "a")), ([], Message("b", position + 1, "b")), ([topic], Message("c"))]
    async with hub.listen([topic]) as listener:
        await publish_batch(redis, batch)
        assert [(await soon(listener)).body for _ in range(2)] == ["a", "c"]
        await until(lambda: hub.position == position + 1)


async def test_a_slow_listener_holds_up_nobody(redis_process, redis, topic):
    async with running(redis_process.url, buffer=10) as hub, hub.listen([topic]) as slow, hub.listen([topic]) as quick:
        for position in range(1, 101):
            await publish(redis, [topic], Message(None, position, "e"))
            assert (await soon(quick)).position == position
        assert isinstance(await soon(slow), Gap)
        await publish(redis, [topic], Message(None, 101, "e"))
        assert (await soon(slow)).position == 101


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"{}", b"\xff"])
async def test_foreign_messages_are_dropped_and_logged(hub, redis, topic, data, caplog):
    async with hub.listen([topic]) as listener:
        await redis.publish(channel(topic), data)
        await redis.publish(POSITION_CHANNEL, b"x" + data)
        await publish(redis, [topic], Message("ours"))
        assert await soon(listener) == Message("ours")
    assert "not ours" in caplog.text


async def test_stopping_ends_listeners(redis_process, topic):
    async with running(redis_process.url) as hub, hub.listen([topic]) as listener:
        reader = asyncio.create_task(anext(listener, "end"))
        await hub.stop()
        assert await reader == "end"


async def test_redis_dies_and_returns(mortal_redis, topic):
    positions = [3]

    async def newest():
        return positions[-1]

    async with running(mortal_redis.url, newest) as hub, hub.listen([topic]) as listener:
        mortal_redis.kill()
        await until(lambda: not hub.connected)
        async with hub.listen([topic]) as latecomer:  # the API serves on
            positions.append(8)
            mortal_redis.start()
            assert isinstance(await soon(listener), Gap)
            assert isinstance(await soon(latecomer), Gap)
            await until(lambda: hub.position == 8)
            async with _client(mortal_redis) as redis:
                await publish(redis, [topic], Message("again", 9, "e"))
            assert (await soon(listener)).position == (await soon(latecomer)).position == 9


async def test_a_silent_redis_is_given_up(mortal_redis, topic):
    """A connection on which nothing comes any more, as behind a broken network, is not trusted."""
    async with running(mortal_redis.url, ping_seconds=0.05) as hub, hub.listen([topic]) as listener:
        async with _client(mortal_redis) as redis:
            await redis.client_pause(300)
            await until(lambda: not hub.connected)
        assert isinstance(await soon(listener), Gap)


async def test_a_quiet_connection_is_kept_awake(mortal_redis, caplog):
    async with running(mortal_redis.url, ping_seconds=0.15) as hub, _client(mortal_redis) as redis:
        async with asyncio.timeout(PATIENCE):
            while (await redis.info("commandstats")).get("cmdstat_ping", {}).get("calls", 0) < 3:
                pass
        assert hub.connected
    assert "cut off" not in caplog.text


async def test_an_old_confirmation_confirms_nothing(topic):
    """A channel asked for, given up and asked for again is ours only with the last of three answers."""
    async with slow_redis() as (url, commands, answer), running(url) as hub:

        async def listen():
            async with hub.listen([topic]):
                pass

        impatient = asyncio.create_task(listen())
        await until(lambda: commands == ["SUBSCRIBE"])
        impatient.cancel()
        await until(lambda: commands == ["SUBSCRIBE", "UNSUBSCRIBE"])
        patient = asyncio.create_task(listen())
        await until(lambda: commands == ["SUBSCRIBE", "UNSUBSCRIBE", "SUBSCRIBE"])
        for position, kind in enumerate(("subscribe", "unsubscribe", "subscribe"), 1):
            assert not patient.done()
            answer(kind, channel(topic))
            answer("message", POSITION_CHANNEL, str(position))
            await until(lambda position=position: hub.position == position)
        await patient


@asynccontextmanager
async def slow_redis():
    """What speaks Redis' protocol, notes what is asked about topics, and answers when told to."""
    commands, writers = [], []

    def answer(*words):
        parts = [f"${len(word)}\r\n{word}\r\n" for word in words]
        writers[0].write("".join([f"*{len(parts) + (len(parts) == 2)}\r\n", *parts]).encode())
        if len(parts) == 2:
            writers[0].write(b":1\r\n")

    async def serve(reader, writer):
        writers.append(writer)
        parser = hiredis.Reader(encoding="utf-8")
        while data := await reader.read(4096):
            parser.feed(data)
            while command := parser.gets():
                if command[0] == "CLIENT":
                    writer.write(b"+OK\r\n")
                elif POSITION_CHANNEL in command:
                    answer("subscribe", POSITION_CHANNEL)
                else:
                    commands.append(command[0])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"redis://127.0.0.1:{port}", commands, answer
    finally:
        server.close()


async def test_starting_without_redis(mortal_redis, topic, caplog):
    mortal_redis.kill()
    async with running(mortal_redis.url) as hub, hub.listen([topic]) as listener:
        assert not hub.connected
        assert "cut off from Redis" in caplog.text
        mortal_redis.start()
        assert isinstance(await soon(listener), Gap)
        assert hub.connected


async def test_starting_without_a_history_fails(redis_process):
    async def broken():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Hub(redis_process.url).start(broken)


async def test_a_feed_over_a_dying_redis_misses_nothing(mortal_redis, topic):
    log = []

    class Log:
        async def since(self, topics, after, limit):
            return [message for message in log if message.position > after][:limit]

    async def newest():
        return len(log)

    async def record(redis, count):
        for _ in range(count):
            log.append(Message(None, len(log) + 1, "e"))
            if redis is not None:
                await publish(redis, [topic], log[-1])

    seen = []

    async def read(hub):
        stream = feed(hub, Log(), [topic], 0, page=2)
        while (message := await anext(stream, None)) is not None:
            seen.append(message.position)

    async with running(mortal_redis.url, newest) as hub:
        await record(None, 5)
        reader = asyncio.create_task(read(hub))
        await until(lambda: len(seen) == 5)
        for _ in range(2):
            async with _client(mortal_redis) as redis:
                await record(redis, 5)
            mortal_redis.kill()
            await until(lambda: not hub.connected)
            await record(None, 5)
            mortal_redis.start()
            await until(lambda: len(seen) == len(log))
    await reader
    assert seen == list(range(1, 26))


@asynccontextmanager
async def _client(process):
    client = Redis.from_url(process.url)
    try:
        yield client
    finally:
        await client.aclose()


async def test_a_redis_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(link, "PATIENCE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with asyncio.timeout(PATIENCE), running(f"redis://127.0.0.1:{listener.getsockname()[1]}/0") as hub:
            assert not hub.connected


async def test_who_watches_hears_before_whoever_is_handed_what_was_published_later(hub, redis, topic):
    """The order of publication holds over topics: what revokes a right is heard before what must not be told then."""
    heard = []
    async with hub.listen([topic]) as listener, hub.watch(f"{topic}:rights", heard.append):
        batch = [([topic], Message("before", 1, "a")), ([f"{topic}:rights"], Message("lost", 2, "b"))]
        await publish_batch(redis, [*batch, ([topic], Message("after", 3, "c"))])
        assert (await soon(listener)).body == "before"
        assert (await soon(listener)).body == "after"
        assert [message.body for message in heard] == ["lost"]


async def test_who_watches_is_told_of_a_gap(mortal_redis, topic):
    heard = []
    async with running(mortal_redis.url) as hub, hub.watch(topic, heard.append):
        mortal_redis.kill()
        await until(lambda: not hub.connected)
        mortal_redis.start()
        await until(lambda: heard == [Gap()])


async def test_who_wants_to_know_is_told_once_that_redis_is_away_and_once_that_it_is_back(mortal_redis, caplog):
    told = []
    async with running(mortal_redis.url) as hub:
        hub.turned = lambda: told.append(hub.connected)
        mortal_redis.kill()
        await until(lambda: caplog.text.count("cut off from Redis") > 2)  # it is tried again, in vain
        assert told == [False]
        mortal_redis.start()
        await until(lambda: hub.connected)
        assert told == [False, True]


async def test_a_fault_in_telling_that_redis_is_away_cuts_nobody_off_for_good(mortal_redis, topic):
    def fails():
        raise ZeroDivisionError

    heard = []
    async with running(mortal_redis.url) as hub, hub.watch(topic, heard.append):
        hub.turned = fails
        mortal_redis.kill()
        await until(lambda: not hub.connected)
        mortal_redis.start()
        await until(lambda: heard == [Gap()])
