"""uvicorn's HTTP, with the head and the body of an answer in one packet, and an end to what is slow or costs too much.

`--http edge.wire:Http`. uvicorn hands each of the two to the socket by itself: twice the system calls here, and twice
the client wakes up. It waits for a request, and for an answer to be read, for as long as that takes, and reads whatever
comes at once, 250 KB, before anybody else has their turn.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge.codes import AddressCode
from edge.frames import Frames
from edge.lines import Line, portions

MOST_HEAD_BYTES = 64 * 1024
MOST_HEADERS = 500
"""Of a head, and of what may follow a body in chunks. Browsers send twenty."""
MOST_WAITING = 100
"""Requests that came before those ahead of them were answered."""
MOST_PIECES, LEAST_PIECE = 1000, 64
"""A body may come in so many chunks of any size; more have at least so many bytes on average."""
_HEAD = (
    "content-type: application/json; charset=utf-8\r\ncontent-language: en\r\n"
    "x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
)


class Together(Line):
    """A transport that keeps the head of an answer back until its body comes, or the event loop turns."""

    _head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Sends what has been kept back, and this."""
        if self._parting is not None:
            return
        if self._head is not None:
            head, self._head = self._head, None
            self.plain.writelines((head, data))
        elif data.startswith(b"HTTP/1.1 "):
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self.plain.write(data)

    def close(self) -> None:
        """Sends what has been kept back, and closes."""
        self._flush()
        super().close()

    def take_leave(self) -> None:
        """Sends what has been kept back, and takes leave."""
        self._flush()
        super().take_leave()

    def _flush(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self.plain.write(head)


class Http(HttpToolsProtocol):
    """One connection, which may become a websocket.

    What does not come to its end in time is cut off: who sends a byte now and then holds a connection for nothing. A
    request that comes whole, as nearly all do, costs no timer. So is what comes in more parts than anybody needs, each
    of which costs as much as many bytes; and who does not read what was answered, which waits in our memory.
    """

    seconds = 30.0
    """How long a request may take to come in, from its first byte; so long may a connection say nothing, too."""
    bytes_per_second = 4096
    """Each so many bytes are a second more: large parts of files come over slow lines. Answers are read as fast."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._line: Line = Together(transport, self.loop, self.seconds, self.bytes_per_second)
        self.transport = self._line  # type: ignore[assignment]
        self.ws_protocol_class = Frames
        self._pieces = 0
        self._awaited: object = None
        self._began, self._received = self.loop.time(), 0
        self._bare, self._bodied = 0, False
        self._look_later(self.seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._later.cancel()
        super().connection_lost(exc)
        self._line.is_read()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._line.is_closing():
            return
        for portion in portions(data):
            self._bodied = False
            super().data_received(portion)
            if self._is_unfinished():
                self._await_more(len(portion))
            elif self._is_idle():
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )
            if len(self.pipeline) > MOST_WAITING:
                self.transport.close()
            if self.scope is None or self.transport.is_closing():
                return  # it is a websocket now, whose client waits for our word; or else it is over

    def on_header(self, name: bytes, value: bytes) -> None:
        """See `HttpToolsProtocol`. What follows a body in parts is no header any more, whatever it says."""
        if "method" not in self.scope:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """See `HttpToolsProtocol`."""
        self._bodied = True
        self._pieces += 1
        super().on_body(body)

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`: much of an answer has not been read."""
        super().pause_writing()
        self._line.must_be_read()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        super().resume_writing()
        self._line.is_read()
        if self.transport.is_closing():
            self._line.must_be_read()

    def handle_websocket_upgrade(self) -> None:
        """See `HttpToolsProtocol`. What was asked for before must be answered and read: nobody is told of it later."""
        if self.flow.write_paused or (self.cycle is not None and not self.cycle.response_complete):
            self.transport.close()
            return
        self._later.cancel()
        self.transport = Line(self._line.plain, self.loop, self.seconds, self.bytes_per_second)  # type: ignore[assignment]
        super().handle_websocket_upgrade()
        self.scope = None  # type: ignore[assignment]  # nothing is awaited here any more
        self.parser = None  # type: ignore[assignment]  # they hold each other, and would stay for minutes

    def send_400_response(self, msg: str) -> None:
        """See `HttpToolsProtocol`; in the form that GraphQL clients know."""
        self._refuse(AddressCode.BAD_REQUEST, msg)

    def _is_unfinished(self) -> bool:
        """Whether the head, or the body, of the request at hand has not come whole."""
        scope = self.scope
        return scope is not None and (not _has_head(scope) or (self.cycle is not None and self.cycle.more_body))

    def _is_idle(self) -> bool:
        """Whether what came was no request (blank lines), and all before it are answered: uvicorn counts no silence."""
        return (
            self.scope is not None
            and self.timeout_keep_alive_task is None
            and self.cycle is not None
            and self.cycle.response_complete
            and not self.pipeline
            and not self.transport.is_closing()
        )

    def _await_more(self, size: int) -> None:
        if self._awaited is not self.scope:
            self._awaited, self._began = self.scope, self.loop.time()
            self._received = self._bare = self._pieces = 0
            self._later.cancel()
            self._look_later(self.seconds)
        self._received += size
        self._bare = 0 if self._bodied else self._bare + size  # the head, or what follows a body in parts
        if self._bare > MOST_HEAD_BYTES or len(self.headers) > MOST_HEADERS:
            self._cut_off(AddressCode.REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of the request is too large.")
        elif self._pieces > MOST_PIECES + self._received // LEAST_PIECE:
            self._cut_off(AddressCode.BAD_REQUEST, "The body comes in too many pieces.")

    def _look_later(self, seconds: float) -> None:
        self._later = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        """Cuts off what is still not there, if its time is over."""
        left = self._began + self.seconds + self._received / self.bytes_per_second - self.loop.time()
        if self.scope is None:
            self.transport.close()
        elif self._awaited is not self.scope or not self._is_unfinished():
            return
        elif self.flow.read_paused:  # we keep the client waiting, not it us
            self._look_later(self.seconds)
        elif left > 0:
            self._look_later(left)
        else:
            self._cut_off(AddressCode.REQUEST_TIMEOUT, "The request took too long to come in.")

    def _cut_off(self, code: AddressCode, message: str) -> None:
        if self._may_answer():
            self._refuse(code, message)
        else:
            self.transport.close()

    def _may_answer(self) -> bool:
        """Whether nothing else is being answered, or still to be answered, before the unfinished request."""
        if self.cycle is None or self.pipeline:
            return not self.pipeline
        return self.cycle.response_complete if self.cycle.scope is not self.scope else not self.cycle.response_started

    def _refuse(self, code: AddressCode, message: str) -> None:
        status = HTTPStatus[code.value]
        body = orjson.dumps({"errors": [{"message": message, "extensions": {"code": code}}]})
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: {len(body)}\r\n{_HEAD}"
        self.transport.write(head.encode() + body)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # nobody answers it any more
            self.cycle.message_event.set()
        self._later.cancel()
        self._line.take_leave()


def _has_head(scope: Mapping[str, Any]) -> bool:
    return "method" in scope
