"""The floor: an ASGI application that sends ready bytes to everybody in a room, and does nothing else.

`uvicorn bench.live.broadcast:app`. No sessions, no rights, no GraphQL: what an event tells of is read and encoded once,
and the same text goes to each socket. Takes `DATABASE_URL` and `REDIS_URL`.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import orjson
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from bench.graphql.handwritten.statements import gid, person
from live.message import channel
from plan import decode_id

_COMMENT = f"""
SELECT json_build_object(
    'kind', 'ADDED', 'occurredAt', c.created_at, 'commentId', {gid("Comment", "c.id")}, 'actor', {person("u")},
    'comment', json_build_object(
        'id', {gid("Comment", "c.id")}, 'body', c.body, 'startMs', c.start_ms, 'createdAt', c.created_at,
        'author', {person("u")}
    )
)::text FROM comments c LEFT JOIN users u ON u.id = c.created_by_id WHERE c.id = $1
"""


class Broadcast:
    """Who sits in which room, by the topic of its video."""

    def __init__(self) -> None:
        self._rooms: dict[str, set[Send]] = defaultdict(set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one websocket."""
        await receive()
        await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
        rooms = list[str]()
        while (event := await receive())["type"] != "websocket.disconnect":
            message = orjson.loads(event["text"])
            if message["type"] == "connection_init":
                await send({"type": "websocket.send", "text": '{"type":"connection_ack"}'})
            elif message["type"] == "subscribe":
                rooms.append(_topic(message["payload"]["variables"]["videoId"]))
                self._rooms[rooms[-1]].add(send)
        for room in rooms:
            self._rooms[room].discard(send)

    async def follow(self, database: asyncpg.Pool, redis: "Redis") -> None:
        """Sends on what is published, for ever."""
        async with redis.pubsub() as messages:
            await messages.psubscribe(channel("video:*"))
            async for message in messages.listen():
                if message["type"] == "pmessage":
                    await self._tell(message["channel"].decode(), orjson.loads(message["data"]), database)

    async def _tell(self, topic: str, published: dict[str, Any], database: asyncpg.Pool) -> None:
        row_id = published["body"]["payload"].get("comment_id")
        if row_id is None or not self._rooms[topic]:
            return
        told = await database.fetchval(_COMMENT, row_id)
        head = '{"id":"1","type":"next","payload":{"data":{"commentEvents":'
        frame = {
            "type": "websocket.send",
            "text": f'{head}{told}}},"extensions":{{"eventId":{published["position"]}}}}}}}',
        }
        for send in list(self._rooms[topic]):
            with suppress(OSError):
                await send(frame)


def _topic(video_id: str) -> str:
    found = decode_id(video_id)
    return channel(f"video:{found[1]}")


broadcast = Broadcast()


@asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=2) as database:
        redis: Redis = Redis.from_url(os.environ["REDIS_URL"])
        following = asyncio.create_task(broadcast.follow(database, redis))
        yield
        following.cancel()
        await redis.aclose()


async def _metrics(_request: Request) -> Response:
    return Response()


class _Sockets:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await broadcast(scope, receive, send)


app = Starlette(routes=[Route("/metrics", _metrics), WebSocketRoute("/graphql", _Sockets())], lifespan=_lifespan)
