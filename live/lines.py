"""Where a client's frames go: straight into the server's transport where it lets us, else through ASGI's `send`."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from starlette.types import Scope, Send

LINE = "live.line"
"""Under this name a server that can offers its line among the scope's `extensions`: ASGI's `send` costs for each frame
as much as all else together."""


class Line(Protocol):
    """One client's line. It takes text whoever reads, and says when too much of it has not been read."""

    drained: Callable[[], None]
    """Called when it is clear again; set by who writes."""

    clear: bool
    """Whether it may be written to."""

    def write(self, *parts: bytes) -> None:
        """Puts the parts of one text message on the line; on one that is gone, nothing."""

    def abandon(self) -> None:
        """Nothing more is written: what is said last goes through ASGI."""


def nothing() -> None:
    """What a line calls that nobody writes to."""


class AsgiLine:
    """A line through `send`, one frame at a time. Nothing waits here, and no task while nothing is sent."""

    def __init__(self, send: Send) -> None:
        self.drained: Callable[[], None] = nothing
        self._send = send
        self._sending: asyncio.Task[None] | None = None
        self.clear = True

    def write(self, *parts: bytes) -> None:
        """See `Line`."""
        self.clear = False
        self._sending = asyncio.create_task(self._sent(b"".join(parts).decode()))

    def abandon(self) -> None:
        """See `Line`."""
        if self._sending is not None:
            self._sending.cancel()

    async def _sent(self, text: str) -> None:
        try:
            await self._send({"type": "websocket.send", "text": text})
        except OSError:
            return  # it is gone, which whoever reads is told
        self._sending, self.clear = None, True
        self.drained()


def line_of(scope: Scope, send: Send) -> Line:
    """The server's own line, or one through `send`."""
    offered: Line | None = (scope.get("extensions") or {}).get(LINE)
    return offered or AsgiLine(send)
