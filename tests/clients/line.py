"""A line between a client and the sockets of the product, which breaks in the ways in which lines do."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

SPOKEN: Any = ["graphql-transport-ws"]


class Line:
    """Carries each message, and keeps what subscriptions ask for and are told."""

    def __init__(self, to: str) -> None:
        self.url = ""
        self.refused = 0
        """How often a client came while the line was broken."""
        self.asked: list[dict[str, Any]] = []
        """The payloads of subscriptions, as the client sent them."""
        self.told: list[int] = []
        """The `eventId` of each event that has been sent to the client, repeats included."""
        self.lost = ""
        """The id of the one operation whose answer was lost, and the line with it."""
        self._to = to
        self._open: set[ServerConnection] = set()
        self._silent: set[ServerConnection] = set()
        self._losing = False
        self._is_broken = False
        self._pretended: int | None = None

    @property
    def resumed(self) -> list[int | None]:
        """Behind which event the client wanted each subscription to begin."""
        return [payload["extensions"].get("lastEventId") for payload in self.asked]

    def breaks(self) -> None:
        """Without a word, and until it is mended."""
        self._is_broken = True
        for client in self._open:
            client.transport.abort()

    def mends(self) -> None:
        """Clients get through again."""
        self._is_broken = False

    async def closes(self, code: int) -> None:
        """As the product closes: with a word."""
        await asyncio.gather(*(client.close(code) for client in self._open))

    def falls_silent(self) -> None:
        """What is open now stays open, and says nothing any more."""
        self._silent |= self._open

    def pretends(self, position: int) -> None:
        """Says to the product, the next time a subscription comes, that this is the last that the client has seen."""
        self._pretended = position

    async def carry(self, client: ServerConnection) -> None:
        headers = {
            name: client.request.headers[name] for name in ("Origin", "Cookie") if name in client.request.headers
        }
        connection = connect(
            self._to, subprotocols=SPOKEN, additional_headers=headers, compression=None, max_size=None, proxy=None
        )
        self._open.add(client)
        try:
            async with connection as server, asyncio.TaskGroup() as both:
                both.create_task(self._to_server(client, server))
                both.create_task(self._to_client(client, server))
        finally:
            self._open.discard(client)

    def refuse(self, client: ServerConnection, _request: Request) -> Response | None:
        if not self._is_broken:
            return None
        self.refused += 1
        return client.respond(HTTPStatus.SERVICE_UNAVAILABLE, "The line is broken.\n")

    async def _to_server(self, client: ServerConnection, server: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in client:
                await server.send(self._noted(json.loads(message)))
        await server.close()

    async def _to_client(self, client: ServerConnection, server: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in server:
                if self._loses(json.loads(message)):
                    client.transport.abort()
                elif client not in self._silent:
                    self._note(json.loads(message))
                    await client.send(message)
        if client not in self._silent:
            await client.close(server.close_code or 1011, server.close_reason or "")

    def _noted(self, message: dict[str, Any]) -> str:
        payload = message.get("payload") or {}
        if message["type"] == "subscribe" and payload["operationName"] == "VideoChanged":
            self.asked.append(json.loads(json.dumps(payload)))
            if self._pretended is not None:
                payload["extensions"]["lastEventId"], self._pretended = self._pretended, None
        if message["type"] == "subscribe" and payload["operationName"] == "AddComment" and not self.lost:
            self.lost, self._losing = message["id"], True
        return json.dumps(message)

    def _loses(self, message: dict[str, Any]) -> bool:
        is_lost = self._losing and message.get("id") == self.lost
        self._losing = self._losing and not is_lost
        return is_lost

    def _note(self, message: dict[str, Any]) -> None:
        if message["type"] == "next" and (event := message["payload"].get("extensions", {}).get("eventId")):
            self.told.append(event)


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """A line of one's own to the sockets at `url`."""
    line = Line(url)
    async with serve(
        line.carry, "127.0.0.1", 0, subprotocols=SPOKEN, process_request=line.refuse, compression=None
    ) as server:
        line.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/graphql"
        yield line
        line.breaks()
