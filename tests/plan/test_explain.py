"""In development an answer tells how it came about: the statements, the rows of each level, and where time went."""

from typing import Any

import pytest

from plan import encode_id
from plan.explain import times_by_alias
from plan.requests import Request
from schema.context import Context
from tests.plan.conftest import Asker, Desk
from tests.plan.twice import Watch, watched
from tests.plan.world import World, a_world

LIBRARY = """query Library($id: ID!, $first: Int) { viewer { name } team(id: $id) { videos(first: $first) {
  nodes { title versions(first: 2) { nodes { number restorations { id } } } } } } node(id: $id) { id } }"""


@pytest.fixture(scope="session")
async def world(desk: Desk) -> World:
    return await a_world(3)


@pytest.fixture
def own(desk: Desk) -> tuple[Desk, Watch]:
    return watched(desk, explaining=True)


async def told(asker: Asker, query: str, *, analyzing: bool = False, **variables: Any) -> dict[str, Any]:
    """What `extensions.plan` says."""
    context = Context(asker.caller, asker.reader(), asker.fetch, "request-7", lambda *_: None)
    operation = asker.engine.operation(Request(query, None, variables))
    answer = await asker.engine.run(operation, context, plain=asker.plain, analyzing=analyzing)
    assert list(answer["extensions"]) == ["plan"]
    return answer["extensions"]["plan"]


def rows(shown: dict[str, Any]) -> dict[str, int]:
    (statement,) = shown["statements"]
    return {level["path"]: level["rows"] for level in statement["levels"] if level["path"] != "node" or level["rows"]}


async def test_what_was_read_is_told_level_by_level(own, world):
    asker = own[0].asker(world.viewer)
    shown = await told(asker, LIBRARY, id=encode_id("Team", world.ids["Team"][0]), first=2)
    assert shown["path"] == "planned"
    assert rows(shown) == {
        "viewer": 1, "team": 1, "team.videos": 2, "team.videos.versions": 4, "team.videos.versions.restorations": 4,
        "node": 1,
    }  # fmt: skip
    (statement,) = shown["statements"]
    assert [statement["sql"]] == list(asker.statements)
    assert statement["milliseconds"] > 0
    assert not any("milliseconds" in level for level in statement["levels"])


async def test_values_are_not_told(own, world):
    shown = await told(own[0].asker(world.viewer), LIBRARY, id=encode_id("Team", world.ids["Team"][0]))
    assert "values" not in str(shown)
    assert str(world.viewer.user_id) not in str(shown)


async def test_each_levels_time_is_found_by_analyzing(own, world):
    asker = own[0].asker(world.viewer)
    shown = await told(asker, LIBRARY, analyzing=True, id=encode_id("Team", world.ids["Team"][0]))
    (statement,) = shown["statements"]
    times = {level["path"]: level["milliseconds"] for level in statement["levels"] if level["rows"]}
    assert all(time > 0 for time in times.values())
    assert times["team"] >= times["team.videos"] >= times["team.videos.versions"]
    assert [text[:7] for text in asker.statements] == ["/* Libr", "EXPLAIN"]


async def test_the_plain_path_tells_why_and_what(own, world):
    desk, _ = own
    shown = await told(desk.asker(world.viewer, plain=True), LIBRARY, id=encode_id("Team", world.ids["Team"][0]))
    assert (shown["path"], shown["reason"]) == ("plain", "asked")
    assert len(shown["statements"]) == 5
    assert [len(statement["levels"]) for statement in shown["statements"]] == [1] * 5
    shown = await told(desk.asker(world.viewer), "{ __schema { queryType { name } } }")
    assert (shown["reason"], shown["detail"], shown["statements"]) == ("introspection", "__schema", [])


async def test_a_time_that_is_not_known_is_not_told(own, world):
    """The plain path's levels have no names."""
    asker = own[0].asker(world.viewer, plain=True)
    shown = await told(asker, LIBRARY, analyzing=True, id=encode_id("Team", world.ids["Team"][0]))
    levels = [level for statement in shown["statements"] for level in statement["levels"]]
    assert [level.get("milliseconds", 1) > 0 for level in levels] == [True] * 5


async def test_nothing_is_told_otherwise(desk, world):
    quiet, _ = watched(desk)
    assert set(await quiet.asker(world.viewer).ask("{ viewer { id } }")) == {"data"}


async def test_a_mutations_payload_is_told(own, world):
    asked = (
        "mutation ($id: ID!) { editVideo(input: {id: $id}) { ... on Video { title versions { nodes { number } } } } }"
    )
    shown = await told(own[0].asker(world.viewer), asked, id=encode_id("Video", world.ids["Video"][0]))
    assert rows(shown) == {"editVideo": 1, "editVideo.versions": 3}


async def test_what_reads_nothing_tells_of_no_statement(own, world):
    assert await told(own[0].asker(world.viewer), "{ __typename }") == {"path": "planned", "statements": []}


def test_the_times_of_subqueries_are_those_of_all_their_runs():
    inner = {"Alias": "t2", "Parent Relationship": "SubPlan", "Actual Total Time": 0.5, "Actual Loops": 4}
    sort = {"Parent Relationship": "SubPlan", "Actual Total Time": 0.25, "Actual Loops": 3, "Plans": [{"Alias": "t3"}]}
    top = {"Actual Total Time": 9.0, "Actual Loops": 1, "Plans": [inner, sort, {"Alias": "t1"}]}
    assert times_by_alias(top) == {"t2": 2.0, "t3": 0.75, "t1": 9.0}
