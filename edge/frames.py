"""uvicorn's websockets, with an end to floods of frames, and one by one when the process ends.

Each frame costs as much as ten thousand bytes do, and uvicorn takes all that have come before anybody else has their
turn; pings it answers by itself, and the parts of a message may go on for ever without a byte in them.
"""

from asyncio import BaseTransport
from random import random

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from edge.lines import portions
from live.codes import CloseCode

WINDOW_SECONDS = 10
MOST_FRAMES, LEAST_FRAME = 1000, 1024
"""In each window so many frames of any size, and one more for each so many bytes."""
CLOSE_SECONDS = 5
"""How long a client may take to agree to the end. One that never said anything does not agree to it either."""
SPREAD_SECONDS = 2.0
"""Within which all are told that the process ends, each at a moment of its own."""


class Frames(WebSocketsSansIOProtocol):
    """One websocket."""

    _window, _allowed = 0.0, 0.0
    _is_cut = False

    def connection_made(self, transport: BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self.close_timeout = CLOSE_SECONDS

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
