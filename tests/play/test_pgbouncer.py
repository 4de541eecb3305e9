"""The whole product behind a real PgBouncer in transaction mode, of a version that knows no prepared statements."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from tortoise.context import TortoiseContext

from domain.ids import new_id
from local.programs import ROOT
from local.redis import EmbeddedRedis
from models.database import configuration
from models.lines import Lines
from models.reading import Snapshot
from tests import clips, services
from tests.api.test_live import next_of
from tests.conftest import fresh_database
from tests.factories import Factory, gid
from tests.play.test_files import sent
from tests.pooler import PROGRAM, PgBouncer
from tests.studio import WORKERS, Studio, running

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no pgbouncer here: apt-get install pgbouncer")
SESSIONS = 3


@pytest.fixture(scope="module")
async def direct() -> str:
    """The database itself."""
    return await fresh_database(f"pooled{new_id().hex}")


@pytest.fixture(scope="module")
def pooled(direct: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same by way of the pooler."""
    path, _, socket = direct.partition("?host=")
    with PgBouncer(tmp_path_factory.mktemp("pooler"), socket, sessions=SESSIONS) as pooler:
        yield pooler.url(path.rpartition("/")[2])


@pytest.fixture(scope="module")
def studio(direct: str, pooled: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio", numbered=True)
    settings = {"DATABASE_POOLER": "transaction", "DATABASE_DIRECT_URL": direct}
    with (
        EmbeddedRedis(Path(services.where()["folder"]) / f"redis{new_id().hex}", lasting=False) as redis,
        running(Studio(folder, pooled, redis.url(), **settings), "api", *WORKERS) as studio,
    ):
        yield studio


@pytest.fixture
async def make(studio: Studio, direct: str) -> AsyncIterator[Factory]:
    async with TortoiseContext() as context:
        await context.init(config=configuration(direct, connections=2))
        factory = Factory(studio.url)
        yield factory
        await factory.close()


async def test_the_pooler_is_one_that_gives_each_transaction_another_session(pooled: str) -> None:
    """Or nothing here would show anything."""
    one, other = [await asyncpg.connect(pooled, statement_cache_size=100) for _ in range(2)]
    try:
        await one.fetch("SELECT 1")
        await other.execute("BEGIN")  # takes the session that was used last, in which the statement is prepared
        with pytest.raises(asyncpg.InvalidSQLStatementNameError):
            await one.fetch("SELECT 1")
    finally:
        one.terminate()
        other.terminate()


async def test_a_video_is_made_edited_and_followed(make: Factory) -> None:
    crew = await make.crew()
    client = crew.editor.client
    video = (await client.do("CreateVideo", input={"teamId": crew.id, "title": "Rough"}))["id"]
    position = (await client.run("Video", id=video))["extensions"]["position"]
    async with crew.viewer.client.follow("VideoChanged", id=video, after=position) as events:
        await client.do("EditVideo", input={"id": video, "title": "Fine"})
        told = await next_of(events)
        while told["data"]["videoChanged"]["type"] != "video.edited":
            told = await next_of(events)
    assert told["data"]["videoChanged"]["video"]["title"] == "Fine"


async def test_an_upload_becomes_a_version(make: Factory, tmp_path: Path) -> None:
    crew, video, job = await sent(make, clips.make_clip(tmp_path / "cut.mp4", seconds=1))
    assert (job["state"], job["failure"]) == ("SUCCEEDED", None)
    assert (await crew.viewer.client.do("Video", id=video))["versionCount"] == 1


async def test_many_at_once_share_few_sessions(make: Factory, studio: Studio) -> None:
    crew = await make.crew()
    videos = [gid(await make.video(crew, title=f"Cut {number}")) for number in range(5)]
    people = [person.client for person in crew.everybody().values()]

    async def reads_and_writes(number: int) -> str:
        client, video = people[number % len(people)], videos[number % len(videos)]
        if number % 5 == 0:
            await crew.editor.client.do("EditVideo", input={"id": video, "title": f"Cut {number}"})
        return str((await client.do("Video", id=video))["id"])

    answers = await asyncio.gather(*(reads_and_writes(number) for number in range(60)))
    assert answers == [videos[number % len(videos)] for number in range(60)]
    assert '"level":"error"' not in studio.log("api")


async def test_an_operation_has_one_session_to_itself(pooled: str) -> None:
    async with Lines(pooled, connections=4, pooler=True) as lines:

        async def pids() -> set[int]:
            async with Snapshot(lines) as fetch:
                return {(await fetch("SELECT pg_backend_pid() AS pid", ()))[0]["pid"] for _ in range(5)}

        found = await asyncio.gather(*(pids() for _ in range(4)))
    assert [len(of_one) for of_one in found] == [1] * 4


async def test_what_reads_in_a_snapshot_cannot_write_nor_compile(pooled: str) -> None:
    async with Lines(pooled, connections=1, pooler=True) as lines, Snapshot(lines) as fetch:
        for _ in range(2):  # a fault between them undoes nothing of it
            assert (await fetch("SHOW jit", ()))[0]["jit"] == "off"
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await fetch("DELETE FROM teams", ())


def test_migrations_go_past_the_pooler(studio: Studio) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "models.migrate"], cwd=ROOT, env=studio.environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
