"""The plain path looks ahead: it loads what a level is asked for, no more, and waits for it once."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from domain.ids import new_id
from domain.viewers import Viewer
from edge.services import describe
from plan import encode_id
from plan.engine import Engine
from plan.loader import Loader
from plan.nodes import NODES
from tests.plan.conftest import Asker, Desk, the_schema
from tests.plan.test_statements import everything_of, operation, to_many
from tests.plan.world import World, a_world

LIBRARY = """query ($id: ID!, $owners: Boolean = false) {
  team(id: $id) { videos { ...page } }
}
fragment page on VideoConnection {
  nodes { id title createdBy @include(if: $owners) { name } ... on Node @skip(if: true) { ... on Video { jobCount } } }
  edges { node { latestVersion { number restorations { number } } } }
}"""


@pytest.fixture(scope="session")
async def world(desk: Desk) -> World:
    return await a_world(2)


@dataclass
class Failing(Asker):
    """Its database fails where a statement reads one table."""

    table: str = ""

    async def fetch(self, text: str, values: Any) -> Any:
        if f'FROM "{self.table}" x' in text:
            raise ConnectionResetError("the line is gone")
        return await super().fetch(text, values)


@dataclass
class Stuck(Asker):
    """Its database never answers, and notes who gives up waiting."""

    given_up: int = 0

    async def fetch(self, text: str, values: Any) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise


def tables(asker: Asker) -> list[str]:
    """Which tables were read, each as often as it was."""
    return sorted(text.split(" x WHERE")[0].rsplit('FROM "')[-1].rstrip('"') for text in asker.statements.elements())


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The keys of values that a field had to wait for by itself."""
    keys: list[Any] = []
    load = Loader.load

    def noting(loader: Loader[Any, Any], key: Any) -> Any:
        keys.append(key)
        return load(loader, key)

    monkeypatch.setattr(Loader, "load", noting)
    return keys


@pytest.mark.parametrize("field", to_many())
async def test_no_field_of_a_row_is_waited_for(desk, world, waits, field):
    kind, name = field.split(".")
    selection = everything_of(desk, NODES[kind].target(name))
    asker = desk.asker(world.viewer, plain=True)
    data = await asker.data(operation(field, selection, [encode_id(kind, row_id) for row_id in world.ids[kind][:2]]))
    assert any(parent[name]["nodes"] for parent in data.values())
    assert waits == []


async def test_only_what_is_asked_for_is_loaded(desk, world, waits):
    team = encode_id("Team", world.ids["Team"][0])
    read = {}
    for owners in (False, True):
        asker = desk.asker(world.viewer, plain=True)
        await asker.data(LIBRARY, id=team, owners=owners)
        read[owners] = tables(asker)
    assert read[False] == ["teams", "versions", "versions", "videos"]
    assert read[True] == sorted([*read[False], "users"])
    assert waits == []


async def test_rows_beyond_the_page_are_asked_for_nothing(desk, world):
    """One more row than the page has is read, to know whether there is more."""
    asker, team = desk.asker(world.viewer, plain=True), encode_id("Team", world.ids["Team"][0])
    parents: list[Any] = []

    async def noting(text: str, values: Any) -> Any:
        if "count(*)" in text:
            parents.extend(values[0])
        return await Asker.fetch(asker, text, values)

    asker.fetch = noting
    page = "pageInfo { hasNextPage } nodes { jobCount }"
    data = await asker.data(f'{{ team(id: "{team}") {{ videos(first: 1) {{ {page} }} }} }}')
    assert data["team"]["videos"]["pageInfo"]["hasNextPage"]
    assert len(parents) == 1


async def test_a_load_that_fails_fails_the_fields_that_asked_for_it(desk, world):
    asker = Failing(desk.engine, desk.caller._replace(viewer=world.viewer), plain=True, table="users")
    team = encode_id("Team", world.ids["Team"][0])
    answer = await asker.ask(LIBRARY, id=team, owners=True)
    nodes = answer["data"]["team"]["videos"]["nodes"]
    assert [node["createdBy"] for node in nodes] == [None] * 2
    assert all(node["title"] for node in nodes)
    assert all(edge["node"]["latestVersion"]["number"] for edge in answer["data"]["team"]["videos"]["edges"])
    paths = [["team", "videos", "nodes", index, "createdBy"] for index in range(2)]
    assert sorted(error["path"] for error in answer["errors"]) == paths


async def test_a_mistake_below_is_told_where_it_stands(desk, world):
    asker, team = desk.asker(world.viewer, plain=True), encode_id("Team", world.ids["Team"][0])
    asked = "a: memberCount nodes: videos(first: 1) { nodes { id comments(first: 0) { totalCount } } }"
    answer = await asker.ask(f'{{ viewer {{ name }} team(id: "{team}") {{ {asked} }} }}')
    assert answer["data"]["viewer"] is not None
    assert answer["data"]["team"] is None
    (error,) = answer["errors"]
    assert error["path"] == ["team", "nodes", "nodes", 0, "comments"]
    assert error["extensions"] == {"code": "INVALID"}


async def test_what_takes_too_long_is_given_up(desk):
    engine = Engine(the_schema(), describe, seconds=0.05)
    asker = Stuck(engine, desk.caller._replace(viewer=Viewer(new_id(), new_id())), plain=True)
    answer = await asker.ask("{ viewer { id } }")
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "TIMEOUT"}]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asker.given_up == 1
