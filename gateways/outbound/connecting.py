"""Connections of aiohttp, with bounds that it has not: of all that are open, and of what an answer may be."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.streams import EMPTY_PAYLOAD

from gateways.outbound.notes import noted

if TYPE_CHECKING:
    from ssl import SSLContext

    from aiohttp import ClientRequest, ClientTimeout
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

    from gateways.outbound.resolving import CheckedResolver

REST_SECONDS = 15
"""How long a connection rests. It leads to where it was made to, whatever DNS says by now."""
MOST_ANSWER_BYTES = 64 * 1024
"""Of an answer: its heads, its body, and what frames it. Whoever sends more is hung up on."""

_END_OF_HEAD = b"\r\n\r\n"


class AnswerTooLong(Exception):
    """More has come than anybody needs."""


class Listener(ResponseHandler):
    """Reads one answer after the other, each up to a bound: aiohttp has one for a header, none for heads that go on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_end: "Callable[[Listener], None]") -> None:
        super().__init__(loop)
        self.rested = False
        """Whether something has been sent over it before."""
        self._heard = 0
        self._resting = False
        self._on_end = on_end

    def begin(self) -> None:
        """From now on the next answer is heard."""
        self._heard, self._resting, self._payload = 0, False, None

    def rest(self) -> None:
        """From now on nothing should be heard."""
        self.rested = self._resting = True

    def data_received(self, data: bytes) -> None:
        """Hand on what has come, as far as it is asked for."""
        if not data:  # aiohttp goes on by itself with what it has put aside
            super().data_received(data)
            return
        wanted = 0 if self._resting else max(0, MOST_ANSWER_BYTES - self._heard)
        self._heard += len(data)
        for part in self._heads_apart(data[:wanted]):
            super().data_received(part)
        if wanted < len(data) and self._exception is None:
            self.set_exception(AnswerTooLong())
        if self._exception is not None:
            self._break_off()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        super().connection_lost(exc)
        self._on_end(self)

    def _heads_apart(self, data: bytes) -> Iterator[bytes]:
        """A head by itself: what aiohttp reads together with something malformed is lost, and the status with it."""
        while self._payload in (None, EMPTY_PAYLOAD) and _END_OF_HEAD in data:
            end = data.index(_END_OF_HEAD) + len(_END_OF_HEAD)
            yield data[:end]
            data = data[end:]
        if data:
            yield data

    def _break_off(self) -> None:
        """Hang up; whatever has come of the body is all there is of it."""
        payload, transport = self._payload, self.transport
        self._payload = None
        if payload is not None and not payload.is_eof():
            payload.feed_eof()
        if transport is not None:
            transport.abort()


class Connector(TCPConnector):
    """Connects to checked addresses, and keeps at most so many connections, in use and at rest."""

    def __init__(self, resolver: "CheckedResolver", trust: "SSLContext", most: int) -> None:
        super().__init__(
            resolver=resolver,
            socket_factory=resolver.socket,
            ssl=trust,
            limit=most,
            use_dns_cache=False,
            keepalive_timeout=REST_SECONDS,
        )
        self._most = most
        self._in_use = 0
        self._resting: OrderedDict[Listener, None] = OrderedDict()
        self._factory = cast("partial[ResponseHandler]", partial(Listener, loop=self._loop, on_end=self._forget))

    async def connect(self, req: "ClientRequest", traces: "list[Trace]", timeout: "ClientTimeout") -> "Connection":  # noqa: ASYNC109 - aiohttp's
        """As it is; and it is noted where it leads, and whether it has been used before."""
        connection = await super().connect(req, traces, timeout)
        listener = connection.protocol
        assert isinstance(listener, Listener)
        self._note(listener)
        self._take(listener)
        connection.add_callback(partial(self._put_back, listener))
        return connection

    def _note(self, listener: Listener) -> None:
        notes = noted()
        notes.rested = listener.rested
        if listener.transport is not None:
            notes.address = str(listener.transport.get_extra_info("peername")[0])

    def _take(self, listener: Listener) -> None:
        listener.begin()
        self._in_use += 1
        self._forget(listener)
        while self._resting and self._in_use + len(self._resting) > self._most:
            oldest, _ = self._resting.popitem(last=False)
            oldest.close()

    def _put_back(self, listener: Listener) -> None:
        self._in_use -= 1
        listener.rest()
        if listener.is_connected():
            self._resting[listener] = None

    def _forget(self, listener: Listener) -> None:
        self._resting.pop(listener, None)
