"""uvicorn's HTTP, with the head and the body of an answer in one packet: `--http edge.wire:Http`.

uvicorn hands each of the two to the socket by itself: twice the system calls here, and twice the client wakes up.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Together:
    """A transport that keeps the head of an answer back until its body comes, or the event loop turns."""

    def __init__(self, plain: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.plain = plain
        self._loop = loop
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Sends what has been kept back, and this."""
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
        self.plain.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)

    def _flush(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self.plain.write(head)


class Http(HttpToolsProtocol):
    """One connection. A websocket that it becomes writes by the plain transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self.transport = Together(transport, self.loop)  # type: ignore[assignment]

    def handle_websocket_upgrade(self) -> None:
        """See `HttpToolsProtocol`."""
        self.transport = self.transport.plain  # type: ignore[attr-defined]
        super().handle_websocket_upgrade()
