"""One person's day in each of the languages, as it is read: `docs/languages.md`, which `make languages` writes."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.ids import new_id
from domain.jobs import JobState
from i18n import LOCALES
from i18n.languages import Language, languages
from models import Job
from tests import clips
from tests.factories import Factory, gid, uuid_in
from tests.play import transcript, vocabulary
from tests.play.a_day import Day, Mailbox, Stage
from tests.play.transcript import Transcript
from tests.studio import Disguised, Studio, running
from tests.waiting import until

WRITES = bool(os.environ.get("WRITE_LANGUAGES"))


@pytest.fixture
def closed(studio: Studio, tmp_path: Path) -> Iterator[Studio]:
    """An API of its own that is in maintenance, beside the shared one."""
    own = Disguised(tmp_path, studio.database_url, studio.redis_url, MAINTENANCE="on")
    with running(own, "api") as closed:
        yield closed


async def a_stage(make: Factory, studio: Studio, closed: Studio, folder: Path) -> Stage:
    crew, mailbox = await make.crew(), Mailbox(studio)
    version = await make.version(await make.video(crew))
    sent = await crew.editor.client.upload(gid(await make.video(crew)), clips.text(folder))
    job = await Job.get(id=uuid_in(sent["id"]))
    await until(lambda: _has_failed(job), 30)
    return Stage(studio, closed, make, mailbox, crew, version, job, await guesses(make))


async def guesses(make: Factory) -> dict[str, Any]:
    """What readers of each language are told where wrong passwords were tried too often: all within the minute."""
    given = {"email": f"{new_id()}@example.com", "password": "not the password"}
    for _ in range(5):
        await make.client().run("SignIn", input=given)
    clients = {each: make.client(language=each) for each in LOCALES}
    answers = await asyncio.gather(*(client.run("SignIn", input=given) for client in clients.values()))
    return {each: answer["data"]["signIn"] for each, answer in zip(clients, answers, strict=True)}


async def _has_failed(job: Job) -> bool:
    await job.refresh_from_db()
    return job.state is JobState.FAILED


async def a_day(stage: Stage, language: Language) -> Transcript:
    told = Transcript(language.code, language.name, stage.studio.url)
    day = Day(stage, told)
    await day.live()
    await vocabulary.shows(day.client, told)
    vocabulary.writes(told)
    return told


async def test_everybody_reads_their_own_language(
    make: Factory, studio: Studio, closed: Studio, tmp_path: Path
) -> None:
    """All nine days at once: what is read in one is nobody else's."""
    stage = await a_stage(make, studio, closed, tmp_path)
    told = transcript.document(await asyncio.gather(*(a_day(stage, each) for each in languages())))
    if WRITES:
        transcript.FILE.write_text(told, encoding="utf-8", newline="\n")
    assert told == transcript.FILE.read_text(encoding="utf-8"), "it is read otherwise now: `make languages`"
