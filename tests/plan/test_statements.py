"""How many statements an operation takes depends on its text, never on how many rows it meets."""

import orjson
import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type
from strawberry.utils.str_converters import to_camel_case

from plan import encode_id
from plan.declarations import Batch, FirstOf, ListOf, ToMany, ToOne
from plan.nodes import NODES, NodeDefinition
from tests.plan.conftest import Desk
from tests.plan.world import World, a_world


def to_many() -> list[str]:
    """Every connection in the schema, as `Type.field` by its Python name."""
    return [
        f"{node.name}.{name}"
        for node in NODES.values()
        for name, declared in node.fields.items()
        if isinstance(declared.declaration, ToMany)
    ]


@pytest.fixture(scope="session")
async def worlds(desk: Desk) -> dict[int, World]:
    return {size: await a_world(size) for size in (2, 5)}


def everything_of(desk: Desk, node: NodeDefinition) -> str:
    """A selection of all fields of a type; of what lies behind them, all that is a value."""
    kind = desk.engine.schema.type_map[node.name]
    return " ".join(name + _behind(get_named_type(field.type)) for name, field in kind.fields.items())


def _behind(kind: object) -> str:
    if is_leaf_type(kind):
        return ""
    assert isinstance(kind, GraphQLObjectType)
    if kind.name.endswith("Connection"):
        return "(first: 5) { totalCount nodes { id } }"
    values = [name for name, field in kind.fields.items() if is_leaf_type(get_named_type(field.type))]
    return f" {{ {' '.join(values)} }}"


def operation(field: str, selection: str, parents: list[str]) -> str:
    kind, name = field.split(".")
    rows = f"(first: 5) {{ totalCount pageInfo {{ hasNextPage }} nodes {{ {selection} }} }}"
    asked = f"fragment Asked on {kind} {{ {name}: {to_camel_case(name)}{rows} }}"
    nodes = "\n".join(f'p{i}: node(id: "{parent}") {{ ...Asked }}' for i, parent in enumerate(parents))
    return f"{{ {nodes} }} {asked}"


@pytest.mark.parametrize("field", to_many())
async def test_five_parents_with_five_rows_each_take_no_more_statements_than_two_with_two(desk, worlds, field):
    kind, name = field.split(".")
    target = NODES[kind].target(name)
    selection = everything_of(desk, target)
    statements = {}
    for size, world in worlds.items():
        asker = desk.asker(world.viewer, plain=True)
        parents = [encode_id(kind, row_id) for row_id in world.ids[kind][:size]]
        assert len(parents) == size
        data = await asker.data(operation(field, selection, parents))
        assert sum(len(parent[name]["nodes"]) for parent in data.values()) >= size
        statements[size] = asker.statements
    assert statements[5] == statements[2]
    assert max(statements[2].values()) <= levels(target), "a statement ran twice for one level"


@pytest.mark.parametrize("field", to_many())
async def test_a_plan_takes_one_statement_whatever_it_meets(desk, worlds, field):
    """And one for each field that is declared to read by itself, in each place where the document asks for it."""
    kind, name = field.split(".")
    target = NODES[kind].target(name)
    selection, readers = everything_of(desk, target), reading(target)
    for size, world in worlds.items():
        asker, parents = desk.asker(world.viewer), [encode_id(kind, row_id) for row_id in world.ids[kind][:size]]
        plainly = desk.asker(world.viewer, plain=True)
        asked = operation(field, selection, parents)
        assert orjson.dumps(await asker.data(asked)) == orjson.dumps(await plainly.data(asked))
        assert 1 <= asker.statements.total() <= 1 + readers * len(parents)


def reading(target: NodeDefinition) -> int:
    """How many fields that read by themselves there are among all those of a type and those behind its relations."""
    behind = [name for name, field in target.fields.items() if isinstance(field.declaration, ToOne | FirstOf | ListOf)]
    there = [field for node in (target, *map(target.target, behind)) for field in node.fields.values()]
    return sum(isinstance(field.declaration, Batch) and field.declaration.reads for field in there)


def levels(target: NodeDefinition) -> int:
    """On how many levels one relation can be met: rows that hold rows of their own kind are met behind themselves."""
    own = [name for name, field in target.fields.items() if isinstance(field.declaration, ToMany)]
    return 2 if target in map(target.target, own) else 1


@pytest.mark.parametrize("field", to_many())
async def test_each_level_is_one_statement_and_its_count_another(desk, worlds, field):
    kind, _ = field.split(".")
    asker = desk.asker(worlds[5].viewer, plain=True)
    await asker.data(operation(field, "id", [encode_id(kind, row_id) for row_id in worlds[5].ids[kind][:5]]))
    assert asker.statements.total() == 3  # the parents, their rows, the counts


async def test_the_same_row_asked_for_in_many_places_is_read_once(desk, worlds):
    asker, team = desk.asker(worlds[5].viewer, plain=True), encode_id("Team", worlds[5].ids["Team"][0])
    again = "videos(first: 5) { nodes { team { id name createdAt } createdBy { name memberships { nodes { id } } } } }"
    await asker.data(f'{{ a: team(id: "{team}") {{ id {again} }} b: node(id: "{team}") {{ id }} }}')
    tables = sorted(
        text.split(" x WHERE")[0].split("FROM ")[-1] for text in asker.statements.elements() if "unnest" not in text
    )
    assert tables == ['"teams"', '"users"']


async def test_what_is_not_asked_for_is_not_counted(desk, worlds):
    asker, team = desk.asker(worlds[2].viewer), encode_id("Team", worlds[2].ids["Team"][0])
    await asker.data(f'{{ team(id: "{team}") {{ videos {{ nodes {{ id }} }} }} }}')
    assert not [text for text in asker.statements if "count(*)" in text]


def test_every_kind_of_relation_is_in_the_worlds(worlds):
    """The counts above mean nothing for a relation that leads nowhere."""
    for node in NODES.values():
        assert worlds[5].ids.get(node.name), f"tests/plan/world.py makes no {node.name}"
    kinds = {type(declared.declaration) for node in NODES.values() for declared in node.fields.values()}
    assert {ToMany, ToOne, FirstOf} <= kinds
