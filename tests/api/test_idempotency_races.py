"""The same key at the same moment: one does it, and all are answered."""

import asyncio

import pytest

from models import EventRecord, Team, Version, Video
from models.database import raw_connection, transaction
from tests.api.test_team_races import waits_for
from tests.factories import Crew, Factory, gid
from tests.repeating import REUSED, create, made, new_key, of, run
from tests.waiting import until

ROUNDS = 20


@pytest.fixture
async def crew(make: Factory) -> Crew:
    return await make.crew()


async def test_of_those_who_ask_at_once_one_does_it_and_all_are_answered(crew: Crew) -> None:
    for _ in range(ROUNDS):
        key, before = new_key(), await made(crew)
        told = await asyncio.gather(*(create(crew, key) for _ in range(4)))
        assert len({each.value["id"] for each in told}) == 1
        assert [each.replayed for each in told].count(False) == 1
        assert await made(crew) == before + 1
    assert await EventRecord.filter(team_id=crew.team.id, type="video.created").count() == ROUNDS


async def test_who_is_refused_since_the_other_was_first_is_answered_as_the_other(crew: Crew) -> None:
    """Of two who trash a video, one finds it trashed."""
    for _ in range(ROUNDS):
        video, key, client = (await create(crew, None)).value["id"], new_key(), crew.editor.client
        told = await asyncio.gather(*(run(client, key, "DeleteVideo", id=video) for _ in range(3)))
        assert {each.kind for each in told} == {"Video"}
        assert [each.replayed for each in told].count(False) == 1


async def test_of_two_requests_at_once_under_one_key_one_is_refused(crew: Crew) -> None:
    """Whatever the other has begun is undone."""
    for _ in range(ROUNDS):
        key, before = new_key(), await made(crew)
        told = await asyncio.gather(create(crew, key, "One"), create(crew, key, "Other"))
        refused = [each for each in told if "data" not in each.answer]
        assert [each.refused for each in refused] == [REUSED]
        assert await made(crew) == before + 1


async def test_who_comes_while_it_runs_waits_for_it(crew: Crew) -> None:
    client, key = crew.editor.client, new_key()
    team = Team.filter(id=crew.team.id)
    async with transaction():
        await team.select_for_update().get()  # whoever makes a video there waits
        both = [asyncio.create_task(run(client, key, "CreateVideo", **of(crew))) for _ in range(2)]
        await until(lambda: waits_for("teams", 2))
    told = await asyncio.gather(*both)
    assert sorted(each.replayed for each in told) == [False, True]
    assert await made(crew) == 1


async def test_what_was_undone_for_anothers_sake_is_run_again_and_kept(make: Factory, crew: Crew) -> None:
    """A deadlock of our own making, as in `test_team_races`: the database undoes the mutation, key and all."""
    video, key = await make.video(crew), new_key()
    version = gid(await make.version(video))
    async with transaction():
        async with raw_connection() as connection:
            await connection.execute("SET LOCAL deadlock_timeout = '30s'")  # so that it is the other who finds it
        await Video.filter(id=video.id).select_for_update().get()
        write = asyncio.create_task(run(crew.editor.client, key, "RestoreVersion", id=version))
        await until(lambda: waits_for("videos"))  # it holds the team, and waits for the video
        await Team.filter(id=crew.team.id).select_for_update().get()  # we hold the video, and wait for the team
        assert not write.done()
    assert (await write).kind == "Version"
    assert (await run(crew.editor.client, key, "RestoreVersion", id=version)).replayed
    assert await Version.filter(video_id=video.id).count() == 2
