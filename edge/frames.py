"""uvicorn's websockets, with an end to floods of frames, and one by one when the process ends.

Each frame costs as much as ten thousand bytes do, and uvicorn takes all that have come before anybody else has their
turn; pings it answers by itself, and the parts of a message may go on for ever without a byte in them.
"""

import asyncio
from asyncio import BaseTransport
from collections.abc import Callable
from http import HTTPStatus
from random import random
from struct import Struct
from typing import Any

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from edge.lines import portions
from live.codes import CloseCode
from live.lines import LINE, nothing

WINDOW_SECONDS = 10
MOST_FRAMES, LEAST_FRAME = 1000, 1024
"""In each window so many frames of any size, and one more for each so many bytes."""
CLOSE_SECONDS = 5
"""How long a client may take to agree to the end. One that never said anything does not agree to it either."""
SPREAD_SECONDS = 2.0
"""Within which all are told that the process ends, each at a moment of its own."""
_TEXT = 0x81
"""The first byte of a text message in one frame; then comes its length, in one byte, or in two or eight more."""
_SHORT, _MEDIUM, _LONG = Struct("!BB"), Struct("!BBH"), Struct("!BBQ")


class Inbox:
    """What has come in and waits to be taken, by one who takes: asyncio's queue takes ten times the memory."""

    __slots__ = ("_taker", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[ASGIReceiveEvent] = []
        self._taker: asyncio.Future[None] | None = None

    def put_nowait(self, event: ASGIReceiveEvent) -> None:
        """Adds an event."""
        self._waiting.append(event)
        if self._taker is not None and not self._taker.done():
            self._taker.set_result(None)

    async def get(self) -> ASGIReceiveEvent:
        """The first event, as soon as there is one."""
        while not self._waiting:
            self._taker = asyncio.get_running_loop().create_future()
            await self._taker
        return self._waiting.pop(0)

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting


class Frames(WebSocketsSansIOProtocol):
    """One websocket. It is a `live.lines.Line`, too: what it is given there is framed and sent without a detour."""

    _window, _allowed = 0.0, 0.0
    _is_cut = False
    clear = True
    drained: Callable[[], None] = staticmethod(nothing)
    _put: Callable[[bytes], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = Inbox()  # type: ignore[assignment]

    def connection_made(self, transport: BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self.close_timeout = CLOSE_SECONDS
        self._put = self.transport.write

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.clear, self.drained = False, nothing
        super().connection_lost(exc)

    def handle_connect(self, event: Request) -> None:
        """See `WebSocketsSansIOProtocol`. Without extensions our frames are as plain as can be."""
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS and not self.conn.extensions:
            offered: dict[str, Any] = self.scope["extensions"]
            offered[LINE] = self

    async def send(self, message: ASGISendEvent) -> None:
        """See `WebSocketsSansIOProtocol`. When hands have been shaken, what was said for that is of no use any more."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            del self.request, self.response

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`: much has not been read."""
        super().pause_writing()
        self.clear = False

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        super().resume_writing()
        self.clear = True
        self.drained()

    def write(self, *parts: bytes) -> None:
        """See `live.lines.Line`."""
        if self.close_sent or self.disconnected or self.conn.state is not State.OPEN:
            return
        length = sum(map(len, parts))
        if length < 126:
            head = _SHORT.pack(_TEXT, length)
        elif length < 1 << 16:
            head = _MEDIUM.pack(_TEXT, 126, length)
        else:
            head = _LONG.pack(_TEXT, 127, length)
        self._put(b"".join((head, *parts)))

    def abandon(self) -> None:
        """See `live.lines.Line`."""
        self.drained = nothing

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        for portion in portions(data):
            if self._is_cut:
                return
            super().data_received(portion)
            self._allowed += len(portion) / LEAST_FRAME

    def handle_events(self) -> None:
        """See `WebSocketsSansIOProtocol`."""
        now = self.loop.time()
        if now > self._window:
            self._window, self._allowed = now + WINDOW_SECONDS, MOST_FRAMES
        self._allowed -= len(self.conn.events)
        if self._allowed < 0:
            self._cut_off(CloseCode.TOO_MANY_FRAMES, "Too many frames")
        else:
            super().handle_events()

    def send_receive_event_to_app(self) -> None:
        """See `WebSocketsSansIOProtocol`, which logs what is no text as a fault of ours."""
        if self.curr_msg_data_type == "text" and not _is_text(b"".join(self.frames)):
            self._cut_off(CloseCode.NOT_TEXT, "Not UTF-8")
        else:
            super().send_receive_event_to_app()

    def shutdown(self) -> None:
        """See `WebSocketsSansIOProtocol`: 1012, but not to everybody at once, who would all come back at once."""
        self.loop.call_later(random() * SPREAD_SECONDS, self._shut_down)  # noqa: S311 - it is no secret

    def _shut_down(self) -> None:
        if self.conn.state is State.CLOSED or self.transport.is_closing():
            return
        super().shutdown()

    def _cut_off(self, code: CloseCode, reason: str) -> None:
        self._is_cut = True
        if self.conn.state is State.OPEN:
            self.conn.send_close(code, reason)
            self.handle_parser_exception()


def _is_text(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
