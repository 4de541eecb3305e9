"""TypeScript clients, of the kinds that people use, against the running product: docs/clients.md shows them."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.permissions import Role
from local.operations import REGISTERED
from models import Comment, Member
from tests.clients.conftest import RUNNABLE
from tests.clients.line import Line, line_to
from tests.factories import PASSWORD, Crew, Factory, gid, uuid_in
from tests.own import own_studio
from tests.waiting import until

pytestmark = RUNNABLE
PATIENCE = 30
NEVER = 2**53 - 1
"""A position that no event has had."""

AUTOMATIC = ["POST hash", "POST hash text", "POST hash"]
"""A hash that nobody knows, then with its text, then as something known."""
WAYS = {
    "graphql-ws": {},
    "apollo": {
        "byToken": [],
        "automatic": AUTOMATIC,
        "automaticByGet": ["GET hash", "POST hash text", "GET hash"],
        "registered": ["POST hash"] * 2,
    },
    "urql": {
        "byToken": [],
        "byGet": ["GET text"] * 2,
        "automatic": AUTOMATIC,
        "automaticByGet": ["GET hash", "GET hash text", "GET hash"],
        "registered": ["GET hash"] * 2,
    },
}
"""What a browser sends over HTTP, in each of a client's ways, to ask for something twice."""


class Client:
    """A Node process that plays one client, and tells what it lives through."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def told(self, what: str) -> dict[str, Any]:
        """The next that it tells, which is about `what`."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE)
        if not line:
            assert self._process.stderr is not None
            raise AssertionError((await self._process.stderr.read()).decode())
        told: dict[str, Any] = json.loads(line)
        assert next(iter(told)) == what, told
        return told

    async def hears(self) -> int:
        """The number of the next event that it hears of."""
        event = (await self.told("heard"))["heard"]
        assert isinstance(event, int)
        return event

    async def ends(self) -> None:
        """It ends by itself, and has complained of nothing."""
        _, complaints = await asyncio.wait_for(self._process.communicate(), PATIENCE)
        assert (self._process.returncode, complaints.decode()) == (0, "")


@asynccontextmanager
async def playing(built: Path, name: str, **place: Any) -> AsyncIterator[Client]:
    program = ("node", str(built / "built" / "play" / "main.js"), name)
    process = await asyncio.create_subprocess_exec(*program, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(place).encode())  # the product's operations are more than an argument may hold
    process.stdin.close()
    try:
        yield Client(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@dataclass
class Stage:
    """A client in front of a video, on a line that breaks, and somebody else who changes the video."""

    client: Client
    line: Line
    crew: Crew
    video: str
    """The crew's, and the client is its editor."""
    other: str
    """Another team's, to which the editor belongs, too."""

    async def changes(self, *titles: str) -> None:
        for title in titles:
            await self.crew.owner.client.do("EditVideo", input={"id": self.video, "title": title})

    async def removes_the_person(self) -> None:
        member = await Member.get(team_id=self.crew.team.id, user_id=self.crew.editor.user.id)
        await self.crew.owner.client.do("RemoveMember", memberId=gid(member))


@asynccontextmanager
async def staged(built: Path, name: str, make: Factory, *, only: bool = False) -> AsyncIterator[Stage]:
    """The client `name` in front of a new video; with `only` it asks for nothing but registered documents."""
    crew, others = await make.crew(), await make.crew()
    person = await make.secured(crew.editor)
    await Member.create(team_id=others.team.id, user_id=person.user.id, role=Role.VIEWER)
    video, other = await make.video(crew, title="A cut"), gid(await make.video(others))
    version = gid(await make.version(video))
    who = {"email": person.user.email, "password": PASSWORD}
    what = {"video": gid(video), "version": version, "other": other}
    how = {"list": json.loads(REGISTERED.read_bytes()), "only": only}
    url = f"{make.url}/graphql"
    async with (
        line_to(url.replace("http", "ws", 1)) as line,
        playing(built, name, url=url, socket=line.url, **who, **what, **how) as client,
    ):
        yield Stage(client, line, crew, gid(video), other)


@pytest.mark.parametrize("name", WAYS)
async def test_a_client_asks_changes_and_misses_nothing(name: str, built: Path, make: Factory) -> None:
    async with staged(built, name, make) as stage:
        client = stage.client
        position = await asks_and_changes(client, name)
        assert (name == "graphql-ws") == (stage.line.lost != "")
        await names_documents(client, name)
        heard = await misses_nothing(stage, position)
        async with stage.crew.owner.client.follow("VideoChanged", id=stage.video, after=position) as events:
            happened = [(await anext(events))["extensions"]["eventId"] for _ in heard]
        assert heard == happened
        assert await Comment.filter(video_id=uuid_in(stage.video)).count() == 1
        await stage.removes_the_person()
        assert (await client.told("failed"))["failed"] == "NOT_FOUND"
        await until(lambda: stage.line.asked[-1]["variables"]["id"] == stage.other)
        await stage.crew.editor.client.do("SignOutEverywhere", keepCurrent=True)
        await client.told("signedOut")
        await client.ends()


@pytest.fixture(scope="module")
async def strict() -> AsyncIterator[Factory]:
    """Makes people for a product that answers nothing but what is registered."""
    async with own_studio("api", "relay", DOCUMENTS="registered") as (_, make):
        yield make


@pytest.mark.parametrize("name", WAYS)
async def test_a_client_works_where_only_registered_documents_do(name: str, built: Path, strict: Factory) -> None:
    async with staged(built, name, strict, only=True) as stage:
        await asks_and_changes(stage.client, name)
        await stage.client.hears()
        assert {"query": ""}.items() <= stage.line.asked[-1].items()


async def asks_and_changes(client: Client, name: str) -> int:
    """Up to which event its query was fresh."""
    assert (await client.told("signedIn"))["signedIn"] == "Editor"
    begun = await client.told("title")
    assert begun["title"] == "A cut"
    renamed = (await client.told("renamed"))["renamed"]
    assert (renamed["__typename"], renamed["title"]) == ("Video", "Renamed")
    refused = (await client.told("refused"))["refused"]
    assert (refused["__typename"], refused["code"], refused["path"]) == ("Invalid", "INVALID", ["input", "title"])
    commented = await client.told("commented")
    assert commented["commented"] is not None
    # Over HTTP nobody has heard of the first try; over the socket graphql-ws has sent it again by itself.
    assert commented.get("unknown") == (commented["commented"] if name == "graphql-ws" else None)
    position = begun["position"]
    assert isinstance(position, int)
    return position


async def names_documents(client: Client, name: str) -> None:
    """Each document is asked for twice, by two clients: their caches know nothing of each other."""
    for way, requests in WAYS[name].items():
        told = await client.told("way")
        assert (told["way"], told["names"]) == (way, ["Editor", "Editor"])
        assert [shown(request) for request in told["sent"]] == requests


def shown(request: dict[str, Any]) -> str:
    return " ".join([request["method"], *(part for part in ("hash", "text") if request.get(part))])


async def misses_nothing(stage: Stage, position: int) -> list[int]:
    """What the client hears of, while its line breaks in every way."""
    client, line = stage.client, stage.line
    heard = [await client.hears(), await client.hears()]  # what happened between its query and its subscription

    line.breaks()
    await stage.changes("Missed", "Missed, too")
    await until(lambda: line.refused >= 2)
    line.pretends(position)  # so that it is told of both once more
    line.mends()
    heard += [await client.hears(), await client.hears()]
    assert heard[1] in line.resumed
    assert all(line.told.count(event) > 1 for event in heard[:2])

    await line.closes(1012)
    await stage.changes("After the restart")
    heard.append(await client.hears())

    before = len(line.resumed)
    line.falls_silent()
    await stage.changes("Into the silence")
    heard.append(await client.hears())
    assert heard[-2] in line.resumed[before:]

    line.pretends(NEVER)
    await line.closes(4290)
    anew = await client.told("resync")
    assert anew["resync"] >= heard[-1]
    assert anew["title"] == "Into the silence"
    assert anew.get("asked", anew["resync"]) == anew["resync"]  # graphql-ws alone asks over the socket
    await stage.changes("After all")
    return [*heard, await client.hears()]
