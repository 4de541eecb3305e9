"""Clients that mean harm, or cannot keep up: they end alone, and memory stays bounded."""

import asyncio
import socket
import time

import pytest

from live.limits import Limits
from tests.waiting import until

KIB = 1024


def narrow(stage):
    """Options of a client that takes little before the server feels that it has stopped reading."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
    host, port = stage.url.removeprefix("ws://").split("/")[0].split(":")
    line.connect((host, int(port)))
    line.setblocking(False)
    return {"sock": line, "max_queue": 1}


@pytest.mark.parametrize(
    "message", ["", "nonsense", "null", "[]", "[" * 50_000, '{"type":{}}', b"\x00\xff", b'{"type":"ping"}']
)
async def test_messages_that_are_none(stage, message):
    async with stage.client(init=True) as client:
        await client.raw(message)
        assert (await client.closed())[0] == 4400


@pytest.mark.parametrize(("size", "code"), [(1024 * KIB, 4400), (1024 * KIB + 1, 1009), (4096 * KIB, 1009)])
async def test_messages_over_the_bound(stage, size, code):
    async with stage.client(init=True) as client:
        await client.raw("x" * size)
        assert (await client.closed())[0] == code


async def test_the_bound_counts_bytes(stage):
    async with stage.client(init=True) as client:
        await client.raw("é" * (600 * KIB))
        assert (await client.closed())[0] == 1009


async def test_a_flood_of_subscriptions_leaves_nothing_behind(stage):
    async with stage.client(init=True) as client:
        for number in range(300):
            await client.subscribe(str(number), "hold")
            await client.send(id=str(number), type="complete")
        await client.send(type="ping")
        while (await client.receive())["type"] != "pong":
            pass
        assert stage.transport.open_operations == 0


async def test_a_client_that_stops_reading_is_closed_and_others_are_not_held_up(house):
    stage = house.stage(Limits(stall_seconds=0.3))
    async with stage.client(init=True, **narrow(stage)) as stalled, stage.client(init=True) as other:
        await stalled.subscribe("1", f"flood {32 * KIB}")
        most, slowest = 0, 0.0
        async with asyncio.timeout(5):
            while not stage.play.cancelled:
                began = time.perf_counter()
                await other.send(type="ping", payload={"x": "x" * KIB})  # of that size there may be any number
                await other.receive()
                slowest = max(slowest, time.perf_counter() - began)
                most = max(most, stage.transport.waiting_bytes)
        assert 200 * KIB < most <= 256 * KIB
        assert slowest < 0.25
        assert (await stalled.closed())[0] == 4290
        assert stage.transport.open_sockets == 1


async def test_a_slow_client_is_paced_not_closed(house):
    stage = house.stage(Limits(stall_seconds=1))
    async with stage.client(init=True, **narrow(stage)) as slow:
        await slow.subscribe("1", f"flood {512 * KIB}")
        for _ in range(8):
            assert (await slow.receive())["type"] == "next"
        assert stage.play.yielded < 8 + 20


async def test_a_stalled_client_that_floods_pings_is_closed(house):
    stage = house.stage(Limits())
    async with stage.client(init=True, **narrow(stage)) as client:

        async def flood():
            while True:
                await client.send(type="ping", payload={"x": "x" * 100 * KIB})

        await client.subscribe("1", "hold")
        flooding = asyncio.create_task(flood())
        await until(lambda: stage.play.cancelled == ["1"])
        assert (await client.closed())[0] == 4290
        flooding.cancel()
        await asyncio.wait({flooding})


async def test_a_client_that_never_reads_again_is_dropped(house):
    stage = house.stage(Limits(stall_seconds=0.1, close_seconds=0.1))
    async with stage.client(init=True, **narrow(stage)) as client:
        await client.subscribe("1", f"flood {32 * KIB}")
        await until(lambda: stage.play.cancelled == ["1"])
        await until(lambda: stage.transport.open_sockets == 0)
        client.connection.transport.abort()


async def test_garbage_on_the_line(stage):
    """Frames that break the websocket protocol itself end in the server's own code, and leave nothing."""
    async with stage.client(init=True) as client:
        await client.subscribe("1", "hold")
        await client.receive()
        client.connection.transport.write(b"\xff" * 200)
        await until(lambda: stage.transport.open_sockets == 0)
    assert stage.play.cancelled == ["1"]
