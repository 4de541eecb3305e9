"""One statement answers a query, whatever it holds; who asks and for which rows are parameters of it."""

import re
from typing import Any

import pytest

from domain.ids import new_id
from domain.permissions import Role
from domain.viewers import ANONYMOUS, ScopeViewer, Viewer
from plan import encode_id
from plan.requests import Request
from schema.context import Context
from tests.plan.conftest import Asker, Desk
from tests.plan.twice import both
from tests.plan.world import World, a_world

EVERYTHING = """
query Everything($team: ID!, $video: ID!, $version: ID!) {
  viewer { name memberships { nodes { role team { name memberCount } } } }
  again: viewer { email }
  team(id: $team) { name videos(first: 2) { totalCount edges { cursor node {
    title createdBy { name }
    latestVersion { number comments(first: 3) { nodes { body replies(first: 3) { nodes { body } } } } } } } } }
  one: video(id: $video) { ...clip }
  other: node(id: $video) { __typename id ... on Video { ...clip } }
  version(id: $version) { number restoredFrom { restorations { number } } proxyUrl video { team { id } } }
}
fragment clip on Video {
  title totalSize commentCount durationMs
  versions { nodes { number size } } newest: versions(first: 1) { nodes { number } pageInfo { hasNextPage } }
  latestVersion { number threadCount restorations { id } createdBy { name } }
}"""
PAGE = """query Page($id: ID!, $first: Int, $last: Int, $after: String, $filter: VideoFilter) {
  team(id: $id) { videos(first: $first, last: $last, after: $after, filter: $filter) { edges { cursor } } } }"""


@pytest.fixture(scope="session")
async def world(desk: Desk) -> World:
    return await a_world(3)


def ids(world: World) -> dict[str, str]:
    return {name.lower(): encode_id(name, world.ids[name][0]) for name in ("Team", "Video", "Version")}


async def page(asker: Asker, world: World, **variables: Any) -> str:
    """The text of the statement for a page of a library."""
    asker.statements.clear()
    await asker.ask(PAGE, **({"id": encode_id("Team", world.ids["Team"][0])} | variables))
    (text,) = asker.statements
    return text


async def test_a_query_is_one_statement_whatever_it_holds(desk, world, caplog):
    answer, asker = await both(desk, world.viewer, EVERYTHING, **ids(world))
    assert "errors" not in answer
    assert asker.statements.total() == 1
    assert not caplog.records


async def test_lists_within_the_rows_of_a_page_are_their_own(desk, world, caplog):
    """The comments lie where the outer page's rows lie in their parent: they must not be taken for the list."""
    inside = "comments(first: 3) { nodes { body } } restorations { number restorations { number } }"
    versions = f"versions(first: 3) {{ nodes {{ {inside} }} }}"
    asked = f"query ($team: ID!) {{ team(id: $team) {{ videos(first: 3) {{ nodes {{ {versions} }} }} }} }}"
    answer, _ = await both(desk, world.viewer, asked, team=ids(world)["team"])
    versions = answer["data"]["team"]["videos"]["nodes"][0]["versions"]["nodes"]
    assert [version["restorations"] for version in versions] == [
        [{"number": number, "restorations": [{"number": number}]}] for number in (3, 2, 1)
    ]
    assert not caplog.records, "the builder has failed"


async def test_a_query_that_reads_nothing_asks_nothing(desk, world):
    answer, asker = await both(desk, world.viewer, "{ __typename kind: __typename }")
    assert answer["data"] == {"__typename": "Query", "kind": "Query"}
    assert not asker.statements


async def test_everybody_of_a_kind_shares_a_statement(desk, world):
    everybody = [world.viewer, Viewer(new_id(), new_id()), ANONYMOUS]
    texts = {await page(desk.asker(viewer), world) for viewer in everybody}
    assert len(texts) == 1
    scopes = {role: await page(desk.asker(ScopeViewer(world.ids["Team"][0], role)), world) for role in Role}
    assert texts.isdisjoint(scopes.values())
    again = await page(desk.asker(ScopeViewer(new_id(), Role.OWNER)), world)
    assert again == scopes[Role.OWNER]


async def test_no_id_stands_in_a_statement(desk, world):
    asker, team = desk.asker(world.viewer), world.ids["Team"][0]
    text = (await page(asker, world)).lower()
    for secret in (team, world.viewer.user_id, world.viewer.session_id):
        assert str(secret) not in text
        assert secret.hex not in text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"id": encode_id("Team", ANONYMOUS.user_id)}),
        ({"filter": {"text": "abc"}}, {"filter": {"text": "another"}}),
        ({"filter": {"tags": ["a"]}}, {"filter": {"tags": ["b"]}}),
        ({"filter": {"status": "DRAFT"}}, {"filter": {"status": "READY"}}),
        ({"filter": None}, {}),
        ({"first": 20}, {}),
    ],
    ids=str,
)
async def test_what_only_fills_a_statement_leaves_its_text(desk, world, one, other):
    assert await page(desk.asker(world.viewer), world, **one) == await page(desk.asker(world.viewer), world, **other)


async def test_another_cursor_leaves_its_text(desk, world):
    data = await desk.asker(world.viewer).data(PAGE, id=ids(world)["team"])
    cursors = [edge["cursor"] for edge in data["team"]["videos"]["edges"]]
    assert len({await page(desk.asker(world.viewer), world, after=cursor) for cursor in cursors}) == 1


async def test_what_shapes_a_statement_makes_another(desk, world):
    asker = desk.asker(world.viewer)
    data = await asker.data(PAGE, id=ids(world)["team"])
    cursor = data["team"]["videos"]["edges"][0]["cursor"]
    shapes: list[dict[str, Any]] = [
        {}, {"first": 2}, {"last": 2}, {"first": 2, "after": cursor}, {"last": 2, "after": cursor},
        {"filter": {"text": "abc"}}, {"filter": {"status": "DRAFT"}}, {"filter": {"deleted": True}}, {"first": 0},
    ]  # fmt: skip
    assert len({await page(asker, world, **shape) for shape in shapes}) == len(shapes)


RIGHTS = 3
"""The viewer's teams, who is in them, and the teams in which they see what is not for viewers."""


async def test_a_right_is_asked_for_once(desk, world):
    asker = desk.asker(world.viewer)
    await asker.data(EVERYTHING, **ids(world))
    (text,) = asker.statements
    selects = re.findall(r'"right\d+" AS MATERIALIZED \(SELECT ARRAY\((.*?)\) AS held\)', text)
    assert len(selects) == len(set(selects)) == RIGHTS
    assert text.count(f"{selects[0]})") == 1
    assert text.count('(SELECT held FROM "right0")') > 10


@pytest.mark.parametrize("kind", ["person", "role"])
async def test_for_one_row_nobody_reads_all_colleagues(desk, world, kind):
    """There may be thousands, and of an event it is one row that is told."""
    team = world.ids["Team"][0]
    asker = desk.asker(world.viewer if kind == "person" else ScopeViewer(team, Role.VIEWER))
    data = await asker.data("query ($id: ID!) { video(id: $id) { createdBy { name } } }", id=ids(world)["video"])
    assert data["video"]["createdBy"]["name"]
    (text,) = asker.statements
    assert 'SELECT ARRAY(SELECT "user_id"' not in text
    assert 'SELECT true FROM "members"' in text


async def test_the_operations_name_is_a_comment(desk, world):
    asker = desk.asker(world.viewer)
    await asker.data("query Who { viewer { id } }")
    await asker.data("{ nameless: viewer { id } }")
    named, nameless = asker.statements
    assert named.startswith("/* Who */ ")
    assert "/*" not in nameless


async def test_of_several_operations_each_has_a_plan(desk, world):
    """They share a text."""
    text, asker = "query A { viewer { name } } query B { viewer { email } }", desk.asker(world.viewer)
    told = {}
    for name in ("A", "B", "A"):
        context = Context(asker.caller, asker.reader(), asker.fetch, "request-7", lambda *_: None)
        operation = desk.engine.operation(Request(text, name))
        told[name] = list((await desk.engine.run(operation, context))["data"]["viewer"])
    assert told == {"A": ["name"], "B": ["email"]}
    assert sorted(statement[:7] for statement in asker.statements) == ["/* A */", "/* B */"]
