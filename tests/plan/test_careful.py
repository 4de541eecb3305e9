"""Where something is wrong the plan tells what graphql-core does: nulls, paths, places, words; out of the same rows."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models import Comment, Job, Team, Version, Video
from models.database import raw_connection
from plan import BadInput, batch, column, computed, encode_id, to_one
from plan.nodes import NODES
from tests.plan.conftest import Asker, Desk
from tests.plan.twice import both, paths_of, trial
from tests.plan.world import World, a_world, job, user, version

COMMENTS = (
    """query ($id: ID!) { video(id: $id) { title comments(first: 5) { nodes { id body version { number } } } } }"""
)
TRIALS = "query ($id: ID!) { trialTeam(id: $id) { id trials(first: 5) { totalCount nodes { title %s } } } }"


@pytest.fixture
async def world(desk: Desk) -> World:
    return await a_world(2)


def ids(world: World, name: str) -> list[str]:
    return [encode_id(name, row_id) for row_id in world.ids[name]]


async def foreign_version() -> Version:
    """A version that no member of another team may see."""
    team, stranger = await Team.create(name="Others"), await user()
    return await version(await Video.create(title="Theirs", team_id=team.id, created_by_id=stranger.id), 1)


async def test_a_null_goes_up_to_where_one_may_be(desk, world):
    """A comment must have a version: this one's cannot be seen."""
    theirs = await foreign_version()
    newest = await Comment.filter(video_id=world.ids["Video"][0]).order_by("-created_at", "-id").first()
    await Comment.filter(id=newest.id).update(version_id=theirs.id)
    answer, asker = await both(desk, world.viewer, COMMENTS, id=ids(world, "Video")[0])
    assert answer["data"] == {"video": None}
    assert paths_of(answer) == ["video.comments.nodes.0.version"]
    assert asker.statements.total() == 2, "what the database writes is looked at carefully as tuples"


async def test_a_null_stops_where_one_may_be(desk, world):
    theirs = await foreign_version()
    await Comment.filter(parent_id=world.ids["Comment"][0]).update(version_id=theirs.id)
    asked = """query ($id: ID!) { comment(id: $id) { body replies { nodes {
        parent { id version { id } } author { name } v: version { id } } } } again: comment(id: $id) { body } }"""
    answer, _ = await both(desk, world.viewer, asked, id=ids(world, "Comment")[0])
    assert answer["data"]["comment"] is None
    assert answer["data"]["again"] is not None


@pytest.mark.parametrize("alone", [True, False])
async def test_a_computed_value_that_fails_for_one_row_of_many(desk, world, alone):
    """No date comes thirty days after the last one that there is."""
    last = datetime.max.replace(tzinfo=UTC)
    await Video.filter(id=world.ids["Video"][0]).update(deleted_at=last)
    if not alone:
        await Video.filter(id=world.ids["Video"][1]).update(deleted_at=datetime(2026, 1, 1, tzinfo=UTC))
    asked = """query ($id: ID!) { team(id: $id) { videos(filter: {deleted: true}) {
        totalCount nodes { id until: restorableUntil title } } } }"""
    answer, asker = await both(desk, world.viewer, asked, id=ids(world, "Team")[0])
    found = {row["id"]: row["until"] for row in answer["data"]["team"]["videos"]["nodes"]}
    assert found[ids(world, "Video")[0]] is None
    assert sum(until is not None for until in found.values()) == (not alone)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INTERNAL"]
    assert asker.statements.total() == 1


async def test_what_is_no_member_of_an_enum(desk, world):
    await _stored("UPDATE videos SET status = $2 WHERE id = $1", world.ids["Video"][0], "odd")
    asked = "query ($id: ID!) { video(id: $id) { id status } other: node(id: $id) { id } }"
    answer, asker = await both(desk, world.viewer, asked, id=ids(world, "Video")[0])
    assert answer["data"] == {"video": None, "other": {"id": ids(world, "Video")[0]}}
    assert (paths_of(answer), asker.statements.total()) == (["video.status"], 1)


async def test_a_null_where_a_member_of_an_enum_must_be(desk, world):
    made = await job(await Video.get(id=world.ids["Video"][0]))
    await _stored("UPDATE jobs SET step = $2 WHERE id = $1", made.id, "nowhere")
    answer, _ = await both(
        desk, world.viewer, "query ($id: ID!) { job(id: $id) { step kind } }", id=encode_id("Job", made.id)
    )
    assert answer["data"] == {"job": {"step": None, "kind": "INGEST"}}
    assert paths_of(answer) == ["job.step"]


@pytest.mark.parametrize("figure", [2**31, -(2**31) - 1, 2**62])
async def test_a_number_that_is_no_int_of_graphql(desk, world, figure):
    await Version.filter(video_id=world.ids["Video"][0]).update(duration_ms=figure)
    asked = """query ($id: ID!) { video(id: $id) { title durationMs latestVersion { number } }
        versions: node(id: $id) { ... on Video { versions { nodes { number durationMs } } } } }"""
    answer, asker = await both(desk, world.viewer, asked, id=ids(world, "Video")[0])
    assert answer["data"]["video"] == {"title": "Cut", "durationMs": None, "latestVersion": {"number": 2}}
    assert answer["data"]["versions"] is None
    assert paths_of(answer) == ["video.durationMs", "versions.versions.nodes.0.durationMs"]
    assert "32-bit" in answer["errors"][0]["message"]
    assert asker.statements.total() == 2


@pytest.mark.parametrize("figure", [2**31 - 1, -(2**31)])
async def test_the_largest_ints_of_graphql(desk, world, figure):
    await Version.filter(video_id=world.ids["Video"][0]).update(duration_ms=figure)
    asked = "query ($id: ID!) { video(id: $id) { durationMs latestVersion { durationMs } } }"
    answer, _ = await both(desk, world.viewer, asked, id=ids(world, "Video")[0])
    assert answer["data"]["video"] == {"durationMs": figure, "latestVersion": {"durationMs": figure}}


async def test_arguments_that_are_wrong_below_many_parents(desk, world):
    """Each parent has its own error; the page that is sound is there."""
    asked = """query ($id: ID!, $bad: Int, $after: String) { team(id: $id) { name videos { nodes {
        title latestVersion { a: comments(first: $bad) { totalCount } }
        createdBy { memberships(after: $after) { nodes { id } } } latestAgain: latestVersion { comments { totalCount } }
    } } } }"""
    answer, asker = await both(desk, world.viewer, asked, id=ids(world, "Team")[0], bad=0, after="nonsense")
    videos = answer["data"]["team"]["videos"]["nodes"]
    assert [(video["latestVersion"], video["createdBy"]) for video in videos] == [(None, None)] * 2
    assert all(video["latestAgain"]["comments"]["totalCount"] == 2 for video in videos)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"INVALID"}
    assert len(answer["errors"]) == 4
    assert asker.statements.total() == 1


async def test_several_errors_at_once(desk, world):
    asked = """query ($id: ID!, $bad: ID!) { a: video(id: $bad) { id }
        b: video(id: $id) { title versions(first: 999) { totalCount } }
        c: video(id: $id) { title jobs { totalCount } } d: node(id: $bad) { id } e: viewer { name } }"""
    answer, asker = await both(desk, world.viewer, asked, id=ids(world, "Video")[0], bad="bad")
    assert [answer["data"][name] is None for name in "abcde"] == [True, True, False, True, False]
    assert paths_of(answer) == ["a", "b.versions", "d"]
    assert asker.statements.total() == 1


async def test_the_same_rows_are_told_of_without_a_second_look(desk, world):
    """The fast builder finds something wrong: what follows goes over what was read."""
    await Version.filter(video_id=world.ids["Video"][0]).update(duration_ms=2**40)
    asked = "query ($id: ID!) { video(id: $id) { durationMs title latestVersion { proxyUrl posterUrl number } } }"
    answer, asker = await both(desk, world.viewer, asked, id=ids(world, "Video")[0])
    assert answer["data"]["video"]["latestVersion"]["proxyUrl"].startswith("http://localhost/")
    assert asker.statements.total() == 1


async def _stored(sql: str, *values: Any) -> None:
    async with raw_connection() as connection:
        await connection.execute(sql, *values)


async def _raising(context: Any, rows: Any) -> list[int]:
    raise BadInput(f"not for {len(rows)} rows")


async def _half(context: Any, rows: Any) -> list[Any]:
    return [BadInput("not this one") if row["title"] == "b" else f"{row['title']}!" for row in rows]


async def _short(context: Any, rows: Any) -> list[str]:
    return ["only one"]


async def _empty(context: Any, rows: Any) -> list[None]:
    return [None] * len(rows)


async def _asked(desk: Desk, field: str, **fields: tuple[Any, Any]) -> tuple[dict[str, Any], Asker]:
    maker = await user()
    world = await a_world(1)
    team = world.ids["Team"][0]
    for title in "abc":
        await Video.create(title=title, team_id=team, created_by_id=maker.id)
    with trial(desk, title=(str, column(description="d")), **fields) as tried:
        return await both(tried, world.viewer, TRIALS % field, id=encode_id("TrialTeam", team))


def batched(by: Any, kind: Any = str | None) -> dict[str, tuple[Any, Any]]:
    return {"value": (kind, batch("title", by=by, description="d"))}


async def test_a_batch_that_fails_fails_for_each_row(desk):
    answer, asker = await _asked(desk, "value other: value", **batched(_raising))
    nodes = answer["data"]["trialTeam"]["trials"]["nodes"]
    assert [(row["value"], row["other"]) for row in nodes] == [(None, None)] * 4
    assert {error["message"] for error in answer["errors"]} == {"not for 4 rows"}
    assert (len(answer["errors"]), asker.statements.total()) == (8, 1)


async def test_a_batch_may_fail_for_one_row(desk):
    answer, asker = await _asked(desk, "value", **batched(_half))
    nodes = answer["data"]["trialTeam"]["trials"]["nodes"]
    assert {row["title"]: row["value"] for row in nodes} == {"Cut": "Cut!", "a": "a!", "b": None, "c": "c!"}
    assert [error["message"] for error in answer["errors"]] == ["not this one"]
    assert asker.statements.total() == 1


async def test_a_batch_that_may_not_be_null(desk):
    answer, asker = await _asked(desk, "value", **batched(_empty, str))
    assert answer["data"] == {"trialTeam": None}
    assert paths_of(answer) == ["trialTeam.trials.nodes.0.value"]
    assert asker.statements.total() == 1


async def test_a_batch_with_too_few_values_is_a_fault(desk, caplog):
    answer, _ = await _asked(desk, "value", **batched(_short))
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"INTERNAL"}
    assert len(answer["errors"]) == 4
    assert "a plan failed" in caplog.text


@pytest.mark.parametrize("kind", [str, str | None], ids=str)
@pytest.mark.parametrize("value", [None, BadInput("no"), object()], ids=lambda value: type(value).__name__)
async def test_computed_values_of_the_wrong_kind(desk, kind, value):
    by = computed("title", by=lambda title: value if title == "b" else title, description="d")
    answer, asker = await _asked(desk, "value", value=(kind, by))
    wrong = value is not None or kind is str
    assert (answer["data"]["trialTeam"] is None) is (kind is str)
    assert bool(paths_of(answer)) is wrong
    assert asker.statements.total() == 1


@pytest.mark.parametrize("kind", [list[str], list[str | None], list[str] | None, list[list[int]]], ids=str)
@pytest.mark.parametrize("value", [None, [], [None], ["x"], [["x"]], "xy", 5, [BadInput("no")], ("a", "b")], ids=repr)
async def test_computed_lists_of_every_kind(desk, kind, value):
    by = computed("title", by=lambda title: value if title == "b" else [], description="d")
    await _asked(desk, "value", value=(kind, by))


async def test_a_row_that_must_be_there_and_cannot_be_seen(desk):
    """Who made the videos shares no team with the viewer."""
    maker = NODES["User"].cls, to_one("created_by_id", description="d")
    answer, asker = await _asked(desk, "maker { name }", maker=maker)
    assert answer["data"] == {"trialTeam": None}
    (path,) = paths_of(answer)
    assert path.startswith("trialTeam.trials.nodes.")
    assert path.endswith(".maker")
    assert asker.statements.total() == 2


async def test_jobs_of_nobody_are_of_nobody(desk, world):
    made = await job(await Video.get(id=world.ids["Video"][0]), created_by_id=None)
    assert await Job.filter(id=made.id, created_by_id=None).exists()
    answer, _ = await both(
        desk, world.viewer, "query ($id: ID!) { job(id: $id) { createdBy { id } } }", id=encode_id("Job", made.id)
    )
    assert answer["data"] == {"job": {"createdBy": None}}
