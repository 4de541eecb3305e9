"""The product with a replica: what is read there, what is not, and what happens without it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx
import pytest
from tortoise.context import TortoiseContext

from local.client import document
from local.postgres import EmbeddedPostgres
from local.programs import ROOT
from local.redis import EmbeddedRedis
from models.database import configuration
from tests.api.test_live import next_of
from tests.factories import Crew, Factory, Person, gid
from tests.standby import StandbyPostgres
from tests.studio import Studio, running
from tests.waiting import until

NAME = "studio"
REPLICA_READS = 'graphql_reads_total{server="replica"}'
FIT = 'database_fit{server="replica"}'


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("primary"), lasting=True) as primary:
        primary.create_database(NAME)
        yield primary


@pytest.fixture(scope="module")
def replica(primary: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandbyPostgres]:
    with StandbyPostgres(tmp_path_factory.mktemp("replica"), primary) as replica:
        yield replica


@pytest.fixture(scope="module")
def studios(
    primary: EmbeddedPostgres, replica: StandbyPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Studio]]:
    """Two API processes with addresses of their own, and one relay."""
    folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    with EmbeddedRedis(tmp_path_factory.mktemp("redis"), lasting=False) as redis:
        first, second = (
            Studio(
                folder,
                primary.url(NAME),
                redis.url(),
                DATABASE_REPLICA_URL=replica.url(NAME),
                ENVIRONMENT="development",  # where the plan can be switched off
            )
            for folder in folders
        )
        subprocess.run([sys.executable, "-m", "models.migrate"], cwd=ROOT, env=first.environment, check=True)
        with running(first, "api", "relay"), running(second, "api"):
            yield [first, second]


@pytest.fixture
async def make(studios: list[Studio], primary: EmbeddedPostgres) -> AsyncIterator[Factory]:
    async with TortoiseContext() as context:
        await context.init(config=configuration(primary.url(NAME), connections=2))
        factory = Factory(studios[0].url)
        yield factory
        await factory.close()


@pytest.fixture
async def crew(make: Factory, primary: EmbeddedPostgres, replica: StandbyPostgres) -> Crew:
    """A team that the replica has, too."""
    crew = await make.crew()
    await agreed(primary, replica)
    return crew


async def agreed(primary: EmbeddedPostgres, replica: StandbyPostgres) -> None:
    """Returns when the replica has all of what the primary has now."""
    here, there = await asyncpg.connect(primary.url(NAME)), await asyncpg.connect(replica.url(NAME))
    try:
        lsn = await here.fetchval("SELECT pg_current_wal_insert_lsn()::text")
        await until(lambda: there.fetchval("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", lsn))
    finally:
        await here.close()
        await there.close()


async def asked(person: Person, studio: Studio, video: str, *, plan: str = "on", **extensions: Any) -> tuple[str, int]:
    """A video's title as that process answers it, and the position that the answer has."""
    body = {"query": document("Video"), "operationName": "Video", "variables": {"id": video}, "extensions": extensions}
    headers = person.client.headers() | {"X-Plan": plan}
    answer = (await person.client.http.post(f"{studio.url}/graphql", json=body, headers=headers)).json()
    return answer["data"]["video"]["title"], answer["extensions"]["position"]


async def figure(studio: Studio, name: str) -> float:
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"{studio.url}/metrics")).text
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)), 0.0)


@pytest.fixture
async def old(crew: Crew, make: Factory, primary: EmbeddedPostgres, replica: StandbyPostgres) -> AsyncIterator[str]:
    """A video that is called Old on the replica, which is held, and New in truth: by the editor, through the API."""
    video = gid(await make.video(crew, title="Old"))
    await agreed(primary, replica)
    replica.hold()
    try:
        await crew.editor.client.do("EditVideo", input={"id": video, "title": "New"})
        yield video
    finally:
        replica.go_on()


@pytest.mark.parametrize("plan", ["on", "off"])
async def test_who_has_written_reads_it_and_who_has_not_reads_the_replica(
    crew: Crew, old: str, studios: list[Studio], plan: str
) -> None:
    for studio in studios:
        assert (await asked(crew.editor, studio, old, plan=plan))[0] == "New"
        assert (await asked(crew.viewer, studio, old, plan=plan))[0] == "Old"


async def test_a_key_reads_what_it_has_written_and_not_what_its_persons_session_has(
    crew: Crew, old: str, make: Factory, studios: list[Studio]
) -> None:
    """A key is known by itself: the replica may answer one that has written nothing."""
    writing, reading = [Person(crew.editor.user, await make.key(crew.editor)) for _ in range(2)]
    await writing.client.do("EditVideo", input={"id": old, "title": "By a key"})
    for studio in studios:
        assert (await asked(writing, studio, old))[0] == "By a key"
        assert (await asked(reading, studio, old))[0] == "Old"


async def test_nobody_ever_misses_what_they_have_written(
    crew: Crew, make: Factory, studios: list[Studio], primary: EmbeddedPostgres, replica: StandbyPostgres
) -> None:
    """With a replica that follows as fast as it can, and processes that know nothing of each other."""
    read_there = await figure(studios[1], REPLICA_READS)

    async def writes_and_reads(person: Person) -> None:
        video = gid(await make.video(crew))
        for number in range(25):
            await person.client.do("EditVideo", input={"id": video, "title": f"Cut {number}"})
            assert (await asked(person, studios[number % 2], video))[0] == f"Cut {number}"

    await asyncio.gather(*(writes_and_reads(person) for person in (crew.owner, crew.admin, crew.editor)))
    video = gid(await make.video(crew, title="Untouched"))
    await agreed(primary, replica)
    assert (await asked(crew.viewer, studios[1], video))[0] == "Untouched"
    assert await figure(studios[1], REPLICA_READS) > read_there


async def test_who_has_written_reads_the_replica_again_when_it_has_come_so_far(
    crew: Crew, old: str, studios: list[Studio], replica: StandbyPostgres
) -> None:
    replica.go_on()
    before = await figure(studios[1], REPLICA_READS)

    async def reads_there() -> bool:
        assert (await asked(crew.editor, studios[1], old))[0] == "New"
        return await figure(studios[1], REPLICA_READS) > before

    await until(reads_there)


async def test_an_answer_is_as_new_as_it_is_asked_to_be(crew: Crew, old: str, studios: list[Studio]) -> None:
    async def position() -> int:
        return (await asked(crew.editor, studios[1], old))[1]

    before = (await asked(crew.viewer, studios[1], old))[1]

    async def has_a_position() -> bool:
        return await position() > before

    await until(has_a_position)  # the relay has handed the edit on
    assert (await asked(crew.viewer, studios[1], old, position=await position()))[0] == "New"


async def test_from_an_old_answer_a_subscription_misses_nothing(crew: Crew, old: str, studios: list[Studio]) -> None:
    title, position = await asked(crew.viewer, studios[0], old)
    assert title == "Old"
    async with crew.viewer.client.follow("VideoChanged", id=old, after=position) as events:
        event = await next_of(events)
    assert event["data"]["videoChanged"]["video"]["title"] == "New"  # and is told as it is, not as the replica has it


async def test_a_new_session_reads_what_its_beginning_has_written(
    crew: Crew, old: str, studios: list[Studio], make: Factory
) -> None:
    """Signing in writes: the replica, which is held, does not know the session nor who came with it."""
    from resolvers.passwords import hash_password

    newcomer = await make.person("Grace")
    newcomer.user.password_hash = await hash_password("a long enough password", path=())
    await newcomer.user.save()
    client = make.client()
    await client.sign_in(newcomer.user.email, "a long enough password")
    assert (await client.ask("{ viewer { name } }"))["data"]["viewer"]["name"] == "Grace"


@pytest.mark.parametrize("plan", ["on", "off"])
async def test_without_the_replica_everything_goes_on(
    crew: Crew, make: Factory, studios: list[Studio], primary: EmbeddedPostgres, replica: StandbyPostgres, plan: str
) -> None:
    video = gid(await make.video(crew, title="Steady"))
    await agreed(primary, replica)
    await until(lambda: _is(studios[0], FIT, 1))
    said = studios[0].log("api").count("replica.left_alone")
    replica.die()
    try:
        for _ in range(20):
            assert (await asked(crew.viewer, studios[0], video, plan=plan))[0] == "Steady"
        await until(lambda: _is(studios[0], FIT, 0))
        assert studios[0].log("api").count("replica.left_alone") == said + 1
    finally:
        replica.start()
    await until(lambda: _is(studios[0], FIT, 1))
    assert (await asked(crew.viewer, studios[0], video, plan=plan))[0] == "Steady"


async def _is(studio: Studio, name: str, value: float) -> bool:
    return await figure(studio, name) == value
