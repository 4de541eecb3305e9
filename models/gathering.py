"""What is said to PostgreSQL together with something else, on one trip.

asyncpg knows no pipeline: one statement goes out, and its answer is waited for. But the protocol has the server run all
that stands in front of a Sync, one after the other until something fails, and asyncpg passes over what it hears of
others before that. So BEGIN may go out in front of a statement, and COMMIT behind it, in the very packet that it is in.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, BaseTransport
from collections.abc import Callable, Iterable
from typing import Any

_SYNC = b"S\0\0\0\4"


def _unnamed(statement: bytes) -> bytes:
    """Parse, Bind and Execute of the unnamed statement and portal, without parameters."""
    parse = b"\0" + statement + b"\0\0\0"
    return b"P" + (len(parse) + 4).to_bytes(4) + parse + b"B\0\0\0\x0c\0\0\0\0\0\0\0\0E\0\0\0\x09\0\0\0\0\0"


BEGIN, COMMIT = _unnamed(b"BEGIN"), _unnamed(b"COMMIT")


class Gathering:
    """A transport whose next packet takes something along: `front` before what it holds, `behind` before its Sync."""

    __slots__ = ("_send", "behind", "front", "plain")

    def __init__(self, plain: BaseTransport) -> None:
        self.plain = plain
        self.front = self.behind = b""
        self._send: Callable[[Any], None] = plain.write  # type: ignore[attr-defined]

    def write(self, packet: Any) -> None:
        """See `asyncio.WriteTransport`."""
        if self.front:
            packet, self.front = self.front + packet, b""
        if self.behind and bytes(packet[-len(_SYNC) :]) == _SYNC:  # a statement's, and not the end of the connection
            packet, self.behind = bytes(packet).removesuffix(_SYNC) + self.behind + _SYNC, b""
        self._send(packet)

    def writelines(self, packets: Iterable[Any]) -> None:
        """See `asyncio.WriteTransport`: a statement that is asked for with many values."""
        if self.front:
            self.write(b"")
        self.plain.writelines(packets)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


class GatheringLoop:
    """An event loop whose connections, which asyncpg opens, have such transports. What runs is `plain`."""

    def __init__(self, plain: AbstractEventLoop) -> None:
        self.plain = plain

    async def create_connection(self, factory: Callable[[], Any], *where: Any, **options: Any) -> tuple[Any, Any]:
        """See `asyncio.AbstractEventLoop`."""
        return await _gathered(self.plain.create_connection, factory, *where, **options)

    async def create_unix_connection(self, factory: Callable[[], Any], *where: Any, **options: Any) -> tuple[Any, Any]:
        """See `asyncio.AbstractEventLoop`."""
        return await _gathered(self.plain.create_unix_connection, factory, *where, **options)

    async def start_tls(self, transport: Any, *how: Any, **options: Any) -> Any:
        """See `asyncio.AbstractEventLoop`."""
        upgraded = await self.plain.start_tls(transport.plain, *how, **options)
        return upgraded and Gathering(upgraded)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


async def _gathered(connect: Any, factory: Callable[[], Any], *where: Any, **options: Any) -> tuple[Any, Any]:
    made: list[Gathering] = []

    def protocol() -> Any:
        of_theirs = factory()
        begin = of_theirs.connection_made

        def connection_made(transport: BaseTransport) -> None:
            del of_theirs.connection_made  # which holds it, as it holds this
            made.append(Gathering(transport))
            begin(made[-1])

        of_theirs.connection_made = connection_made
        return of_theirs

    _, of_theirs = await connect(protocol, *where, **options)
    return made[-1], of_theirs
