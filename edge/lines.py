"""What lies under a connection: its transport, and what comes in at once."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

_WITHOUT_LINGERING = struct.pack("ii", 1, 0)
MOMENT = 1.0
"""Seconds in which a client can read the last word before what it still sends makes the system take it back."""
AT_ONCE = 16 * 1024
"""Bytes that are looked at before it is asked whether to go on: the loop hands over 250 KB, which may be much work."""


class Line:
    """A transport whose client reads what it is sent, or loses it: what nobody reads would stay in memory for good.

    `seconds` and `bytes_per_second`: in so many seconds so many bytes times as many must have been read.
    """

    def __init__(
        self,
        plain: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        seconds: float = 30.0,
        bytes_per_second: float = 4096,
    ) -> None:
        self.plain = plain
        self._loop = loop
        self._seconds = seconds
        self._bytes = seconds * bytes_per_second
        self._unread: asyncio.TimerHandle | None = None
        self._parting: asyncio.TimerHandle | None = None

    def take_leave(self) -> None:
        """Says that nothing follows, and closes when the client does, or after a moment.

        To close at once while it is still sending resets the line: the client may never see what it was told.
        """
        if self._parting is None and not self.plain.is_closing():
            self._parting = self._loop.call_later(MOMENT, self.close)
            self.plain.write_eof()

    def is_closing(self) -> bool:
        """Whether nothing that comes is of interest any more, and nothing can be said."""
        return self._parting is not None or self.plain.is_closing()

    def close(self) -> None:
        """Closes it as soon as all has been read."""
        if self._parting is not None:
            self._parting.cancel()
        self.plain.close()
        self.must_be_read()

    def must_be_read(self) -> None:
        """Drops it, unless from now on what waits for the client is read."""
        waiting = self.plain.get_write_buffer_size()
        if waiting and self._unread is None:
            self._unread = self._loop.call_later(self._seconds, self._look, waiting)

    def is_read(self) -> None:
        """Little waits for the client by now, or nothing."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def drop(self) -> None:
        """Ends it at once. What has not been read is forgotten, by the system's network too, which would keep it."""
        if (connected := self.plain.get_extra_info("socket")) is not None:
            with suppress(OSError, ValueError):  # gone already, as uvloop says it too
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _WITHOUT_LINGERING)
        self.plain.abort()

    def _look(self, before: int) -> None:
        self._unread = None
        waiting = self.plain.get_write_buffer_size()
        if waiting and waiting > before - self._bytes:
            self.drop()
        else:
            self.must_be_read()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


def portions(data: bytes) -> Iterator[bytes]:
    """The data in portions."""
    if len(data) <= AT_ONCE:
        yield data
        return
    for begin in range(0, len(data), AT_ONCE):
        yield data[begin : begin + AT_ONCE]
