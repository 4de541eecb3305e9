"""From variables and literals to what a plan is asked for: every way of giving a value, and what decides on a plan."""

from itertools import product
from typing import Any

import pytest

from plan import encode_id
from tests.plan.conftest import Desk
from tests.plan.twice import both, paths_of, watched
from tests.plan.world import World, a_world

CHOICE = """query ($id: ID!, $a: Boolean!, $b: Boolean!) { video(id: $id) { title
    id @include(if: $a) status @skip(if: $b) ...more @include(if: $b)
    versions(first: 1) @skip(if: $a) { totalCount @include(if: $b) nodes { number ... @skip(if: $b) { size } } } } }
fragment more on Video { createdAt latestVersion @skip(if: $a) { number } title @skip(if: $a) }"""


@pytest.fixture(scope="session")
async def world(desk: Desk) -> World:
    return await a_world(2)


def video(world: World) -> str:
    return encode_id("Video", world.ids["Video"][0])


@pytest.mark.parametrize("order", [1, -1])
async def test_every_combination_of_two_decisions_has_a_plan_of_its_own(desk, world, order):
    own, watch = watched(desk)
    seen = {}
    for a, b in [*product((True, False), repeat=2)][::order] * 2:
        answer, _ = await both(own, world.viewer, CHOICE, id=video(world), a=a, b=b)
        assert seen.setdefault((a, b), answer) == answer
        row = answer["data"]["video"]
        assert ("id" in row, "status" in row, "createdAt" in row, "versions" in row) == (a, not b, b, not a)
        assert ("latestVersion" in row) == (b and not a)
    assert len(own.engine._runner._plans) == len({str(answer) for answer in seen.values()}) == 4
    assert watch.runs["query", "planned"] == 8


@pytest.mark.parametrize("given", [{}, {"yes": True}, {"yes": False}], ids=str)
async def test_a_decision_may_have_a_default(desk, world, given):
    asked = "query ($id: ID!, $yes: Boolean! = true) { video(id: $id) { id title @include(if: $yes) } }"
    answer, _ = await both(desk, world.viewer, asked, id=video(world), **given)
    assert ("title" in answer["data"]["video"]) is given.get("yes", True)


async def test_a_decision_may_be_at_the_root(desk, world):
    asked = "query ($yes: Boolean!) { viewer @include(if: $yes) { name } other: viewer @skip(if: $yes) { email } }"
    for yes in (True, False, True):
        answer, asker = await both(desk, world.viewer, asked, yes=yes)
        assert list(answer["data"]) == (["viewer"] if yes else ["other"])
        assert asker.statements.total() == 1
    answer, asker = await both(desk, world.viewer, "query ($yes: Boolean!) { viewer @skip(if: $yes) { id } }", yes=True)
    assert (answer["data"], asker.statements.total()) == ({}, 0)


SIZES = "query ($id: ID!{}) {{ video(id: $id) {{ versions({}) {{ nodes {{ number }} pageInfo {{ hasNextPage }} }} }} }}"


@pytest.mark.parametrize(
    ("declared", "arguments", "given"),
    [
        ("", "", {}),
        ("", "first: 1", {}),
        ("", "first: null, last: 1", {}),
        (", $n: Int", "first: $n", {}),
        (", $n: Int", "first: $n", {"n": None}),
        (", $n: Int", "first: $n", {"n": 1}),
        (", $n: Int = 1", "last: $n", {}),
        (", $n: Int = 1", "last: $n", {"n": None}),
        (", $n: Int = 1", "last: $n", {"n": 2}),
        (", $n: Int!", "first: $n", {"n": 1.0}),
        (", $n: Int, $m: Int", "first: $n, last: $m", {"n": 1, "m": 1}),
        (", $n: Int", "first: $n, after: null, before: null", {"n": 0}),
        (", $c: String", "after: $c", {"c": ""}),
        (", $c: String = null", "before: $c", {}),
    ],
    ids=str,
)
async def test_every_way_of_giving_a_page(desk, world, declared, arguments, given):
    asked = SIZES.format(declared, arguments).replace("versions()", "versions")
    await both(desk, world.viewer, asked, id=video(world), **given)
    await both(desk, world.viewer, asked, id=video(world), **given)


FILTER = "query ($id: ID!{}) {{ team(id: $id) {{ videos(filter: {}) {{ totalCount nodes {{ title }} }} }} }}"


@pytest.mark.parametrize(
    ("declared", "literal", "given"),
    [
        ("", "{}", {}),
        ("", "null", {}),
        ("", '{text: "cut"}', {}),
        ("", '{text: null, tags: "a"}', {}),
        ("", "{status: DRAFT, deleted: false}", {}),
        (", $t: String", "{text: $t}", {}),
        (", $t: String", "{text: $t}", {"t": None}),
        (', $t: String = "none"', "{text: $t}", {}),
        (", $t: String", "{text: $t}", {"t": "CUT"}),
        (", $t: [String!]", "{tags: $t}", {"t": "a"}),
        (", $t: String!", '{tags: [$t, "b"]}', {"t": "a"}),
        (", $s: VideoStatus", "{status: $s}", {"s": "READY"}),
        (", $f: VideoFilter", "$f", {}),
        (", $f: VideoFilter", "$f", {"f": {"text": "cut", "tags": None, "status": "DRAFT"}}),
        (', $f: VideoFilter = {text: "none"}', "$f", {}),
        (', $f: VideoFilter = {text: "none"}', "$f", {"f": None}),
    ],
    ids=str,
)
async def test_every_way_of_giving_a_filter(desk, world, declared, literal, given):
    team = encode_id("Team", world.ids["Team"][0])
    for _ in range(2):
        answer, asker = await both(desk, world.viewer, FILTER.format(declared, literal), id=team, **given)
        assert "errors" not in answer
        assert asker.statements.total() == 1


@pytest.mark.parametrize("field", ["video", "node"])
async def test_an_id_that_is_null_by_its_variable(desk, world, field):
    """A variable that may be null is let in where it has a default: then null is told in GraphQL's own words."""
    asked = f'query ($id: ID = "{video(world)}") {{ found: {field}(id: $id) {{ id }} }}'
    answer, _ = await both(desk, world.viewer, asked)
    assert answer["data"]["found"] == {"id": video(world)}
    answer, _ = await both(desk, world.viewer, asked, id=None)
    assert paths_of(answer) == ["found"]
    assert "null" in answer["errors"][0]["message"] or "None" in answer["errors"][0]["message"]
    assert "extensions" not in answer["errors"][0]


@pytest.mark.parametrize("given", ["12", 12, "", "é", "\0", "VmlkZW8", 2**31], ids=repr)
async def test_every_way_of_giving_an_id(desk, world, given: Any):
    asked = "query ($id: ID!) { video(id: $id) { id } node(id: $id) { id } }"
    answer, _ = await both(desk, world.viewer, asked, id=given)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID"] * 2


async def test_literals_may_be_ids_too(desk, world):
    answer, asker = await both(desk, world.viewer, "{ video(id: 12) { id } viewer { name } }")
    assert (paths_of(answer), answer["data"]["viewer"]) == (["video"], {"name": "Ada"})
    assert asker.statements.total() == 1


async def test_fields_of_the_same_name_are_merged(desk, world):
    asked = """query ($id: ID!) { video(id: $id) { versions(first: 1) { nodes { number } } }
        video(id: $id) { ...f versions(first: 1) { nodes { video { title } } totalCount } } }
        fragment f on Video { versions(first: 1) { edges { node { id } } } }"""
    answer, asker = await both(desk, world.viewer, asked, id=video(world))
    (version,) = answer["data"]["video"]["versions"]["nodes"]
    assert list(version) == ["number", "video"]
    assert asker.statements.total() == 1
