"""Comments, as the product makes them: recorded in the database for the relay to publish, or asked for over HTTP."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic, monotonic_ns
from typing import Any
from uuid import UUID

import orjson

from bench.graphql.asking import graphql
from bench.live.world import Person, World
from domain.clock import utc_now
from domain.events import CommentCreated
from models import Comment
from models.comments import Span
from models.database import raw_connection, transaction
from models.events import record
from plan import decode_id, encode_id

_ADD = """mutation Add($input: AddCommentInput!) { addComment(input: $input) { __typename ... on Comment { id } } }"""
_POSITIONS_BY_EVENT = "SELECT id, position FROM events WHERE id = ANY($1::uuid[]) AND position IS NOT NULL"
_POSITIONS_BY_COMMENT = """
SELECT (payload->>'comment_id')::uuid, position FROM events
WHERE type = 'comment.created' AND payload->>'comment_id' = ANY($1::uuid[]::text[]) AND position IS NOT NULL
"""
_RELAY_SECONDS = 60
_REMARK = "Could we hold this shot a little longer, and lower the music from here to the end of the scene?"

Published = dict[int, tuple[int, int]]
"""By eventId: the room, and the moment from which its travel counts."""


class NotSaid(Exception):
    """A comment was not made, or nobody published it."""


@dataclass(frozen=True, slots=True)
class Said:
    """One comment. `known_as` is the id of its event, or its own."""

    known_as: UUID
    room: int
    moment: int


async def record_all(world: World, rooms: Iterable[int], rate: float, body: str = _REMARK) -> Published:
    """A comment a room, so many a second, recorded in the database; each counts from the end of its commit."""

    async def say(room: int) -> Said:
        version = world.versions[room]
        by, now = world.people[0].user_id, utc_now()
        async with transaction():
            comment = Comment.opened(version, Span(0), body=body, by=by, now=now)
            about = {"video_id": version.video_id, "version_id": version.id, "comment_id": comment.id}
            event = CommentCreated(team_id=version.team_id, actor_id=by, **about)
            event_id = await record(event, now, of=comment)
        return Said(event_id, room, monotonic_ns())

    return await _published(await _in_time(say, rooms, rate), _POSITIONS_BY_EVENT)


async def ask_all(world: World, rooms: Iterable[int], rate: float, talk: "Talk") -> Published:
    """The same by `addComment`, by people in turn; each counts from the moment at which its request is sent."""
    writers = [person for person in world.people if person.role.value != "viewer"]

    async def say(room: int) -> Said:
        turn = next(turns)
        asked = {"versionId": encode_id("Version", world.versions[room].id), "body": _REMARK}
        moment = monotonic_ns()
        answer = await talk.ask(_ADD, {"input": asked}, writers[turn % len(writers)])
        found = decode_id(answer["data"]["addComment"]["id"])
        return Said(found[1], room, moment)

    turns = iter(range(10**9))
    return await _published(await _in_time(say, rooms, rate), _POSITIONS_BY_COMMENT)


class Talk:
    """Kept connections over which a server is asked; as many as are needed at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, query: str, variables: dict[str, Any], by: Person) -> dict[str, Any]:
        """The answer. Raises NotSaid for errors."""
        line = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = line
        writer.write(graphql(query, variables, by.token))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer: dict[str, Any] = orjson.loads(await reader.readexactly(length))
        self._free.append(line)
        if "errors" in answer or any("id" not in told for told in answer["data"].values()):
            raise NotSaid(str(answer)[:1000])
        return answer

    def close(self) -> None:
        """Ends the connections."""
        for _, writer in self._free:
            writer.close()


async def _in_time(say: Callable[[int], Coroutine[Any, Any, Said]], rooms: Iterable[int], rate: float) -> list[Said]:
    """One after the other at their times, not waiting for the one before."""
    begin, saying = monotonic(), list[asyncio.Task[Said]]()
    for place, room in enumerate(rooms):
        await asyncio.sleep(max(0, begin + place / rate - monotonic()))
        saying.append(asyncio.create_task(say(room)))
    return list(await asyncio.gather(*saying))


async def _published(said: Sequence[Said], statement: str) -> Published:
    """With the positions that the relay has given. Raises NotSaid where it does not within a minute."""
    until, asked = monotonic() + _RELAY_SECONDS, [one.known_as for one in said]
    while True:
        async with raw_connection() as connection:
            positions = dict(await connection.fetch(statement, asked))
        if len(positions) == len(said):
            return {positions[one.known_as]: (one.room, one.moment) for one in said}
        if monotonic() > until:
            raise NotSaid(f"the relay has published {len(positions)} of {len(said)} events")
        await asyncio.sleep(0.1)
