"""Rows that the database writes as JSON: the same as those that Python writes, whatever is in them."""

import logging
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from models import Comment, CommentEdit, Video
from plan import encode_id, planned
from plan.draft import MOST_FIELDS, MOST_SPELLED
from plan.texts import UNUSUAL, usual
from tests.plan.conftest import Desk
from tests.plan.test_explain import rows
from tests.plan.test_explain import told as explained
from tests.plan.twice import both, watched
from tests.plan.world import World, a_world

LIBRARY = """query ($id: ID!, $first: Int, $last: Int) {
  team(id: $id) { videos(first: $first, last: $last) { nodes {
    __typename id title description status createdAt deletedAt commentCount totalSize durationMs
    createdBy { id name } latestVersion { number size createdAt variableFrameRate }
    versions(last: 2) { __typename totalCount edges { node { number comments(first: 2) { nodes { startMs body } } } } }
  } } } }"""
ODD = [
    "".join(map(chr, range(1, 32))), '"', "\\", "\\u0001", "'", "'' || (SELECT 1) || ''", "\x7f\x80\x9f",
    "\u2028\u2029",
    "\ufeff", "\uffff", "𝄞 \U0010ffff", "</script>", "é e\u0301", "null", "", " ", "[", '"}', "%s {0} $1",
]  # fmt: skip
MOMENTS = [
    datetime(2026, 2, 28, 23, 59, 59, 999999, UTC), datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, 0, 1, UTC),
    datetime(2026, 1, 1, 0, 0, 0, 120000, UTC), datetime(1969, 12, 31, 23, 59, 59, 500000, UTC),
    datetime(9999, 12, 30, tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC),
]  # fmt: skip


@pytest.fixture
async def world(desk: Desk) -> World:
    return await a_world(3)


def team(world: World) -> str:
    return encode_id("Team", world.ids["Team"][0])


async def library(desk: Desk, world: World, **paging: int) -> list[dict[str, Any]]:
    """The team's videos, written by the database in one statement, which must be those of the plain path."""
    answer, asker = await both(desk, world.viewer, LIBRARY, id=team(world), **paging)
    (statement,) = asker.statements
    assert "ROW(concat(" in statement, "it was not the database that wrote"
    assert asker.statements[statement] == 1
    found: list[dict[str, Any]] = answer["data"]["team"]["videos"]["nodes"]
    return found


@pytest.mark.parametrize("text", ODD, ids=ascii)
async def test_texts_of_every_kind(desk, world, text):
    await Video.filter(team_id=world.ids["Team"][0]).update(title=text, description=text)
    assert {(found["title"], found["description"]) for found in await library(desk, world)} == {(text, text)}


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_moments(desk, world, moment):
    await Video.filter(team_id=world.ids["Team"][0]).update(created_at=moment)
    assert {found["createdAt"] for found in await library(desk, world)} == {moment.isoformat()}


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)], ids=str)
async def test_moments_that_the_database_has_as_infinite_are_looked_at_as_tuples(desk, world, moment):
    await Video.filter(team_id=world.ids["Team"][0]).update(created_at=moment)
    answer, asker = await both(desk, world.viewer, LIBRARY, id=team(world))
    assert len(answer["data"]["team"]["videos"]["nodes"]) == 3
    assert asker.statements.total() == 2


async def test_whatever_the_time_zone_of_the_session(desk, world, monkeypatch):
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    await Video.filter(team_id=world.ids["Team"][0]).update(created_at=moment)
    written = planned.statement
    elsewhere = "set_config('TimeZone', 'Asia/Kathmandu', false) || set_config('DateStyle', 'German', false)"

    def travelled(*given: Any) -> str:
        return written(*given).replace("ROW(concat(", f"ROW(concat(left({elsewhere}, 0), ", 1)

    monkeypatch.setattr(planned, "statement", travelled)
    own, _ = watched(desk)
    for _ in range(2):  # the second time the session is there already
        assert {found["createdAt"] for found in await library(own, world)} == {moment.isoformat()}


@pytest.mark.parametrize("paging", [{"first": 2}, {"last": 2}, {"first": 3}, {"last": 100}], ids=str)
async def test_pages_from_both_ends(desk, world, paging):
    whole = [found["id"] for found in await library(desk, world)]
    size = min(3, *paging.values())
    expected = whole[:size] if "first" in paging else whole[-size:]
    assert [found["id"] for found in await library(desk, world, **paging)] == expected


async def test_lists_without_rows(desk, world):
    await CommentEdit.filter(team_id=world.ids["Team"][0]).delete()
    await Comment.filter(team_id=world.ids["Team"][0], parent_id__isnull=False).delete()
    await Comment.filter(team_id=world.ids["Team"][0]).delete()
    found = await library(desk, world)
    assert {version["comments"]["nodes"] == [] for video in found for version in _versions(video)} == {True}
    await Video.filter(team_id=world.ids["Team"][0]).update(deleted_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert await library(desk, world) == []


async def test_an_object_without_fields(desk, world):
    asked = "query ($id: ID!) { team(id: $id) { videos { nodes { createdBy { id @skip(if: true) } } } } }"
    answer, _ = await both(desk, world.viewer, asked, id=team(world))
    assert answer["data"]["team"]["videos"]["nodes"] == [{"createdBy": {}}] * 3


async def test_an_object_of_more_fields_than_a_call_takes_arguments(desk, world):
    fields = " ".join(f"f{number}: title i{number}: id" for number in range(60))
    answer, _ = await both(
        desk,
        world.viewer,
        f"query ($id: ID!) {{ team(id: $id) {{ videos {{ nodes {{ {fields} }} }} }} }}",
        id=team(world),
    )
    assert {len(found) for found in answer["data"]["team"]["videos"]["nodes"]} == {120}


async def test_rows_within_texts_are_counted_for_people(desk, world):
    own, _ = watched(desk, explaining=True)
    shown = rows(await explained(own.asker(world.viewer), LIBRARY, id=team(world)))
    assert shown == {
        "team": 1, "team.videos": 3, "team.videos.versions": 6, "team.videos.versions.comments": 12
    }  # fmt: skip


async def test_what_was_doubted_for_nothing_is_logged(desk, world, monkeypatch, caplog):
    own, watch = watched(desk)
    monkeypatch.setattr("plan.draft.usual", lambda _text: usual(UNUSUAL))
    asker = own.asker(world.viewer)
    with caplog.at_level(logging.WARNING, "plan.planned"):
        found = await asker.data(LIBRARY, id=team(world))
    assert found == await own.asker(world.viewer, plain=True).data(LIBRARY, id=team(world))
    assert (asker.statements.total(), watch.runs["query", "planned"]) == (2, 1)
    assert ["looked wrong" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize("fields", [MOST_SPELLED // 2, MOST_SPELLED + 1, MOST_FIELDS - 20])
async def test_what_many_fields_take_is_bounded(desk, world, fields):
    """By few words of a document, for fragments are spread often. Each that is written takes its own piece of SQL."""
    aliases = " ".join(f"a{number}: createdAt" for number in range(fields // 10))
    spread = " ".join(f"m{number}: createdBy {{ ...some }}" for number in range(9))
    asked = f"query ($id: ID!) {{ team(id: $id) {{ videos {{ nodes {{ {spread} ...more }} }} }} }} "
    asked += f"fragment some on User {{ {aliases} }} fragment more on Video {{ {aliases} }}"
    _, asker = await both(desk, world.viewer, asked, id=team(world))
    (statement,) = asker.statements
    assert ("ROW(concat(" in statement) is (fields < MOST_SPELLED)
    assert len(statement) < 64 * 1024, "it would be prepared for each request anew"


def test_what_is_usual_goes_through_as_it_is():
    assert orjson.dumps([usual('{"a":"\\u0001"}')]) == b'[{"a":"\\u0001"}]'
    with pytest.raises(ValueError, match="a null"):
        usual('{"a":\x01}')


def _versions(video: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in video["versions"]["edges"]]
