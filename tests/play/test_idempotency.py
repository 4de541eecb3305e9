"""A process that is killed around the end of a mutation: whoever sends it again under its key finds it done once.

What a key costs is counted here, too: in the log of a database that is nobody else's.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from models import Comment, EventRecord, IdempotencyKey, Video
from tests import services
from tests.api.test_deadlines import locked
from tests.factories import Crew, Factory, gid
from tests.own import own_studio
from tests.repeating import Told, ask, new_key, run
from tests.studio import Studio
from tests.waiting import until

COMMENTS, AT_ONCE = 40, 20
WITH_VERSIONS = """
mutation ($input: CreateVideoInput!) {
    createVideo(input: $input) { __typename ... on Video { id versions { totalCount } } }
}
"""


@pytest.fixture(scope="module")
async def own() -> AsyncIterator[tuple[Studio, Factory]]:
    """A product of these tests' own: they kill it."""
    async with own_studio("api", COMMENTS_PER_MINUTE="0") as made:
        yield made


async def create(crew: Crew, key: str, title: str = "Once") -> Told:
    variables = {"input": {"teamId": crew.id, "title": title}}
    return await ask(crew.editor.client, key, WITH_VERSIONS, variables=variables)


async def killed_while(studio: Studio, crew: Crew, key: str, table: str) -> None:
    """The mutation has come to where it needs this table, and there its process ends."""
    async with locked(studio, table) as lock:
        asked = asyncio.create_task(create(crew, key))
        await lock.until_running(1)
        studio.kill("api")
        with pytest.raises(httpx.TransportError):
            await asked
    studio.start("api")
    studio.wait_until_ready()


async def test_a_process_that_is_killed_after_the_commit_has_kept_it(own: tuple[Studio, Factory]) -> None:
    """It was about to read the answer."""
    studio, make = own
    crew, key = await make.crew(), new_key()
    await killed_while(studio, crew, key, "versions")
    assert await IdempotencyKey.filter(key=key).count() == 1
    told = await create(crew, key)
    assert told.replayed
    made = await Video.get(team_id=crew.team.id)
    assert told.value == {"__typename": "Video", "id": gid(made), "versions": {"totalCount": 0}}
    assert await EventRecord.filter(type="video.created", team_id=crew.team.id).count() == 1


async def test_a_process_that_is_killed_in_the_middle_has_kept_nothing(own: tuple[Studio, Factory]) -> None:
    studio, make = own
    crew, key = await make.crew(), new_key()
    await killed_while(studio, crew, key, "events")
    told = await create(crew, key)
    assert (told.kind, told.replayed) == ("Video", False)
    assert await Video.filter(team_id=crew.team.id).count() == 1
    assert (await create(crew, key)).replayed


async def test_processes_are_killed_again_and_again_and_everything_is_done_once(own: tuple[Studio, Factory]) -> None:
    """What a good client does: it sends each mutation until it is answered."""
    studio, make = own
    crew = await make.crew()
    version = await make.version(await make.video(crew))

    async def insist(number: int) -> None:
        key, said = new_key(), {"input": {"versionId": gid(version), "body": str(number)}}
        while True:
            try:
                told = await run(crew.editor.client, key, "AddComment", **said)
            except httpx.TransportError:  # the line broke, or nobody was there: it is sent again
                await asyncio.sleep(0)
                continue
            if "errors" not in told.answer:
                assert told.kind == "Comment"
                return

    async def some_said(begin: int) -> bool:
        return await Comment.filter(version_id=version.id).count() > begin

    for begin in range(0, COMMENTS, AT_ONCE):
        asked = [asyncio.create_task(insist(number)) for number in range(begin, begin + AT_ONCE)]
        await until(lambda begin=begin: some_said(begin))
        studio.kill("api")
        studio.start("api")
        studio.wait_until_ready()
        await asyncio.gather(*asked)
    said = [int(comment.body) for comment in await Comment.filter(version_id=version.id)]
    assert sorted(said) == list(range(COMMENTS))


class Log:
    """What the database of a studio is asked, out of the server's own log."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._file = Path(services.where()["folder"]) / "postgres" / "log"

    async def begin(self) -> None:
        """From now on statements are logged, on connections that are still to be opened."""
        connection = await asyncpg.connect(self._studio.database_url)
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET log_statement = 'all'")
        await connection.close()

    def statements(self) -> int:
        """How many there are as yet."""
        lines = self._file.read_text(errors="replace").splitlines()
        return sum("LOG:  statement: " in line or "LOG:  execute " in line for line in lines)


async def test_a_key_costs_one_statement_and_no_key_costs_nothing() -> None:
    """Who asks, BEGIN, a look, the comment with its event, what is kept, COMMIT, the answer. A replay: the two ends."""
    async with own_studio() as (studio, make):
        log = Log(studio)
        await log.begin()
        studio.start("api")
        studio.wait_until_ready()
        crew = await make.crew()
        said = {"input": {"versionId": gid(await make.version(await make.video(crew))), "body": "Yes"}}

        async def cost(key: str | None) -> int:
            before = log.statements()
            assert (await run(crew.editor.client, key, "AddComment", **said)).kind == "Comment"
            return log.statements() - before

        key = new_key()
        # Its answer takes two of these for the reactions and for the rate by which time codes are told.
        for each in (None, key, key):  # asyncpg asks about types that it meets for the first time
            await cost(each)
        key = new_key()
        assert [await cost(each) for each in (None, key, key)] == [8, 9, 4]
