"""Lists, counts and aggregates over rows: only those that the viewer may see, and nothing where there are none."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.permissions import Role
from domain.viewers import ScopeViewer
from models import Comment, Team, Version, Video
from models.comments import Span
from plan import encode_id
from tests.plan.conftest import Desk
from tests.plan.twice import both
from tests.plan.world import LONG_AGO, World, a_world, user, version

FIGURES = """query ($id: ID!) { video(id: $id) { totalSize lastCommentedAt commentCount jobCount
    versions { totalCount } comments { totalCount } latestVersion { threadCount number } } }"""
LIST = "query ($id: ID!) { version(id: $id) { restorations { id number restoredFrom { id } restorations { id } } } }"


@pytest.fixture
async def world(desk: Desk) -> World:
    return await a_world(2)


async def elsewhere() -> Team:
    """A team that the viewer is not in."""
    return await Team.create(name="Others")


async def figures(desk: Desk, world: World) -> dict[str, Any]:
    answer, asker = await both(desk, world.viewer, FIGURES, id=encode_id("Video", world.ids["Video"][0]))
    assert asker.statements.total() == 1
    return answer["data"]["video"]


async def test_figures_over_what_is_there(desk, world):
    assert await figures(desk, world) == {
        "totalSize": 2000, "lastCommentedAt": LONG_AGO.isoformat(), "commentCount": 8, "jobCount": 2,
        "versions": {"totalCount": 2}, "comments": {"totalCount": 8}, "latestVersion": {"threadCount": 2, "number": 2},
    }  # fmt: skip


async def test_figures_over_nothing(desk, world):
    video = world.ids["Video"][0]
    mine = {"team_id": world.ids["Team"][0], "created_by_id": world.viewer.user_id}
    empty = await Video.create(title="Empty", **mine)
    assert empty.id != video
    answer, _ = await both(desk, world.viewer, FIGURES, id=encode_id("Video", empty.id))
    assert answer["data"]["video"] == {
        "totalSize": 0, "lastCommentedAt": None, "commentCount": 0, "jobCount": 0, "versions": {"totalCount": 0},
        "comments": {"totalCount": 0}, "latestVersion": None,
    }  # fmt: skip


async def test_what_cannot_be_seen_is_not_counted(desk, world):
    """Its rows belong to another team."""
    before, video = await figures(desk, world), world.ids["Video"][0]
    other, stranger = await elsewhere(), await user()
    hidden = await version(await Video.get(id=video), 3)
    await Version.filter(id=hidden.id).update(team_id=other.id, size=5)
    said = Comment.opened(hidden, Span(0), body="Hidden", by=stranger.id, now=LONG_AGO + timedelta(days=1))
    said.team_id = other.id
    await said.save(force_create=True)
    assert await figures(desk, world) == before


async def test_a_sum_may_be_larger_than_its_parts(desk, world):
    await Version.filter(video_id=world.ids["Video"][0]).update(size=2**51)
    assert (await figures(desk, world))["totalSize"] == 2**52


async def test_a_sum_that_no_client_could_read_is_an_error(desk, world):
    await Version.filter(video_id=world.ids["Video"][0]).update(size=2**53)
    answer, asker = await both(desk, world.viewer, FIGURES, id=encode_id("Video", world.ids["Video"][0]))
    assert answer["data"] == {"video": None}
    assert [error["path"] for error in answer["errors"]] == [["video", "totalSize"]]
    assert asker.statements.total() == 1


async def test_the_newest_moment(desk, world):
    newest = datetime(2026, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    await Comment.filter(id=world.ids["Comment"][0]).update(created_at=newest)
    assert (await figures(desk, world))["lastCommentedAt"] == newest.isoformat()


async def test_a_list_is_in_order_and_has_an_end(desk, world):
    first, second = world.ids["Version"][:2]
    video = await Video.get(id=world.ids["Video"][0])
    made = [await version(video, number) for number in range(30, 8, -1)]
    await Version.filter(id__in=[each.id for each in made]).update(restored_from_id=first)
    await Version.filter(id=second).update(restored_from_id=made[0].id)
    answer, asker = await both(desk, world.viewer, LIST, id=encode_id("Version", first))
    found = answer["data"]["version"]["restorations"]
    assert [each["number"] for each in found] == [1, *range(9, 28)], "at most twenty, the first by number"
    assert [len(each["restorations"]) for each in found] == [20] + [0] * 19
    assert {each["restoredFrom"]["id"] for each in found} == {encode_id("Version", first)}
    assert asker.statements.total() == 1
    answer, _ = await both(desk, world.viewer, LIST, id=encode_id("Version", made[0].id))
    assert [each["id"] for each in answer["data"]["version"]["restorations"]] == [encode_id("Version", second)]


async def test_a_list_holds_only_what_can_be_seen(desk, world):
    first, other = world.ids["Version"][0], await elsewhere()
    hidden = await version(await Video.get(id=world.ids["Video"][0]), 3)
    await Version.filter(id=hidden.id).update(restored_from_id=first)
    before, _ = await both(desk, world.viewer, LIST, id=encode_id("Version", first))
    await Version.filter(id=hidden.id).update(team_id=other.id)
    after, _ = await both(desk, world.viewer, LIST, id=encode_id("Version", first))
    assert [len(answer["data"]["version"]["restorations"]) for answer in (before, after)] == [2, 1]


async def test_a_list_of_nothing_is_empty(desk, world):
    await Version.filter(restored_from_id=world.ids["Version"][0]).update(restored_from_id=None)
    answer, _ = await both(desk, world.viewer, LIST, id=encode_id("Version", world.ids["Version"][0]))
    assert answer["data"] == {"version": {"restorations": []}}


@pytest.mark.parametrize("role", Role)
async def test_whole_roles_see_the_same_figures(desk, world, role):
    viewer = ScopeViewer(world.ids["Team"][0], role)
    answer, _ = await both(desk, viewer, FIGURES, id=encode_id("Video", world.ids["Video"][0]))
    assert answer["data"]["video"] == await figures(desk, world)
