"""Receivers of webhooks, in the test's own process: what they are sent they keep, and they answer as they are told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

Answering = Callable[["Received"], "bytes | Awaitable[bytes]"]
"""What is answered to a request: all of an answer's bytes."""


def answer(status: int = 204, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of an answer."""
    named = {"content-length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Something\r\n{head}\r\n".encode() + body


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The event that it tells of."""
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        """What it says."""
        said: dict[str, Any] = orjson.loads(self.body)
        return said


@dataclass
class Receiver:
    """Listens on this machine, until it is closed."""

    answering: Answering = lambda _: answer()
    received: list[Received] = field(default_factory=list)
    url: str = ""
    connections: set[asyncio.StreamWriter] = field(default_factory=set)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def of_type(self, event_type: str) -> list[Received]:
        """Those of one type of event."""
        return [each for each in self.received if each.headers["x-webhook-event"] == event_type]

    async def until(self, is_so: Callable[[], bool], seconds: float = 10) -> None:
        """Waits for what comes to make it so."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(is_so)

    async def has(self, count: int, seconds: float = 10) -> list[Received]:
        """The first so many."""
        await self.until(lambda: len(self.received) >= count, seconds)
        return self.received[:count]

    async def hang_up(self) -> None:
        """Closes what connections there are."""
        connections = set(self.connections)
        for connection in connections:
            connection.close()
        await asyncio.gather(*(each.wait_closed() for each in connections), return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                received = await _read(reader)
                async with self._news:
                    self.received.append(received)
                    self._news.notify_all()
                answered = self.answering(received)
                writer.write(answered if isinstance(answered, bytes) else await answered)
                await writer.drain()
        self.connections.discard(writer)
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    lines = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in lines}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(head[0].split(" ")[1], headers, body)


@asynccontextmanager
async def receiving(answering: Answering = lambda _: answer()) -> AsyncIterator[Receiver]:
    """A receiver, as long as this is open."""
    receiver = Receiver(answering)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()
        await receiver.hang_up()
