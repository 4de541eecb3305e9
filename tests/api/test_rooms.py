"""Who follows the same with the same rights is told the same bytes, made once; what is one's own is made for each."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
from redis.asyncio import Redis

from domain.permissions import Role
from models import Member
from tests.api.test_rights import change_role, end_of, remove
from tests.api.test_sockets import Socket, signed_in
from tests.factories import Crew, Factory, Person, gid
from tests.studio import Studio
from tests.waiting import until

SHARED = """subscription($id: ID!) {videoChanged(id: $id) {type video {title team {viewerCan} createdBy {name}}
    actor {name email}}}"""
PERSONAL = "subscription($id: ID!) {videoChanged(id: $id) {type actor {memberships {nodes {team {name}}}}}}"


async def figure(studio: Studio, name: str) -> float:
    async with httpx.AsyncClient(base_url=studio.url) as http:
        text = (await http.get("/metrics")).text
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found, f"{name} is not among the figures"
    return float(found[1])


@asynccontextmanager
async def following(
    studio: Studio, people: list[Person], query: str, video: str, after: int, **more: Any
) -> AsyncIterator[list[Socket]]:
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(signed_in(studio, person.client.token)) for person in people]
        for socket in sockets:
            payload = {"query": query, "variables": {"id": video, **more}, "extensions": {"lastEventId": after}}
            await socket.connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        yield sockets


async def a_video(make: Factory) -> tuple[Crew, str, int]:
    crew = await make.crew()
    video = gid(await make.video(crew))
    return crew, video, (await crew.owner.client.run("Video", id=video))["extensions"]["position"]


async def edit(crew: Crew, video: str, title: str) -> None:
    await crew.owner.client.do("EditVideo", input={"id": video, "title": title})


async def told(socket: Socket) -> Any:
    message = await asyncio.wait_for(socket.told(), 10)
    assert message["type"] == "next", message
    return message["payload"]


async def test_one_execution_for_all_of_a_role(make: Factory, studio: Studio) -> None:
    crew, video, after = await a_video(make)
    viewers = [crew.viewer, await make.member(crew.team, Role.VIEWER), await make.member(crew.team, Role.VIEWER)]
    rooms = await figure(studio, "live_rooms")
    async with following(studio, [*viewers, crew.editor], SHARED, video, after) as sockets:
        await until(lambda: figure_is(studio, "live_rooms", rooms + 2))
        executions, deliveries = (
            await figure(studio, "live_executions_total"),
            await figure(studio, "live_deliveries_total"),
        )
        await edit(crew, video, "Together")
        answers = [await told(socket) for socket in sockets]
        assert answers[0] == answers[1] == answers[2]
        assert answers[0]["data"]["videoChanged"]["video"]["title"] == "Together"
        assert "VIDEO_EDIT" not in answers[0]["data"]["videoChanged"]["video"]["team"]["viewerCan"]
        assert "VIDEO_CREATE" in answers[3]["data"]["videoChanged"]["video"]["team"]["viewerCan"]
        assert await figure(studio, "live_executions_total") == executions + 2
        assert await figure(studio, "live_deliveries_total") == deliveries + 4
    await until(lambda: figure_is(studio, "live_rooms", rooms))


async def figure_is(studio: Studio, name: str, expected: float) -> bool:
    return await figure(studio, name) == expected


async def test_variables_that_nobody_asks_for_part_nobody_and_may_be_anything(make: Factory, studio: Studio) -> None:
    crew, video, after = await a_video(make)
    rooms, deep = await figure(studio, "live_rooms"), list[Any]()
    for _ in range(300):
        deep = [deep]
    people = [crew.viewer, await make.member(crew.team, Role.VIEWER)]
    async with following(studio, people, SHARED, video, after, unasked=deep) as sockets:
        await until(lambda: figure_is(studio, "live_rooms", rooms + 1))
        async with following(studio, people[:1], SHARED, video, after) as (socket,):
            await edit(crew, video, "The same")
            for each in (*sockets, socket):
                assert (await told(each))["data"]["videoChanged"]["video"]["title"] == "The same"
            assert await figure(studio, "live_rooms") == rooms + 1


async def test_what_is_ones_own_is_told_to_each_alone(make: Factory, studio: Studio) -> None:
    crew, video, after = await a_video(make)
    other = await make.crew()
    await Member.create(team_id=other.team.id, user_id=crew.owner.user.id, role=Role.VIEWER)
    await Member.create(team_id=other.team.id, user_id=crew.viewer.user.id, role=Role.VIEWER)
    colleague = await make.member(crew.team, Role.VIEWER)
    async with following(studio, [crew.viewer, colleague], PERSONAL, video, after) as sockets:
        await edit(crew, video, "Of the owner of two teams")
        both, one = [
            (await told(socket))["data"]["videoChanged"]["actor"]["memberships"]["nodes"] for socket in sockets
        ]
        assert (len(both), len(one)) == (2, 1)


async def test_who_has_left_is_shown_to_none_though_some_share_another_team(make: Factory, studio: Studio) -> None:
    crew, video, after = await a_video(make)
    other = await make.crew()
    await Member.create(team_id=other.team.id, user_id=crew.editor.user.id, role=Role.VIEWER)
    await Member.create(team_id=other.team.id, user_id=crew.viewer.user.id, role=Role.VIEWER)
    colleague = await make.member(crew.team, Role.VIEWER)
    await crew.editor.client.do("EditVideo", input={"id": video, "title": "My last"})
    await Member.filter(team_id=crew.team.id, user_id=crew.editor.user.id).delete()
    async with following(studio, [crew.viewer, colleague], SHARED, video, after) as sockets:
        both, one = [await told(socket) for socket in sockets]
        assert both == one
        assert both["data"]["videoChanged"]["actor"] is None


async def test_who_was_put_out_by_hand_is_told_nothing_of_what_happens_then(make: Factory, studio: Studio) -> None:
    """No event tells of it: that others have the role is seen by the team's mark, which the database changes."""
    crew, video, after = await a_video(make)
    colleague = await make.member(crew.team, Role.VIEWER)
    async with following(studio, [crew.viewer, colleague], SHARED, video, after) as (gone, left):
        await edit(crew, video, "For both")
        for socket in (gone, left):
            assert (await told(socket))["data"]["videoChanged"]["video"]["title"] == "For both"
        await Member.filter(team_id=crew.team.id, user_id=crew.viewer.user.id).delete()
        await edit(crew, video, "For one")
        assert (await told(left))["data"]["videoChanged"]["video"]["title"] == "For one"
        message = await asyncio.wait_for(gone.told(), 10)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "NOT_FOUND")


async def test_another_role_is_another_room_and_nothing_is_missed(make: Factory, studio: Studio) -> None:
    crew, video, after = await a_video(make)
    async with following(studio, [crew.viewer], SHARED, video, after) as (socket,):
        heard = []
        for number in range(12):
            await edit(crew, video, str(number))
            if number % 4 == 1:
                await change_role(crew, crew.viewer, Role.ADMIN if number == 1 else Role.VIEWER)
        while len(heard) < 12:
            heard.append(await told(socket))
        positions = [answer["extensions"]["eventId"] for answer in heard]
        assert positions == sorted(set(positions))
        await change_role(crew, crew.viewer, Role.ADMIN)
        await edit(crew, video, "As an admin")
        rights = (await told(socket))["data"]["videoChanged"]["video"]["team"]["viewerCan"]
        assert "TEAM_RENAME" in rights


async def test_a_beginning_that_is_made_after_the_loss_is_not_told(make: Factory, studio: Studio) -> None:
    """Redis takes its time here: so long a room does not begin, and nobody hears of the loss."""
    crew, video, _ = await a_video(make)
    rooms, heard = await figure(studio, "live_rooms"), list[Any]()
    async with standing_still(studio) as go_on, crew.viewer.client.follow("Presence", videoId=video) as events:
        await until(lambda: figure_is(studio, "live_rooms", rooms + 1))
        await remove(crew, crew.viewer)
        go_on()
        code, _ = await end_of(events, heard)
        assert (code, heard) == ("NOT_FOUND", [])


@asynccontextmanager
async def standing_still(studio: Studio) -> AsyncIterator[Callable[[], None]]:
    """Redis answers nobody, until what is given here is called."""
    async with Redis.from_url(studio.redis_url) as redis:
        process = (await redis.info("server"))["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield lambda: os.kill(process, signal.SIGCONT)
    finally:
        os.kill(process, signal.SIGCONT)
