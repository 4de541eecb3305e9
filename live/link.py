"""One Redis connection in subscriber mode, with types, and without reconnecting behind our back."""

import asyncio
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, Protocol, cast

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as LinkError

PATIENCE_SECONDS = 5
"""How long Redis may take to let us in, and to take a command."""

Kind = Literal["message", "subscribe", "unsubscribe", "pong"]


class Reply(NamedTuple):
    """What Redis sends a subscriber: a message, or the confirmation of a command for one channel."""

    kind: Kind
    channel: str
    data: bytes


class _Connection(Protocol):
    """The part of redis-py's connection that we use; its own methods are not annotated."""

    @property
    def is_connected(self) -> bool: ...
    async def connect(self) -> None: ...
    async def disconnect(self, *, nowait: bool) -> None: ...
    async def send_command(self, *arguments: str, check_health: bool) -> None: ...
    async def read_response(self, *, timeout: float) -> Any: ...  # noqa: ASYNC109 - redis-py's own signature


class Link:
    """A connection that ends with its first failure: every method then raises `LinkError`, or OSError.

    redis-py's own `PubSub` reconnects silently, and what was published meanwhile is lost without a word.
    """

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(url)
        self._connection = cast("_Connection", self._redis.connection_pool.make_connection())

    async def open(self) -> None:
        """Connect; raises LinkError or OSError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._connection.connect()

    async def subscribe(self, channels: Iterable[str]) -> None:
        """Ask for channels; Redis confirms each with a reply."""
        await self._send("SUBSCRIBE", *channels)

    async def unsubscribe(self, channels: Iterable[str]) -> None:
        """Give channels up; Redis confirms each with a reply."""
        await self._send("UNSUBSCRIBE", *channels)

    async def ping(self) -> None:
        """Ask for a sign of life; Redis answers with a `pong`."""
        await self._send("PING")

    async def read(self, seconds: float) -> Reply:
        """The next reply; raises LinkError when the connection is lost or silent for `seconds`."""
        if not self._connection.is_connected:
            raise LinkError("The connection is closed.")
        reply = await self._connection.read_response(timeout=seconds)
        if reply is None:
            raise LinkError(f"Redis was silent for {seconds} s.")
        kind, name, *rest = reply
        return Reply(kind.decode(), name.decode(), rest[0] if rest and isinstance(rest[0], bytes) else b"")

    async def close(self) -> None:
        """Drop the connection without waiting for the other side."""
        await self._connection.disconnect(nowait=True)
        await self._redis.aclose()

    async def _send(self, *arguments: str) -> None:
        # send_command() would connect again; between this check and its own there is no suspension.
        if not self._connection.is_connected:
            raise LinkError("The connection is closed.")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._connection.send_command(*arguments, check_health=False)
