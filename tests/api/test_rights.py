"""Whoever loses a right loses within a second what hung on it, in every API process; nobody else notices anything."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from tortoise.context import TortoiseContext
from websockets.exceptions import ConnectionClosed

from domain.clock import utc_now
from domain.events import Event, MemberRemoved, MemberRoleChanged, TeamDeleted
from domain.jobs import JobKind
from domain.permissions import Role
from domain.tokens import new_token, token_hash
from edge.reviews import RECHECK_SECONDS
from local.client import Client, OperationFailed, Subscription
from local.redis import EmbeddedRedis
from models import EventRecord, Job, Member, Session
from models.database import configuration, transaction
from models.events import record
from tests.api.test_sockets import ACK, Socket, opened
from tests.conftest import fresh_database
from tests.factories import Crew, Factory, Person, gid
from tests.studio import Studio, running
from tests.waiting import until

AT_ONCE, A_TICK = 1.0, 0.01
"""Seconds; the second is what timers may be early by."""
CHANGED = "subscription($id: ID!) {videoChanged(id: $id) {type}}"


@pytest.fixture(scope="module")
def other(studio: Studio) -> Iterator[Studio]:
    """Another API process of the same product, at an address of its own."""
    folder = studio.folder / "other"
    folder.mkdir()
    with running(Studio(folder, studio.database_url, studio.redis_url), "api") as other:
        yield other


@dataclass
class Show:
    """A team, and a video of it that people watch."""

    crew: Crew
    video: str


async def a_show(make: Factory) -> Show:
    crew = await make.crew()
    return Show(crew, gid(await make.video(crew)))


async def next_of(events: Subscription) -> dict[str, Any]:
    return await asyncio.wait_for(anext(events), 10)


async def tell(event: type[Event], crew: Crew, member: Member | None = None, **about: Any) -> None:
    whom = {} if member is None else {"member_id": member.id, "user_id": member.user_id}
    await record(event(team_id=crew.team.id, actor_id=crew.owner.user.id, **whom, **about), utc_now())


async def remove(crew: Crew, person: Person) -> float:
    """Puts somebody out of the team; answers when that was so."""
    async with transaction():
        member = await Member.get(user_id=person.user.id, team_id=crew.team.id)
        await member.delete()
        await tell(MemberRemoved, crew, member, role=member.role.value)
    return time.monotonic()


async def change_role(crew: Crew, person: Person, role: Role) -> None:
    async with transaction():
        member = await Member.get(user_id=person.user.id, team_id=crew.team.id)
        former, member.role = member.role, role
        await member.save()
        await tell(MemberRoleChanged, crew, member, role=role.value, former_role=former.value)


async def end_of(events: Subscription, heard: list[Any] | None = None) -> tuple[str, float]:
    """The code of the error with which the subscription ends, and when it came; `heard` gets what came before."""
    heard = [] if heard is None else heard
    try:
        while True:
            heard.append(await asyncio.wait_for(anext(events), 20))
    except OperationFailed as failed:
        (error,) = failed.args[0]
        return error["extensions"]["code"], time.monotonic()


async def closing(socket: Socket) -> tuple[int | None, float]:
    """The code with which the socket is closed, and when."""
    with suppress(ConnectionClosed):
        while True:
            await asyncio.wait_for(socket.told(), 20)
    return socket.connection.close_code, time.monotonic()


@asynccontextmanager
async def watching(person: Person, show: Show, studio: Studio | None = None) -> AsyncIterator[Subscription]:
    """A subscription to the video that runs already, in this process."""
    url = studio.url if studio else person.client.url
    async with Client(url, person.client.token) as client:
        position = (await client.run("Video", id=show.video))["extensions"]["position"]
        async with client.follow("VideoChanged", id=show.video, after=position) as events:
            await edit(show)
            assert (await next_of(events))["data"]["videoChanged"]["type"] == "video.edited"
            yield events


async def edit(show: Show, title: str | None = None) -> None:
    title = title or f"At {time.monotonic()}"
    await show.crew.owner.client.do("EditVideo", input={"id": show.video, "title": title})


async def test_a_lost_membership_ends_subscriptions_in_every_process(make: Factory, other: Studio) -> None:
    show = await a_show(make)
    crew = show.crew
    async with (
        watching(crew.viewer, show) as here,
        watching(crew.viewer, show, other) as there,
        watching(crew.editor, show, other) as colleague,
    ):
        lost_at = await remove(crew, crew.viewer)
        for code, ended_at in await asyncio.gather(end_of(here), end_of(there)):
            assert code == "NOT_FOUND"
            assert ended_at - lost_at < AT_ONCE
        await edit(show, "Among ourselves")
        assert (await next_of(colleague))["data"]["videoChanged"]["video"]["title"] == "Among ourselves"


async def test_what_else_runs_on_the_socket_goes_on(make: Factory, studio: Studio) -> None:
    lost, kept = await a_show(make), await a_show(make)
    person = lost.crew.viewer
    await Member.create(team_id=kept.crew.team.id, user_id=person.user.id, role=Role.VIEWER)
    async with opened(studio) as socket:
        await socket.init({"token": person.client.token})
        for name, show in (("lost", lost), ("kept", kept)):
            await socket.send(id=name, type="subscribe", payload={"query": CHANGED, "variables": {"id": show.video}})
            await until_it_hears(socket, name, show)
        await remove(lost.crew, person)
        assert await next_about(socket, "lost") == "error"
        assert await socket.viewer() == {"id": person.id}
        await until_it_hears(socket, "kept", kept)


async def until_it_hears(socket: Socket, name: str, show: Show) -> None:
    """Edits until the subscription tells of it: then it runs."""
    async with asyncio.timeout(10):
        while True:
            await edit(show)
            try:
                async with asyncio.timeout(0.2):
                    assert await next_about(socket, name) == "next"
                    return
            except TimeoutError:
                continue


async def next_about(socket: Socket, name: str) -> str:
    async with asyncio.timeout(10):
        while (message := await socket.told()).get("id") != name:
            pass
    return str(message["type"])


async def test_a_role_that_still_allows_it_changes_nothing(make: Factory, other: Studio) -> None:
    show = await a_show(make)
    crew = show.crew
    async with transaction():
        job = await Job.enqueue(JobKind.INGEST, utc_now(), payload={}, team_id=crew.team.id)
        job.available_at = utc_now().replace(year=2100)  # nobody takes it
        await job.save()
    async with (
        watching(crew.editor, show, other) as changes,
        crew.editor.client.follow("JobProgress", id=gid(job)) as progress,
    ):
        assert (await next_of(progress))["data"]["jobProgress"]["state"] == "QUEUED"
        await change_role(crew, crew.editor, Role.VIEWER)
        await edit(show, "Seen by viewers, too")
        assert (await next_of(changes))["data"]["videoChanged"]["video"]["title"] == "Seen by viewers, too"
        await crew.owner.client.do("CancelJob", id=gid(job))
        assert [event["data"]["jobProgress"]["state"] async for event in progress][-1] == "CANCELLED"


async def test_nothing_that_happens_after_the_loss_is_told(make: Factory) -> None:
    show = await a_show(make)
    crew = show.crew
    async with watching(crew.viewer, show) as events:
        edits = asyncio.create_task(many_edits(show, 40))
        heard = [await next_of(events) for _ in range(5)]
        lost_at = await remove(crew, crew.viewer)
        code, ended_at = await end_of(events, heard)
        await edits
    assert code == "NOT_FOUND"
    assert ended_at - lost_at < AT_ONCE
    loss = await EventRecord.get(type="member.removed", team_id=crew.team.id)
    told = [event["extensions"]["eventId"] for event in heard]
    await until(lambda: EventRecord.exists(type="video.edited", team_id=crew.team.id, position__gt=loss.position + 9))
    assert len(told) >= 5
    assert max(told) < loss.position


async def many_edits(show: Show, count: int) -> None:
    for _ in range(count):
        await edit(show)


async def test_a_team_that_goes_takes_the_subscriptions_of_all_its_members(make: Factory, other: Studio) -> None:
    show = await a_show(make)
    async with AsyncExitStack() as stack:
        people = show.crew.everybody().values()
        followed = [await stack.enter_async_context(watching(person, show, other)) for person in people]
        async with transaction():
            await Member.filter(team_id=show.crew.team.id).delete()
            await tell(TeamDeleted, show.crew)
        gone_at = time.monotonic()
        for code, ended_at in await asyncio.gather(*map(end_of, followed)):
            assert code == "NOT_FOUND"
            assert ended_at - gone_at < AT_ONCE


async def test_a_session_that_ends_here_closes_its_sockets_there(make: Factory, other: Studio) -> None:
    person = await make.person()
    token = await another_session(person)
    async with opened(other) as first, opened(other) as second, opened(other) as kept:
        for socket in (first, second):
            assert await socket.init({"token": person.client.token}) == ACK
        assert await kept.init({"token": token}) == ACK
        await person.client.do("SignOut")
        ended_at = time.monotonic()
        for code, closed_at in await asyncio.gather(closing(first), closing(second)):
            assert code == 4403
            assert closed_at - ended_at < AT_ONCE
        assert await kept.viewer() == {"id": person.id}
    told = await EventRecord.get(type="session.ended", actor_id=person.user.id)
    assert (told.team_id, told.address, told.payload["user_id"]) == (
        None,
        person.client.http.headers["X-Forwarded-For"],
        str(person.user.id),
    )


async def another_session(person: Person, lasts: timedelta = timedelta(days=1)) -> str:
    token = new_token()
    await Session.create(user_id=person.user.id, token_hash=token_hash(token), expires_at=utc_now() + lasts)
    return token


async def test_a_session_whose_time_has_come_loses_its_sockets(make: Factory, studio: Studio) -> None:
    person = await make.person()
    lasts = timedelta(seconds=1.5)
    ends_at = time.monotonic() + lasts.total_seconds()
    token = await another_session(person, lasts)
    async with opened(studio) as socket:
        assert await socket.init({"token": token}) == ACK
        code, closed_at = await closing(socket)
        assert code == 4403
        assert -A_TICK < closed_at - ends_at < AT_ONCE


async def test_a_session_that_ends_while_its_sockets_connect_keeps_none(make: Factory, studio: Studio) -> None:
    for _ in range(15):
        person = await make.person()
        async with opened(studio) as socket:
            ended = asyncio.create_task(person.client.do("SignOut"))
            await socket.send(type="connection_init", payload={"token": person.client.token})
            await ended
            ended_at = time.monotonic()
            code, closed_at = await closing(socket)
            assert code == 4403
            assert closed_at - ended_at < AT_ONCE


async def test_a_right_that_is_lost_while_a_subscription_begins_is_lost_to_it(make: Factory) -> None:
    show = await a_show(make)
    for _ in range(15):
        person = await make.member(show.crew.team, Role.VIEWER)
        async with person.client.follow("VideoChanged", id=show.video) as events:
            lost_at = await remove(show.crew, person)
            code, ended_at = await end_of(events)
            assert code == "NOT_FOUND"
            assert ended_at - lost_at < AT_ONCE


async def test_without_redis_it_takes_a_few_seconds_and_with_it_again_none(studio: Studio, number: int) -> None:
    folder = studio.folder / "mortal"
    folder.mkdir()
    url = await fresh_database(f"mortal{number}")
    async with TortoiseContext() as context:
        await context.init(config=configuration(url, connections=4))
        with (
            EmbeddedRedis(folder / "redis", lasting=False) as redis,
            running(Studio(folder, url, redis.url()), "api", "relay") as mortal,
        ):
            make = Factory(mortal.url)
            show = await a_show(make)
            crew = show.crew
            async with (
                watching(crew.viewer, show) as early,
                watching(crew.editor, show) as late,
                watching(crew.admin, show) as kept,
            ):
                kill(redis)
                lost_at = await remove(crew, crew.viewer)
                code, ended_at = await end_of(early)
                assert code == "NOT_FOUND"
                assert ended_at - lost_at < RECHECK_SECONDS + AT_ONCE
                redis.start()
                await edit(show, "Redis is back")
                await until_told(kept, "Redis is back")
                lost_at = await remove(crew, crew.editor)
                code, ended_at = await end_of(late)
                assert code == "NOT_FOUND"
                assert ended_at - lost_at < AT_ONCE
            await make.close()


def kill(redis: EmbeddedRedis) -> None:
    assert redis.process is not None
    redis.process.kill()
    redis.process.wait()


async def until_told(events: Subscription, title: str) -> None:
    while (await next_of(events))["data"]["videoChanged"]["video"]["title"] != title:
        pass
