"""What takes too long, and what nobody waits for any more: it is gone from the database too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import asyncpg
import httpx
import pytest

from models import Video
from tests.api.test_sockets import Socket, signed_in
from tests.factories import Crew, Factory, gid
from tests.own import own_studio
from tests.studio import Studio
from tests.waiting import until

TITLE = "query ($id: ID!) { video(id: $id) { title } }"
CHANGED = "subscription ($id: ID!) { videoChanged(id: $id) { video { title comments { totalCount } } } }"
RUNNING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'
"""
WAYS = ("complete", "close", "cut")
"""In which a client stops over a socket."""
AT_ONCE = 3
"""Seconds, long before the ten that an operation has; the slack is for slow machines."""


@pytest.fixture(scope="module")
async def own() -> AsyncIterator[tuple[Studio, Factory]]:
    """A product of these tests' own: they lock its videos."""
    async with own_studio("api", "relay") as made:
        yield made


@pytest.fixture
def studio(own: tuple[Studio, Factory]) -> Studio:
    return own[0]


@pytest.fixture
async def crew(own: tuple[Studio, Factory]) -> Crew:
    return await own[1].crew()


@pytest.fixture
async def video(own: tuple[Studio, Factory], crew: Crew) -> str:
    return gid(await own[1].video(crew))


class Locked:
    """While a table is locked, whoever reads it waits in the database."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def until_running(self, count: int, seconds: float = AT_ONCE) -> None:
        async def so_many() -> bool:
            return int(await self._connection.fetchval(RUNNING)) == count

        await until(so_many, seconds)


@asynccontextmanager
async def locked(studio: Studio, table: str = "videos") -> AsyncIterator[Locked]:
    holding, looking = [await asyncpg.connect(studio.database_url) for _ in range(2)]
    try:
        async with holding.transaction():
            await holding.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield Locked(looking)
    finally:
        await holding.close()
        await looking.close()


async def begin(socket: Socket, query: str, video: str) -> None:
    await socket.send(id="1", type="subscribe", payload={"query": query, "variables": {"id": video}})


async def test_what_takes_ten_seconds_is_cancelled_in_the_database(studio: Studio, crew: Crew, video: str) -> None:
    """Over HTTP and over a socket, at once."""
    client = crew.owner.client
    async with signed_in(studio, client.token) as socket, locked(studio) as lock:
        began = monotonic()
        asked = asyncio.create_task(client.ask(TITLE, None, {"id": video}))
        await begin(socket, TITLE, video)
        await lock.until_running(2)
        answer, told = await asked, await socket.told()
        assert 9 < monotonic() - began < 10 + AT_ONCE
        for each in (answer, told["payload"]):
            assert each["data"] is None
            assert [error["extensions"]["code"] for error in each["errors"]] == ["TIMEOUT"]
        await lock.until_running(0)


async def test_an_event_that_takes_ten_seconds_is_cancelled_too(studio: Studio, crew: Crew, video: str) -> None:
    client = crew.owner.client
    async with signed_in(studio, client.token) as listener:
        await begin(listener, CHANGED, video)
        await client.do("EditVideo", input={"id": video, "title": "Heard"})
        heard = (await listener.told())["payload"]["data"]["videoChanged"]
        assert heard["video"] == {"title": "Heard", "comments": {"totalCount": 0}}
        studio.stop("relay")
        await client.do("EditVideo", input={"id": video, "title": "Told later"})
        async with locked(studio, "comments") as lock:
            studio.start("relay")
            await lock.until_running(1, 20)
            told = (await asyncio.wait_for(listener.told(), 20))["payload"]
            assert [error["extensions"]["code"] for error in told["errors"]] == ["TIMEOUT"]
            await lock.until_running(0)


async def test_who_hangs_up_over_http_leaves_nothing_running(studio: Studio, crew: Crew, video: str) -> None:
    async with locked(studio) as lock:
        for _ in range(2):
            async with httpx.AsyncClient(base_url=studio.url, headers=crew.owner.client.headers()) as client:
                body = {"query": TITLE, "variables": {"id": video}}
                asking = asyncio.create_task(client.post("/graphql", json=body))
                await lock.until_running(1)
                asking.cancel()
            await lock.until_running(0)
    await until(lambda: studio.log("api").count('"status": 499') + studio.log("api").count('"status":499') == 2)


async def test_a_mutation_is_brought_to_its_end_though_nobody_waits(studio: Studio, crew: Crew, video: str) -> None:
    edit = 'mutation ($id: ID!) { editVideo(input: {id: $id, title: "Done"}) { __typename } }'
    async with locked(studio) as lock:
        async with httpx.AsyncClient(base_url=studio.url, headers=crew.owner.client.headers()) as client:
            asking = asyncio.create_task(client.post("/graphql", json={"query": edit, "variables": {"id": video}}))
            await lock.until_running(1)
            asking.cancel()
        with pytest.raises(AssertionError):
            await lock.until_running(0, 1.5)

    async def done() -> bool:
        return await Video.filter(team_id=crew.team.id, title="Done").exists()

    await until(done)


@pytest.mark.parametrize("way", WAYS)
async def test_so_is_one_over_a_socket(studio: Studio, crew: Crew, video: str, way: str) -> None:
    edit = 'mutation ($id: ID!) { editVideo(input: {id: $id, title: "Done"}) { __typename } }'
    async with signed_in(studio, crew.owner.client.token) as socket, locked(studio) as lock:
        await begin(socket, edit, video)
        await lock.until_running(1)
        await stop(socket, way)
        with pytest.raises(AssertionError):
            await lock.until_running(0, 1.5)

    async def done() -> bool:
        return await Video.filter(team_id=crew.team.id, title="Done").exists()

    await until(done)


async def stop(socket: Socket, way: str) -> None:
    match way:
        case "complete":
            await socket.send(id="1", type="complete")
        case "close":
            await socket.connection.close()
        case "cut":
            socket.connection.transport.abort()


@pytest.mark.parametrize("way", WAYS)
async def test_who_stops_over_a_socket_leaves_nothing_running(studio: Studio, crew: Crew, video: str, way: str) -> None:
    async with signed_in(studio, crew.owner.client.token) as socket, locked(studio) as lock:
        await begin(socket, TITLE, video)
        await lock.until_running(1)
        await stop(socket, way)
        await lock.until_running(0)


async def test_a_long_answer_reaches_who_waits_for_it(studio: Studio, crew: Crew, video: str) -> None:
    """Somebody who is looked after, and is still there."""
    client = crew.owner.client
    async with locked(studio) as lock:
        asked: asyncio.Task[dict[str, Any]] = asyncio.create_task(client.ask(TITLE, None, {"id": video}))
        await lock.until_running(1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asked), 1.5)
    assert (await asked)["data"] == {"video": {"title": "A cut"}}
