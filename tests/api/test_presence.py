"""Who is in the room of a video: from several API processes, of which one is killed, with Redis and without."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from tortoise.context import TortoiseContext
from websockets.exceptions import ConnectionClosed

from domain.clock import utc_now
from domain.permissions import Scope
from live.message import Message, channel, encode
from live.presence import OFTEN_SECONDS
from local.client import Client, OperationFailed, Subscription, document
from local.redis import EmbeddedRedis
from models import Member, Version
from models.database import configuration
from tests.api.test_comment_changes import told
from tests.api.test_rights import AT_ONCE, end_of, kill, remove
from tests.api.test_sockets import Socket, signed_in
from tests.conftest import fresh_database
from tests.factories import Crew, Factory, Person, gid
from tests.studio import Studio, running
from tests.waiting import until

GONE = 10.0
"""Seconds within which whoever vanishes is gone."""
WHO = "subscription ($id: ID!) { presence(videoId: $id) { count } }"


@pytest.fixture(scope="module")
def other(studio: Studio) -> Iterator[Studio]:
    """Another API process of the same product, at an address of its own."""
    with another(studio, "room") as other:
        yield other


def another(studio: Studio, name: str) -> Any:
    folder = studio.folder / name
    folder.mkdir()
    return running(Studio(folder, studio.database_url, studio.redis_url), "api")


async def a_room(make: Factory) -> tuple[Crew, Version, str]:
    """A crew, a version of 2,000 ms, and the id of its video."""
    crew = await make.crew()
    video = await make.video(crew)
    return crew, await make.version(video), gid(video)


class Room(Subscription):
    """A subscription that is read all the while, as clients do: otherwise no ping would be answered."""

    def __init__(self, events: Subscription) -> None:
        super().__init__(events._socket)
        self._heard: asyncio.Queue[dict[str, Any] | Exception] = asyncio.Queue()
        self.reading = asyncio.create_task(self._read(events))

    async def __anext__(self) -> dict[str, Any]:
        if isinstance(heard := await self._heard.get(), Exception):
            raise heard
        return heard

    def breaks(self) -> None:
        """The line to it, without a word."""
        self._socket.transport.abort()

    async def _read(self, events: Subscription) -> None:
        try:
            async for event in events:
                self._heard.put_nowait(event)
        except (OperationFailed, ConnectionClosed) as end:
            self._heard.put_nowait(end)


@asynccontextmanager
async def in_room(person: Person, video: str, studio: Studio | None = None, **more: Any) -> AsyncIterator[Room]:
    url = studio.url if studio else person.client.url
    async with Client(url, person.client.token) as client, following(client, video, **more) as room:
        yield room


@asynccontextmanager
async def following(client: Client, video: str, **more: Any) -> AsyncIterator[Room]:
    async with client.follow("Presence", videoId=video, **more) as events:
        room = Room(events)
        yield room
        room.reading.cancel()


async def next_room(room: Room) -> dict[str, Any]:
    answer = await asyncio.wait_for(anext(room), 15)
    assert "errors" not in answer, answer
    presence: dict[str, Any] = answer["data"]["presence"]
    return presence


def names(told: dict[str, Any]) -> list[str]:
    assert told["count"] == len(told["people"])
    assert all(each["user"] is None or each["user"]["id"] == each["userId"] for each in told["people"])
    return [each["user"] and each["user"]["name"] for each in told["people"]]


async def until_there(room: Room, *people: str) -> dict[str, Any]:
    """The room once these are in it, whoever came first."""
    while sorted(names(told := await next_room(room))) != sorted(people):
        pass
    return told


async def until_at(room: Room, playhead_ms: int, *, always: Sequence[str] = ()) -> dict[str, Any]:
    """The room once somebody is there; nobody was said to have gone meanwhile of those who are there `always`."""
    while True:
        room_told = await next_room(room)
        assert set(always) <= set(names(room_told))
        if playhead_ms in [each["playheadMs"] for each in room_told["people"]]:
            return room_told


async def say(client: Client, version: Version, playhead_ms: int, activity: str = "VIEWING") -> dict[str, Any]:
    where = {"versionId": gid(version), "playheadMs": playhead_ms, "activity": activity}
    answer: dict[str, Any] = await client.do("UpdatePresence", input=where)
    return answer


async def test_everybody_sees_who_is_there_where_they_are_and_what_they_do(make: Factory, other: Studio) -> None:
    crew, version, video = await a_room(make)
    async with in_room(crew.editor, video) as here:
        (first,) = (await next_room(here))["people"]
        assert first == {
            "userId": crew.editor.id, "user": {"id": crew.editor.id, "name": "Editor", "avatarUrl": None},
            "versionId": None, "playheadMs": None, "activity": "VIEWING",
        }  # fmt: skip
        async with in_room(crew.viewer, video, other) as there:
            await until_there(here, "Editor", "Viewer")
            await until_there(there, "Editor", "Viewer")
            assert (await say(crew.viewer.client, version, 1200, "TYPING"))["intervalMs"] == OFTEN_SECONDS * 1000
            for room in (here, there):
                _, said = (await until_at(room, 1200))["people"]
                assert (said["userId"], said["versionId"], said["activity"]) == (crew.viewer.id, gid(version), "TYPING")
        left_at = time.monotonic()
        assert names(await next_room(here)) == ["Editor"]
        assert time.monotonic() - left_at < AT_ONCE


async def test_one_person_in_two_tabs_is_one_entry(make: Factory, other: Studio) -> None:
    crew, version, video = await a_room(make)
    async with in_room(crew.owner, video, watchOnly=True) as watching:
        assert names(await next_room(watching)) == []
        async with AsyncExitStack() as tabs:
            async with in_room(crew.viewer, video):
                await tabs.enter_async_context(in_room(crew.viewer, video, other))
                await until_there(watching, "Viewer")
                await say(crew.viewer.client, version, 5)
                await until_at(watching, 5)
            await say(crew.viewer.client, version, 6)
            assert names(await until_at(watching, 6)) == ["Viewer"]
        assert names(await next_room(watching)) == []


async def test_who_vanishes_is_gone_within_ten_seconds(make: Factory, studio: Studio, other: Studio) -> None:
    """The process is killed; the client says nothing any more; the line breaks, which is noticed at once."""
    crew, _, video = await a_room(make)
    with another(studio, "lost room") as lost:
        async with (
            in_room(crew.owner, video) as here,
            in_room(crew.admin, video, other) as elsewhere,
            in_room(crew.editor, video, lost),
            signed_in(studio, crew.viewer.client.token) as silent,
            in_room(await a_guest(make, crew), video) as cut,
        ):
            await silent.send(id="1", type="subscribe", payload={"query": WHO, "variables": {"id": video}})
            for room in (here, elsewhere):
                await until_there(room, "Owner", "Admin", "Editor", "Viewer", "Guest")
            cut.breaks()
            cut_at = time.monotonic()
            for room in (here, elsewhere):
                await until_there(room, "Owner", "Admin", "Editor", "Viewer")
            assert time.monotonic() - cut_at < AT_ONCE
            lost.kill("api")
            lost_at = time.monotonic()
            for room in (here, elsewhere):
                await until_there(room, "Owner", "Admin")
            assert time.monotonic() - lost_at < GONE


async def a_guest(make: Factory, crew: Crew) -> Person:
    guest = await make.person("Guest")
    await Member.create(team_id=crew.team.id, user_id=guest.user.id, role="viewer")
    return guest


async def test_who_is_removed_is_gone_at_once_and_hears_nothing_more(make: Factory, other: Studio) -> None:
    crew, version, video = await a_room(make)
    async with in_room(crew.owner, video) as here, in_room(crew.viewer, video, other) as there:
        await until_there(here, "Owner", "Viewer")
        lost_at = await remove(crew, crew.viewer)
        code, ended_at = await end_of(there)
        assert code == "NOT_FOUND"
        assert ended_at - lost_at < AT_ONCE
        assert names(await until_there(here, "Owner")) == ["Owner"]
        assert await told(crew.viewer.client, "UpdatePresence", input=at(version, 1)) == ("NotFound", None)


async def test_who_cannot_see_the_video_cannot_see_its_room_nor_be_in_it(make: Factory) -> None:
    crew, version, video = await a_room(make)
    stranger = await make.person("Stranger")
    async with in_room(crew.owner, video) as here:
        assert names(await next_room(here)) == ["Owner"]
        async with in_room(stranger, video) as refused:
            assert (await end_of(refused))[0] == "NOT_FOUND"
        assert await told(stranger.client, "UpdatePresence", input=at(version, 1)) == ("NotFound", None)
        async with in_room(crew.editor, video):
            await until_there(here, "Owner", "Editor")


async def test_a_key_looks_on_and_is_nobody(make: Factory) -> None:
    crew, version, video = await a_room(make)
    key = await make.key(crew.owner, Scope.READ, Scope.WRITE)
    async with following(key, video) as looking:
        assert names(await next_room(looking)) == []
        async with in_room(crew.viewer, video):
            await until_there(looking, "Viewer")
            assert await told(key, "UpdatePresence", input=at(version, 1)) == ("Forbidden", None)


def at(version: Version, playhead_ms: int) -> dict[str, Any]:
    return {"versionId": gid(version), "playheadMs": playhead_ms}


async def test_what_is_no_place_in_the_version_is_refused(make: Factory) -> None:
    crew, version, video = await a_room(make)
    elsewhere = (await a_room(make))[1]
    client = crew.viewer.client
    async with in_room(crew.viewer, video) as room:
        await next_room(room)
        for playhead_ms in (-1, 2001, 2**53 - 1):
            refused = await told(client, "UpdatePresence", input=at(version, playhead_ms))
            assert refused == ("Invalid", ["input", "playheadMs"])
        assert (await told(client, "UpdatePresence", input=at(elsewhere, 1)))[0] == "NotFound"
        assert await told(client, "UpdatePresence", input={"versionId": "x", "playheadMs": 1}) == (
            "Invalid",
            ["input", "versionId"],
        )
        await say(client, version, 2000)
        await until_at(room, 2000)
        answer = await client.run("UpdatePresence", input=at(version, 1) | {"activity": "SLEEPING"})
        assert "errors" in answer


async def test_a_client_that_says_a_hundred_a_second_is_heard_four_times_a_second(
    make: Factory, studio: Studio
) -> None:
    crew, version, video = await a_room(make)
    update = document("UpdatePresence")
    async with in_room(crew.owner, video) as here, signed_in(studio, crew.viewer.client.token) as fast:
        await until_there(here, "Owner")
        await fast.send(id="room", type="subscribe", payload={"query": WHO, "variables": {"id": video}})
        reading = asyncio.create_task(read_on(fast))
        await until_there(here, "Owner", "Viewer")
        await say(crew.viewer.client, version, 0)
        await until_at(here, 0)  # the first room of a Redis that has just begun is told 4 s late
        began = time.monotonic()
        heard = asyncio.create_task(playheads_until(here, 199))
        for ms in range(200):
            payload = {"query": update, "variables": {"input": at(version, ms)}}
            await fast.send(id=str(ms), type="subscribe", payload=payload)
            await asyncio.sleep(0.01)
        playheads = await heard
        reading.cancel()
        assert playheads == sorted(playheads)
        assert 3 < len(playheads) < (time.monotonic() - began) / OFTEN_SECONDS + 2


async def read_on(socket: Socket) -> None:
    """Reads, as clients do: who leaves a ping unanswered is sent away, and gone from the room, within seconds."""
    while True:
        await socket.told()


async def playheads_until(room: Room, last: int) -> list[int]:
    """Where the viewer was said to be, until they were at the last. They are second: they came after the owner."""
    heard: list[int] = []
    while last not in heard:
        told = await next_room(room)
        assert names(told) == ["Owner", "Viewer"]
        heard.append(told["people"][1]["playheadMs"] or 0)
    return heard


async def test_an_earlier_state_that_comes_late_takes_nobody_away(make: Factory, studio: Studio) -> None:
    crew, version, video = await a_room(make)
    async with in_room(crew.owner, video) as here, in_room(crew.viewer, video):
        await until_there(here, "Owner", "Viewer")
        alone = {"count": 1, "people": [[str(crew.owner.user.id), None]]}
        async with Redis.from_url(studio.redis_url) as redis:
            topic = channel(f"presence:{version.video_id}")
            assert await redis.publish(topic, encode(Message(alone, order=1)))
        await say(crew.viewer.client, version, 7)
        await until_at(here, 7, always=["Owner", "Viewer"])


async def test_a_video_in_a_team_that_is_going_has_a_room_still(make: Factory) -> None:
    crew, version, video = await a_room(make)
    await type(crew.team).filter(id=crew.team.id).update(deletion_at=utc_now())
    async with in_room(crew.viewer, video) as room:
        await next_room(room)
        await say(crew.viewer.client, version, 7)
        await until_at(room, 7)


async def test_redis_may_forget_everything_or_be_away(studio: Studio, number: int) -> None:
    folder = studio.folder / "room without"
    folder.mkdir()
    url = await fresh_database(f"without{number}")
    async with TortoiseContext() as context:
        await context.init(config=configuration(url, connections=4))
        with (
            EmbeddedRedis(folder / "redis", lasting=False) as redis,
            running(Studio(folder, url, redis.url()), "api") as mortal,
            another(mortal, "beside") as beside,
        ):
            make = Factory(mortal.url)
            await _in_all_weathers(make, redis, beside)
            await make.close()


async def _in_all_weathers(make: Factory, redis: EmbeddedRedis, beside: Studio) -> None:
    crew, version, video = await a_room(make)
    async with in_room(crew.owner, video) as here, in_room(crew.viewer, video, beside) as there:
        for room in (here, there):
            await until_there(room, "Owner", "Viewer")
        await say(crew.owner.client, version, 1)
        await until_at(there, 1)
        await flush(redis)
        await say(crew.owner.client, version, 2)
        for room in (here, there):
            await until_at(room, 2, always=["Owner", "Viewer"])
        kill(redis)
        await until(lambda: is_unavailable(crew.owner.client, version))
        async with in_room(crew.editor, video) as late:  # begins with who is known to be there
            assert names(await next_room(late)) == ["Owner", "Editor"]
            redis.start()
            for room in (here, there, late):
                await until_there(room, "Owner", "Editor", "Viewer")
            await say(crew.owner.client, version, 4)
            await until_at(there, 4)


async def is_unavailable(client: Client, version: Version) -> bool:
    return (await told(client, "UpdatePresence", input=at(version, 3)))[0] == "Unavailable"


async def flush(redis: EmbeddedRedis) -> None:
    async with Redis.from_url(redis.url()) as client:
        await client.flushall()
