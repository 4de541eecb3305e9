"""Mutations: what is written is written once, in order, and told by the plan or, where that fails, plainly."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from domain.viewers import ANONYMOUS
from models import Comment, Member, Team, User, Video
from plan import encode_id
from plan.planned import Planned
from resolvers.passwords import hash_password
from tests.plan.conftest import Asker, Desk
from tests.plan.test_bad_input import packed
from tests.plan.test_fallbacks import aboom, boom
from tests.plan.twice import Watch, paths_of, watched
from tests.plan.world import World, a_world

CREATE = """mutation Create($team: ID!, $title: String!) { made: createVideo(input: {teamId: $team, title: $title}) {
    __typename ... on Video { id title team { name } createdBy { name } versionCount comments { totalCount } }
    ... on Problem { code message } } }"""
COMMENT = """mutation ($version: ID!, $first: Int) { said: addComment(input: {versionId: $version, body: "Yes"}) {
    ... on Comment { body version { number } author { name memberships(first: $first) { totalCount } } } } }"""
PLACES = [False, True]


@dataclass
class Place:
    """A team without videos, and one who may make some."""

    world: World
    desk: Desk
    watch: Watch

    @property
    def team(self) -> str:
        return encode_id("Team", self.world.ids["Team"][0])

    @property
    def version(self) -> str:
        return encode_id("Version", self.world.ids["Version"][0])

    def asker(self, **options: Any) -> Asker:
        return self.desk.asker(self.world.viewer, **options)

    def disturbed(self, disturb: Callable[[int], Any], **options: Any) -> Asker:
        """One whose reads are preceded by `disturb`, which is told the number of each."""

        class Disturbed(Asker):
            async def fetch(self, text: str, values: Any) -> Any:
                await disturb(self.statements.total() + 1)
                return await super().fetch(text, values)

        return Disturbed(self.desk.engine, self.desk.caller._replace(viewer=self.world.viewer), **options)

    async def titles(self) -> list[str]:
        made = await Video.filter(team_id=self.world.ids["Team"][0]).order_by("created_at")
        return [video.title for video in made if video.title != "Cut"]


@pytest.fixture
async def place(desk: Desk) -> Place:
    return Place(await a_world(1), *watched(desk))


def raising(error: BaseException, at: int = 1) -> Callable[[int], Any]:
    async def disturb(number: int) -> None:
        if number >= at:
            raise error

    return disturb


async def test_a_payload_takes_one_statement(place):
    asker = place.asker()
    made = (await asker.data(CREATE, team=place.team, title="New"))["made"]
    assert made == {
        "__typename": "Video", "id": made["id"], "title": "New", "team": {"name": "Crew"}, "versionCount": 0,
        "createdBy": {"name": "Ada"}, "comments": {"totalCount": 0},
    }  # fmt: skip
    (text,) = asker.statements
    assert text.startswith("/* Create */ ")
    assert place.watch.how == "planned"


async def test_a_problem_takes_none(place):
    asker = place.asker()
    made = (await asker.data(CREATE, team=place.team, title=""))["made"]
    assert (made["__typename"], made["code"]) == ("Invalid", "INVALID")
    assert not asker.statements


@pytest.mark.parametrize("fault", [("read", aboom), ("answer", boom), ("statement", boom)], ids=lambda fault: fault[0])
async def test_a_fault_in_reading_it_writes_nothing_twice(place, monkeypatch, caplog, fault):
    monkeypatch.setattr(Planned, *fault)
    with caplog.at_level(logging.WARNING, "plan.runner"):
        made = (await place.asker().data(CREATE, team=place.team, title="Once"))["made"]
    assert (made["title"], made["createdBy"]) == ("Once", {"name": "Ada"})
    assert await place.titles() == ["Once"]
    (record,) = caplog.records
    assert record.exc_info[2] is not None


AWAY = [ConnectionResetError(), TimeoutError(), asyncpg.QueryCanceledError("x"), asyncpg.AdminShutdownError("x")]


@pytest.mark.parametrize("plain", PLACES)
@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
async def test_an_outage_after_writing_is_told_and_writes_nothing_twice(place, error, plain):
    asked: list[int] = []

    async def away(number: int) -> None:
        asked.append(number)
        raise error

    answer = await place.disturbed(away, plain=plain).ask(CREATE, team=place.team, title="Once")
    assert (answer["data"], paths_of(answer)) == (None, ["made"])
    expected = "INTERNAL" if isinstance(error, asyncpg.QueryCanceledError) else "UNAVAILABLE"
    assert answer["errors"][0]["extensions"]["code"] == expected
    assert (await place.titles(), asked) == (["Once"], [1])


async def test_a_cancellation_after_writing_goes_through(place):
    asker = place.disturbed(raising(asyncio.CancelledError()))
    with pytest.raises(asyncio.CancelledError):
        await asker.ask(CREATE, team=place.team, title="Once")
    assert await place.titles() == ["Once"]


@pytest.mark.parametrize("plain", PLACES)
async def test_whoever_may_not_see_what_they_wrote_is_told_so(place, plain):
    async def leave(_number: int) -> None:
        await Member.filter(user_id=place.world.viewer.user_id).delete()

    made = (await place.disturbed(leave, plain=plain).data(CREATE, team=place.team, title="Last"))["made"]
    assert (made["__typename"], made["code"]) == ("NotFound", "NOT_FOUND")
    assert await place.titles() == ["Last"]


SEVERAL = """mutation ($team: ID!, $none: String!) {
    a: createVideo(input: {teamId: $team, title: "a"}) { ... on Video { title } }
    b: createVideo(input: {teamId: $team, title: $none}) { __typename ... on Video { title } }
    c: createVideo(input: {teamId: $team, title: "c"}) { ... on Video { title team { videoCount } } } }"""


@pytest.mark.parametrize("plain", PLACES)
async def test_several_run_in_their_order_past_problems(place, plain):
    data = await place.asker(plain=plain).data(SEVERAL, team=place.team, none="")
    assert data["b"] == {"__typename": "Invalid"}
    assert data["c"] == {"title": "c", "team": {"videoCount": 3}}, "it does not see what came before it"
    assert await place.titles() == ["a", "c"]


@pytest.mark.parametrize("plain", PLACES)
async def test_they_stop_at_one_that_must_not_be_null(place, plain):
    asker = place.disturbed(raising(ConnectionResetError(), at=2), plain=plain)
    answer = await asker.ask(SEVERAL, team=place.team, none="b")
    assert (answer["data"], paths_of(answer)) == (None, ["b"])
    assert await place.titles() == ["a", "b"]


@pytest.mark.parametrize("faulty", [False, True])
async def test_each_tells_of_its_own_errors_once(place, monkeypatch, faulty):
    if faulty:
        monkeypatch.setattr(Planned, "answer", boom)
    said = COMMENT.partition("said: ")[2].removesuffix(" }")
    asked = f"mutation ($version: ID!, $first: Int) {{ one: {said} two: {said} }}"
    answer = await place.asker().ask(asked, version=place.version, first=0)
    assert paths_of(answer) == ["one.author.memberships", "two.author.memberships"]
    assert [answer["data"][name]["author"] for name in ("one", "two")] == [None, None]
    assert await Comment.filter(body="Yes").filter(version_id=place.world.ids["Version"][0]).count() == 2


@pytest.mark.parametrize("plain", PLACES)
async def test_what_is_wrong_below_leaves_what_was_written(place, plain):
    answer = await place.asker(plain=plain).ask(COMMENT, version=place.version, first=0)
    assert answer["data"] == {"said": {"body": "Yes", "version": {"number": 1}, "author": None}}
    assert [(error["path"], error["extensions"]) for error in answer["errors"]] == [
        (["said", "author", "memberships"], {"code": "INVALID"})
    ]
    assert await Comment.filter(version_id=place.world.ids["Version"][0], body="Yes").count() == 1


@pytest.mark.parametrize("plain", PLACES)
async def test_a_value_below_that_no_database_takes(place, caplog, plain):
    """The statement fails as a whole, when the change is made."""
    cursor = packed(["Version", {"-number": 2**63, "-id": str(place.world.ids["Version"][0])}])
    below = "... on Comment { body video { title versions(after: $after) { nodes { id } } } }"
    field = f'addComment(input: {{versionId: $v, body: "Yes"}}) {{ {below} }}'
    asked = f"mutation ($v: ID!, $after: String) {{ said: {field} }}"
    answer = await place.asker(plain=plain).ask(asked, v=place.version, after=cursor)
    assert answer["data"] is None
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["said", "video", "versions"], "INVALID")
    ]
    assert await Comment.filter(version_id=place.world.ids["Version"][0], body="Yes").count() == 1
    assert not caplog.records


@pytest.mark.parametrize("plain", PLACES)
async def test_a_payload_that_is_no_row_has_references(place, plain):
    asked = """mutation ($video: ID!) { startUpload(input: {videoId: $video, fileName: "a.mp4", size: 3}) {
        __typename ... on UploadParts { upload { fileName video { title } } } ... on Problem { message } } }"""
    video = encode_id("Video", place.world.ids["Video"][0])
    data = await place.asker(plain=plain).data(asked, video=video)
    assert data["startUpload"] == {
        "__typename": "UploadParts",
        "upload": {"fileName": "a.mp4", "video": {"title": "Cut"}},
    }
    assert place.watch.how == ("asked" if plain else "planned")


@pytest.mark.parametrize("plain", PLACES)
async def test_a_payload_is_read_as_whoever_has_just_signed_in(place, plain):
    person = await User.get(id=place.world.viewer.user_id)
    await User.filter(id=person.id).update(password_hash=await hash_password("a long enough password", path=()))
    asked = """mutation ($email: String!, $password: String!) { signIn(input: {email: $email, password: $password}) {
        ... on SignedIn { user { name memberships { nodes { team { name } } } } } ... on Problem { code } } }"""
    asker = place.desk.asker(ANONYMOUS, plain=plain)
    data = await asker.data(asked, email=person.email, password="a long enough password")
    assert data["signIn"]["user"] == {"name": "Ada", "memberships": {"nodes": [{"team": {"name": "Crew"}}]}}
    data = await asker.data(asked, email=person.email, password="another one entirely")
    assert data["signIn"] == {"code": "UNAUTHENTICATED"}


async def test_teams_of_others_are_not_written_into(place):
    team = await Team.create(name="Others")
    made = (await place.asker().data(CREATE, team=encode_id("Team", team.id), title="x"))["made"]
    assert made["code"] == "NOT_FOUND"
    assert not await Video.filter(team_id=team.id).exists()
