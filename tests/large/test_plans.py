"""No question of the product reads a large table as a whole, and every index answers one of them."""

import asyncpg
import pytest
from graphql import FieldNode, TypeInfo, TypeInfoVisitor, Visitor, parse, visit
from strawberry.utils.str_converters import to_camel_case

from plan.declarations import ToMany
from plan.nodes import NODES
from tests.large.api import DOCUMENTS
from tests.large.cases import CASES
from tests.large.conftest import Asked
from tests.large.plans import Plan, explain
from tests.large.processes import NUMBERING
from tests.plan.conftest import the_schema


@pytest.mark.parametrize("name", CASES)
async def test_nothing_large_is_read_as_a_whole(name: str, asked: dict[str, Asked], large: set[str]) -> None:
    assert asked[name].statements
    for statement, plan in zip(asked[name].statements, asked[name].plans, strict=True):
        assert not plan.scanned & large, statement


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.by_value])
async def test_nor_where_a_plan_is_kept(name: str, asked: dict[str, Asked], large: set[str]) -> None:
    for statement, plan in zip(asked[name].statements, asked[name].for_any_values, strict=True):
        assert not plan.scanned & large, statement


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.uses])
async def test_its_indexes_answer_it(name: str, asked: dict[str, Asked]) -> None:
    assert asked[name].indexes >= CASES[name].uses


@pytest.fixture(scope="module")
async def numbering(connection: asyncpg.Connection, asked: dict[str, Asked]) -> Plan:
    """How the relay's numbering is done when much has been recorded meanwhile, and the planner knows."""
    (statement,) = asked[NUMBERING].statements
    outage = connection.transaction()
    await outage.start()
    try:
        await connection.execute(
            "UPDATE events SET position = NULL WHERE position > (SELECT max(position) FROM events) - 500"
        )
        await connection.execute("ANALYZE events")
        return await explain(connection, statement)
    finally:
        await outage.rollback()


async def test_after_an_outage_events_are_numbered_in_the_order_of_their_index(numbering: Plan) -> None:
    assert "idx_events_unpositioned" in numbering.indexes


async def test_every_index_answers_something(
    connection: asyncpg.Connection, asked: dict[str, Asked], numbering: Plan
) -> None:
    named = await connection.fetch("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'idx\\_%'")
    used = numbering.indexes.union(*(found.indexes for found in asked.values()))
    assert {name for (name,) in named} - used == set()


async def test_every_root_field_and_connection_is_asked_for(models: None) -> None:
    schema = the_schema()._schema
    types, seen = TypeInfo(schema), set()

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            seen.add(f"{types.get_parent_type()}.{node.name.value}")

    for document in DOCUMENTS.values():
        visit(parse(document), TypeInfoVisitor(types, Fields()))
    roots = {f"Query.{name}" for name in schema.query_type.fields}
    lists = {
        f"{node.name}.{to_camel_case(name)}"
        for node in NODES.values()
        for name, field in node.fields.items()
        if isinstance(field.declaration, ToMany)
    }
    assert roots | lists <= seen
