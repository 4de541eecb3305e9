"""The load: connections that are kept, each asking again as soon as it has its answer."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

import uvloop

SAMPLE = 50
"""Of this many answers one is looked into."""
_PATIENCE_SECONDS = 600
"""Until a server counts as hanging."""
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


class WrongAnswer(Exception):
    """A server did not answer what was asked for."""


@dataclass(slots=True)
class Load:
    """What came of it: the seconds that each answer took, and those that all of it took."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, requests: Iterator[bytes], until: float, load: Load) -> None:
        self._requests, self._until, self._load = requests, until, load
        self._buffer = bytearray()
        self._needed = 0
        self._began = 0.0
        self._transport: asyncio.Transport
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            if not self._needed:
                self._needed = _size(self._buffer)
            if self._needed and len(self._buffer) >= self._needed:
                self._answered()
        except WrongAnswer as wrong:
            self._finish(wrong)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(exc or WrongAnswer("the server closed the connection"))

    def _answered(self) -> None:
        now = perf_counter()
        self._load.latencies.append(now - self._began)
        if len(self._load.latencies) % SAMPLE == 1:
            body_of(bytes(self._buffer))
        self._buffer.clear()
        self._needed = 0
        if now < self._until:
            self._ask()
        else:
            self._finish(None)

    def _ask(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._finish(None)
            return
        self._began = perf_counter()
        self._transport.write(request)

    def _finish(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error:
            self.done.set_exception(error)
        else:
            self.done.set_result(None)
        self._transport.close()


def run(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Asks for `seconds`, the requests over and over in turn. Raises WrongAnswer, also for what a sample shows."""
    return _run(port, itertools.cycle(requests), connections, seconds)


def run_once(port: int, requests: Sequence[bytes], *, connections: int = 1) -> Load:
    """Each request once."""
    return _run(port, iter(requests), connections, float("inf"))


def body_of(answer: bytes) -> bytes:
    """The body of a whole answer; WrongAnswer unless it is a 200 without errors."""
    head, _, body = answer.partition(_END_OF_HEAD)
    if not head.startswith(b"HTTP/1.1 200") or b'"errors"' in body:
        raise WrongAnswer((head.partition(b"\r\n")[0] + b": " + body[:1000]).decode(errors="replace"))
    return body


def _run(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Load:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_ask_all(port, requests, connections, seconds))


async def _ask_all(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Load:
    load, loop = Load(), asyncio.get_running_loop()
    began = perf_counter()
    until = began + seconds

    async def line() -> None:
        _, protocol = await loop.create_connection(lambda: _Line(requests, until, load), "127.0.0.1", port)
        await protocol.done

    async with asyncio.timeout(_PATIENCE_SECONDS):
        await asyncio.gather(*(line() for _ in range(connections)))
    load.seconds = perf_counter() - began
    return load


def _size(buffer: bytearray) -> int:
    """The length of the whole answer; 0 as long as its head is not whole."""
    end = buffer.find(_END_OF_HEAD)
    if end < 0:
        return 0
    head = bytes(buffer[:end]).lower()
    start = head.find(_LENGTH)
    if start < 0:
        raise WrongAnswer(f"no Content-Length: {head.decode(errors='replace')}")
    return end + len(_END_OF_HEAD) + int(head[start + len(_LENGTH) :].partition(b"\r\n")[0])
