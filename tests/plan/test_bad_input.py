"""Whatever a client asks wrongly is told as INVALID, never as a fault of ours."""

import base64

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.ids import new_id
from plan import encode_id
from plan.nodes import NODES
from tests.plan.world import a_world

VIDEOS = """query ($id: ID!, $first: Int, $last: Int, $after: String, $before: String, $filter: VideoFilter) {
  node(id: $id) { ... on Team {
    videos(first: $first, last: $last, after: $after, before: $before, filter: $filter) { nodes { id } } } } }"""
VERSIONS = """query ($id: ID!, $after: String) {
  node(id: $id) { ... on Video { versions(after: $after) { nodes { id } } } } }"""
THREADS = """query ($id: ID!, $after: String) {
  node(id: $id) { ... on Version { comments(after: $after) { nodes { id } } } } }"""
CURSORS = """query ($team: ID!, $video: ID!) {
  team(id: $team) { videos { edges { cursor } } members { edges { cursor } } }
  video(id: $video) { versions { edges { cursor } } jobs { edges { cursor } } } }"""
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def packed(value) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


def codes(answer) -> list[str | None]:
    return [error.get("extensions", {}).get("code") for error in answer.get("errors", [])]


@pytest.fixture(scope="session")
async def world(desk):
    return await a_world(2)


@pytest.fixture
def asker(desk, world):
    return desk.asker(world.viewer)


@pytest.mark.parametrize(
    "paging",
    [{"first": 0}, {"first": 101}, {"first": -1}, {"last": 0}, {"last": 101}, {"last": -5}, {"first": 2**31 - 1}],
    ids=str,
)
async def test_a_page_has_one_to_a_hundred_rows(asker, world, paging):
    assert codes(await asker.ask(VIDEOS, id=encode_id("Team", world.ids["Team"][0]), **paging)) == ["INVALID"]


async def test_a_page_begins_at_one_end(asker, world):
    answer = await asker.ask(VIDEOS, id=encode_id("Team", world.ids["Team"][0]), first=1, last=1)
    assert codes(answer) == ["INVALID"]
    assert answer["data"] == {"node": None}


@settings(max_examples=150, deadline=None)
@given(after=st.text() | json.map(packed) | st.lists(json, max_size=3).map(packed), before=st.booleans())
@example(after="", before=False)
@example(after="=", before=True)
@example(after="\ud800", before=False)
@example(after=packed(["Video", {"-created_at": 12, "-id": str(new_id())}]), before=False)
@example(after=packed(["Video", {"-created_at": "2026-01-01", "-id": str(new_id())}]), before=False)
@example(after=packed(["Video", {"-created_at": "0001-01-01T00:00:00+14:00", "-id": str(new_id())}]), before=True)
@example(after=packed(["Video", {"-created_at": None, "-id": None}]), before=False)
@example(after=packed(["Video", {"-created_at": "2026-01-01T00:00:00+00:00"}]), before=False)
async def test_what_is_no_cursor_is_told(desk, world, after, before):
    team, name = encode_id("Team", world.ids["Team"][0]), "before" if before else "after"
    assert codes(await desk.asker(world.viewer).ask(VIDEOS, id=team, **{name: after})) == ["INVALID"]


@pytest.mark.parametrize("figure", [2**63, 2**64 - 1])
async def test_a_moment_too_large_for_its_column_is_told(asker, world, figure):
    after = packed(["Comment", {"start_ms": figure, "id": str(new_id())}])
    assert codes(await asker.ask(THREADS, id=encode_id("Version", world.ids["Version"][0]), after=after)) == ["INVALID"]


@pytest.mark.parametrize("figure", [2**31, 2**63 - 1, 2**64 - 1, -(2**31) - 1])
async def test_a_number_too_large_for_its_column_is_told(asker, world, figure):
    after = packed(["Version", {"-number": figure, "-id": str(new_id())}])
    assert codes(await asker.ask(VERSIONS, id=encode_id("Video", world.ids["Video"][0]), after=after)) == ["INVALID"]


async def test_a_cursor_of_another_connection_is_told(asker, world):
    team, video = encode_id("Team", world.ids["Team"][0]), encode_id("Video", world.ids["Video"][0])
    data = await asker.data(CURSORS, team=team, video=video)
    fields = {**data["team"], **data["video"]}
    cursors = {name: fields[name]["edges"][0]["cursor"] for name in fields}
    assert len(cursors) == 4
    for name, cursor in cursors.items():
        answer = await asker.ask(VIDEOS, id=team, after=cursor)
        assert codes(answer) == ([] if name == "videos" else ["INVALID"]), name


@settings(max_examples=150, deadline=None)
@given(value=st.text() | st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode()))
@example(value="")
@example(value="é")
@example(value=encode_id("Video", new_id()) + "=")
@example(value=encode_id("Video", new_id())[:-1])
async def test_what_is_no_id_is_told(desk, world, value):
    asker = desk.asker(world.viewer)
    assert codes(await asker.ask("query ($id: ID!) { node(id: $id) { id } }", id=value)) == ["INVALID"]
    assert codes(await asker.ask("query ($id: ID!) { video(id: $id) { id } }", id=value)) == ["INVALID"]


async def test_an_id_of_another_kind_finds_nothing(asker, world):
    team = encode_id("Team", world.ids["Team"][0])
    unknown = encode_id("Nonsense", world.ids["Team"][0])
    query = "query ($team: ID!, $unknown: ID!) { video(id: $team) { id } node(id: $unknown) { id } }"
    assert await asker.data(query, team=team, unknown=unknown) == {"video": None, "node": None}


@pytest.mark.parametrize("name", sorted(NODES))
async def test_an_id_of_nothing_finds_nothing(asker, name):
    query = "query ($id: ID!) { node(id: $id) { id } }"
    assert await asker.data(query, id=encode_id(name, new_id())) == {"node": None}


@pytest.mark.parametrize("given", [{"text": "a\0b"}, {"tags": ["\0"]}], ids=str)
async def test_a_text_that_no_database_takes_is_told(asker, world, given):
    answer = await asker.ask(VIDEOS, id=encode_id("Team", world.ids["Team"][0]), filter=given)
    assert codes(answer) == ["INVALID"]


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", '"; DROP TABLE videos; --', "$1", "{}", "ſ", "\x01", "a" * 5000])
async def test_a_search_takes_any_text_for_what_it_is(asker, world, text):
    """No video is called that, so a sign with a meaning of its own would find what it must not."""
    data = await asker.data(VIDEOS, id=encode_id("Team", world.ids["Team"][0]), filter={"text": text})
    assert data["node"]["videos"]["nodes"] == []
