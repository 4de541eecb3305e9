"""The executor's short way leads where graphql-core's own goes, and is taken."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import graphql
import orjson
import pytest
from graphql.execution.executor import Executor

from plan import BadInput, encode_id
from plan.executor import PlainExecutor
from plan.loader import Loader
from plan.nodes import NODES
from plan.reader import Reader
from tests.plan.conftest import Asker, Desk
from tests.plan.test_plain import Failing
from tests.plan.test_statements import everything_of, operation, to_many
from tests.plan.world import World, a_world

LIBRARY = """query ($id: ID!) {
  node(id: $id) { __typename ... on Team { again: id id videos(first: 2) { ...page } } }
}
fragment page on VideoConnection {
  totalCount pageInfo { endCursor } edges { cursor node { ...video } } nodes { ...video }
}
fragment video on Video {
  title status tags durationMs deletedAt createdBy { name } commentCount lastCommentedAt
  latestVersion {
    number originalUrl frameRate { numerator } restorations { number } comments(last: 1) { nodes { body } }
  }
}"""
Use = Callable[[type[Executor[Any]]], None]


@dataclass
class Spoilt(Asker):
    """In its rows, `column` holds `value`."""

    column: str = ""
    value: Any = None

    async def fetch(self, text: str, values: Any) -> Any:
        rows = [dict(row) for row in await super().fetch(text, values)]
        return [row | {self.column: self.value} if self.column in row else row for row in rows]


@pytest.fixture(scope="session")
async def world(desk: Desk) -> World:
    return await a_world(2)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    def using(executor: type[Executor[Any]]) -> None:
        def execute(*given: Any, **more: Any) -> Any:
            return graphql.execute(*given, **more | {"executor_class": executor})

        monkeypatch.setattr("plan.engine.execute", execute)

    return using


async def answers(use: Use, asker: Asker, query: str, **variables: Any) -> list[dict[str, Any]]:
    """By graphql-core's own executor, and by ours."""
    both = []
    for executor in (Executor, PlainExecutor):
        use(executor)
        answer = await asker.ask(query, **variables)
        answer["errors"] = sorted(answer.get("errors", ()), key=orjson.dumps)
        both.append(answer)
    assert orjson.dumps(both[0]) == orjson.dumps(both[1])
    return both


@pytest.mark.parametrize("field", to_many())
async def test_it_answers_the_same(desk, world, use, field):
    kind, name = field.split(".")
    query = operation(field, everything_of(desk, NODES[kind].target(name)), [encode_id(kind, world.ids[kind][0])])
    for answer in await answers(use, desk.asker(world.viewer, plain=True), query):
        assert answer["data"]["p0"][name]["nodes"]
        assert not answer["errors"]


@pytest.mark.parametrize(
    ("column", "value", "is_told"),
    [
        ("title", None, True),
        ("title", BadInput("not this one"), True),
        ("status", "nonsense", True),
        ("number", "seven", True),
        ("value", None, True),
        ("created_by_id", None, False),
        ("deleted_at", None, False),
        ("file_key", None, True),
    ],
)
async def test_it_tells_the_same_of_what_is_amiss(desk, world, use, column, value, is_told):
    asker = Spoilt(desk.engine, desk.caller._replace(viewer=world.viewer), plain=True, column=column, value=value)
    for answer in await answers(use, asker, LIBRARY, id=encode_id("Team", world.ids["Team"][0])):
        assert bool(answer["errors"]) is is_told


async def test_it_tells_the_same_of_values_that_are_errors(desk, world, use, monkeypatch):
    async def refuse(rows: list[Any]) -> list[Any]:
        return [BadInput("not this one")] * len(rows)

    monkeypatch.setattr(Reader, "batches", lambda _reader, _name, _by: Loader(refuse))
    query = f'{{ version(id: "{encode_id("Version", world.ids["Version"][0])}") {{ originalUrl }} }}'
    for answer in await answers(use, desk.asker(world.viewer, plain=True), query):
        assert [error["path"] for error in answer["errors"]] == [["version", "originalUrl"]]


@pytest.mark.parametrize("table", ["users", "versions", "comments"])
async def test_it_tells_the_same_of_what_cannot_be_loaded(desk, world, use, table):
    asker = Failing(desk.engine, desk.caller._replace(viewer=world.viewer), plain=True, table=table)
    for answer in await answers(use, asker, LIBRARY, id=encode_id("Team", world.ids["Team"][0])):
        assert answer["errors"]


async def test_the_short_way_is_taken(desk, world, use, monkeypatch):
    """What is at hand takes no resolve info, so rows add none."""
    made = []
    build = Executor.build_resolve_info

    def noting(*given: Any) -> Any:
        made.append(given)
        return build(*given)

    monkeypatch.setattr(Executor, "build_resolve_info", noting)
    use(PlainExecutor)
    asked = "videos(first: $first) { nodes { id title status durationMs commentCount createdBy { id name } } }"
    query = f"query ($id: ID!, $first: Int) {{ team(id: $id) {{ {asked} }} }}"
    counts = []
    for first in (1, 2):
        made.clear()
        await desk.asker(world.viewer, plain=True).data(query, id=encode_id("Team", world.ids["Team"][0]), first=first)
        counts.append(len(made))
    assert counts[0] == counts[1] > 0
