"""`viewerCan`: what clients are told that they may show, for every role, over the wire and for a whole role."""

from typing import Any

import pytest

from domain.ids import new_id
from domain.permissions import Role, Scope
from domain.viewers import ScopeViewer, Viewer
from local.client import Client
from models import Member
from schema.rights import rights
from tests.factories import Crew, Factory, gid
from tests.plan.conftest import Desk, desk  # noqa: F401 - a fixture

VIDEO = "query($id: ID!) {video(id: $id) {viewerCan latestVersion {viewerCan} comments {nodes {viewerCan}}}}"
SEEING = ["VIDEO_VIEW", "COMMENT_CREATE", "PRESENCE_UPDATE"]
EDITING = [
    "VIDEO_VIEW", "VIDEO_CREATE", "VIDEO_EDIT", "VIDEO_DELETE", "VERSION_CREATE", "COMMENT_CREATE", "COMMENT_DELETE",
    "COMMENT_RESOLVE", "COMMENT_SET_VISIBILITY", "PRESENCE_UPDATE",
]  # fmt: skip


async def told(client: Client, query: str, row_id: str) -> Any:
    answer = await client.ask(query, variables={"id": row_id})
    assert "errors" not in answer, answer
    return next(iter(answer["data"].values()))


@pytest.fixture
async def crew(make: Factory) -> Crew:
    return await make.crew()


@pytest.fixture
async def video(make: Factory, crew: Crew) -> str:
    video = await make.video(crew)
    await make.comment(await make.version(video))
    return gid(video)


def of_video(actions: list[str], *, own: bool = False) -> Any:
    """The same on each level, as far as it means something there; `own` is for who has written the comment."""
    commenting = [action for action in actions if action.startswith("COMMENT")]
    on_version = [action for action in actions if action.startswith(("VERSION", "COMMENT"))]
    by_its_author = [*commenting[:1], "COMMENT_EDIT", *commenting[1:]]
    return {
        "viewerCan": actions,
        "latestVersion": {"viewerCan": on_version},
        "comments": {"nodes": [{"viewerCan": by_its_author if own else commenting}]},
    }


@pytest.mark.parametrize("role", Role)
async def test_everybody_is_told_what_their_role_may_do(crew: Crew, video: str, role: Role) -> None:
    client = crew.everybody()[role].client
    assert await told(client, VIDEO, video) == of_video(
        SEEING if role is Role.VIEWER else EDITING, own=role is Role.OWNER
    )


async def test_strangers_are_told_nothing(make: Factory, video: str) -> None:
    for client in ((await make.person()).client, make.client()):
        assert await told(client, VIDEO, video) is None


@pytest.mark.parametrize(
    ("scope", "actions"), [(Scope.READ, ["VIDEO_VIEW"]), (Scope.WRITE, EDITING[:-1])], ids=["read", "write"]
)
async def test_a_key_narrows_what_its_person_may_do(
    make: Factory, crew: Crew, video: str, scope: Scope, actions: list[str]
) -> None:
    own = scope is Scope.WRITE
    assert await told(await make.key(crew.owner, scope), VIDEO, video) == of_video(actions, own=own)


async def test_who_is_in_several_teams_is_told_for_each(make: Factory, crew: Crew, video: str) -> None:
    other = await make.crew()
    theirs = await make.video(other)
    await Member.create(team_id=other.team.id, user_id=crew.editor.user.id, role=Role.VIEWER)
    asked = "{viewer {memberships {nodes {team {videos {nodes {id viewerCan}}}}}}}"
    answer = await crew.editor.client.ask(asked)
    teams = [place["team"]["videos"]["nodes"] for place in answer["data"]["viewer"]["memberships"]["nodes"]]
    assert teams == [[{"id": video, "viewerCan": EDITING}], [{"id": gid(theirs), "viewerCan": SEEING}]]


async def test_a_mutation_tells_what_may_be_done_with_what_it_made(crew: Crew) -> None:
    made = """mutation($in: CreateVideoInput!) {createVideo(input: $in) {
        ... on Video {viewerCan team {viewerCan members {nodes {viewerCan}}}} ... on Problem {message}
        }}"""
    answer = await crew.editor.client.ask(made, variables={"in": {"teamId": crew.id, "title": "New"}})
    video = answer["data"]["createVideo"]
    assert video["viewerCan"] == EDITING
    assert video["team"]["viewerCan"] == ["TEAM_VIEW", "TEAM_SWITCH", "TEAM_LEAVE", *EDITING[:4]]
    assert len(video["team"]["members"]["nodes"]) == 4


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("plain", [False, True], ids=["planned", "plain"])
async def test_a_whole_role_is_told_what_each_of_its_members_is(
    desk: Desk,  # noqa: F811
    crew: Crew,
    video: str,
    role: Role,
    plain: bool,
) -> None:
    asker = desk.asker(ScopeViewer(crew.team.id, role), plain=plain)
    expected = of_video(SEEING if role is Role.VIEWER else EDITING)
    assert (await asker.data(VIDEO, id=video))["video"] == expected


@pytest.mark.parametrize("plain", [False, True], ids=["planned", "plain"])
async def test_it_takes_no_statement_for_each_row(
    desk: Desk,  # noqa: F811
    make: Factory,
    crew: Crew,
    plain: bool,
) -> None:
    videos = "videos(first: 50) {nodes {viewerCan comments {nodes {viewerCan}}}}"
    page = f"query($id: ID!) {{team(id: $id) {{viewerCan {videos}}}}}"
    counted = set()
    for _ in range(3):
        for _ in range(3):
            await make.comment(await make.version(await make.video(crew)))
        asker = desk.asker(Viewer(crew.admin.user.id, new_id()), plain=plain)
        found = (await asker.data(page, id=crew.id))["team"]["videos"]["nodes"]
        assert all(node["viewerCan"] and node["comments"]["nodes"][0]["viewerCan"] for node in found)
        counted.add(asker.statements.total())
    assert counted == ({4} if plain else {1})  # plainly: teams, videos, comments, and what the viewer is in each team


def test_a_noun_that_nobody_holds_an_action_on_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="vidoe"):
        rights("video", "vidoe")
