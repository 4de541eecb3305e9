"""What becomes of an answer after whose last byte the connection is closed: on the event loop of the product."""

import asyncio
import socket
from typing import Any

import uvloop

from edge.lines import Line

SECONDS, BYTES_PER_SECOND = 0.5, 100_000
ANSWER = b"x" * 8_000_000
"""More than the network keeps for us."""
KEPT = 64 * 1024


class Answering(asyncio.Protocol):
    """Answers and closes, as to who says `Connection: close`."""

    def connection_made(self, transport: Any) -> None:
        transport.get_extra_info("socket").getpeername()  # as uvicorn asks
        line = Line(transport, asyncio.get_running_loop(), SECONDS, BYTES_PER_SECOND)
        line.write(ANSWER)
        line.close()


async def answered(pause: float, pauses: int) -> tuple[int, list[str]]:
    """How much arrives at a client that pauses so often while it reads, and what has gone wrong on our side."""
    faults: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, told: faults.append(repr(told)))
    server = await loop.create_server(Answering, "127.0.0.1", 0)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KEPT)  # the network tells of what is read bit by bit
    client.setblocking(False)
    await loop.sock_connect(client, server.sockets[0].getsockname())
    reader, writer = await asyncio.open_connection(sock=client, limit=KEPT)
    arrived = 0
    try:
        while chunk := await reader.read(KEPT):
            arrived += len(chunk)
            pauses -= 1
            if pauses >= 0:
                await asyncio.sleep(pause)
    except ConnectionError:
        pass
    await asyncio.sleep(SECONDS * 1.5)
    writer.close()
    server.close()
    return arrived, faults


async def played(pause: float, pauses: int) -> tuple[int, list[str]]:
    return await asyncio.to_thread(uvloop.run, answered(pause, pauses))


async def test_who_reads_at_once_is_forgotten() -> None:
    assert await played(0, 0) == (len(ANSWER), [])


async def test_who_reads_slowly_reads_to_the_end_of_what_is_closed() -> None:
    assert await played(0.01, 100) == (len(ANSWER), [])


async def test_who_does_not_read_is_dropped() -> None:
    arrived, faults = await played(SECONDS * 3, 1)
    assert arrived < len(ANSWER)
    assert faults == []
