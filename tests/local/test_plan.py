"""`make plan`: what the running product reads for an operation."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from domain.clock import utc_now
from domain.jobs import JobKind
from domain.permissions import Role
from local.people import PEOPLE, password_of
from local.programs import ROOT
from models import Job, Member, Team, User
from models.database import transaction
from resolvers.passwords import hash_password
from tests.factories import Crew, Factory, gid
from tests.own import own_studio
from tests.studio import Studio

VIDEOS = str(ROOT / "web/operations/videos.graphql")
SECRET = "the secret of an installation"


async def plan(*arguments: str) -> tuple[int, str]:
    """The command's exit status, and what it showed."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local.plan", *arguments, cwd=ROOT, stdout=-1, stderr=-2, env={"COLUMNS": "200"}
    )
    shown, _ = await running.communicate()
    return running.returncode, shown.decode()


@asynccontextmanager
async def seeded(**settings: str) -> AsyncIterator[tuple[Studio, tuple[str, ...], Crew]]:
    """A product with a demo team that has something of each kind, and the options that lead there."""
    async with own_studio("api", **settings) as (studio, make):
        crew = await _demo(make)
        (studio.folder / "secret").write_text(SECRET)
        yield studio, ("--url", studio.url, "--data", str(studio.folder)), crew


async def _demo(make: Factory) -> Crew:
    crew = await make.crew()
    email = PEOPLE[Role.OWNER][1]
    password = await hash_password(password_of(email, SECRET), path=())
    await User.filter(id=crew.owner.user.id).update(email=email, password_hash=password)
    video = await make.video(crew)
    version = await make.version(video)
    await make.comment(version)
    async with transaction():
        await Job.enqueue(JobKind.INGEST, utc_now(), payload={}, team_id=crew.team.id, video_id=video.id)
    assert await Team.all().count() == 1
    assert await Member.filter(user_id=crew.owner.user.id).count() == 1
    return crew


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "own.graphql"


async def test_it_shows_statements_levels_and_rows(file: Path) -> None:
    async with seeded(ENVIRONMENT="development") as (_, options, crew):
        status, shown = await plan(VIDEOS, "--name", "Video", *options)
        assert status == 0, shown
        assert shown.startswith("planned ")
        assert "/* Video */ WITH " in shown
        for level in ("video.versions", "video.jobs"):
            (line,) = [line for line in shown.splitlines() if f" {level} " in line]
            assert [part.strip() for part in line.split("│")[2:3]] == ["1"]
        await _all_samples(options)
        await _own_file(file, options, crew)
        await _failing(file, options)


async def _all_samples(options: tuple[str, ...]) -> None:
    """Ids that are not given are those of the demo team."""
    named = {"versions": "Version", "comments": "Comment", "jobs": "Job", "teams": "Team", "accounts": "AnyNode"}
    for noun, name in named.items():
        operations = str(ROOT / f"web/operations/{noun}.graphql")
        status, shown = await plan(operations, "--name", name, *options)
        assert (status, "planned" in shown) == (0, True), (name, shown)


def _write(file: Path, text: str) -> None:
    file.write_text(text)


async def _own_file(file: Path, options: tuple[str, ...], crew: Crew) -> None:
    _write(file, "query ($id: ID!) { team(id: $id) { ...own } __schema { description } } fragment own on Team { name }")
    status, shown = await plan(str(file), "--variables", f'{{"id": "{gid(crew.team)}"}}', *options)
    assert status == 0, shown
    assert shown.startswith("plain path: introspection (__schema)")
    assert 'FROM "teams"' in shown


async def _failing(file: Path, options: tuple[str, ...]) -> None:
    _write(file, '{ node(id: "bad") { id } }')
    status, shown = await plan(str(file), *options)
    assert status == 1
    assert "'bad' is not an id of this API." in shown
    _write(file, "{ nothing }")
    status, shown = await plan(str(file), *options)
    assert (status, "Cannot query field 'nothing'" in shown) == (1, True)


async def test_production_has_nothing_to_show() -> None:
    async with seeded() as (_, options, _crew):
        status, shown = await plan(VIDEOS, "--name", "Video", *options)
        assert (status, "SELECT" in shown) == (0, False)


async def test_it_says_which_operations_there_are() -> None:
    for options in ((), ("--name", ""), ("--name", "Nothing")):
        status, shown = await plan(VIDEOS, *options)
        assert status == 1
        assert shown.startswith("Say which by NAME=, one of: CreateVideo, DeleteVideo, EditVideo")


async def test_it_says_where_nothing_runs(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    url = "http://127.0.0.1:9"
    status, shown = await plan(VIDEOS, "--name", "Video", "--url", url, "--data", str(tmp_path))
    assert (status, shown) == (1, f"Nothing answers at {url}: run `make run` first, in another terminal.\n")


@pytest.mark.parametrize(
    ("text", "variables", "told"),
    [(None, "", "own.graphql: no such file"), ("{", "", "Syntax Error"), ("{ viewer { id } }", "{", "unexpected")],
)
async def test_mistakes_are_told_in_a_sentence(file: Path, text: str | None, variables: str, told: str) -> None:
    if text is not None:
        _write(file, text)
    status, shown = await plan(str(file), "--variables", variables)
    assert (status, told.lower() in shown.lower()) == (1, True), shown
    assert "Traceback" not in shown
