"""A walk over the schema: what every field, type and argument owes its reader and its team."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType
from strawberry import Schema

from domain.permissions import PERMISSIONS, Audience, Role
from models.base import Row
from plan.declarations import AnyById, ById, PlanField, Reference
from plan.nodes import NODES
from plan.tables import column_names
from schema.enums import Action
from schema.export import GUIDE, SNAPSHOT
from schema.fields import MutationField, QueryField, SubscriptionField
from schema.permissions import guide
from schema.root import build_schema

NARROWED = {"auditEntry"}
"""Queries whose predicate is narrower itself: it asks the same table for the roles (see tests/api/test_audit.py)."""
WITHOUT_DESCRIPTION = ("__", "ID", "String", "Int", "Float", "Boolean", "Query", "Mutation", "Subscription")


@pytest.fixture(scope="module")
async def schema(models: None) -> Schema:
    return build_schema()


def undescribed(schema: Schema) -> Iterator[str]:
    for name, kind in schema._schema.type_map.items():
        if not name.startswith(WITHOUT_DESCRIPTION) and not kind.description:
            yield name
        if name.startswith("__"):
            continue
        if isinstance(kind, GraphQLEnumType):
            yield from (f"{name}.{value}" for value, found in kind.values.items() if not found.description)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            yield from (f"{name}.{field}" for field, found in kind.fields.items() if not found.description)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field, found in kind.fields.items():
                yield from (f"{name}.{field}({a})" for a, given in found.args.items() if not given.description)


def roots(schema: Schema, kind: str) -> dict[str, Any]:
    found = getattr(schema._schema, f"{kind}_type").fields
    return {name: field.extensions["strawberry-definition"] for name, field in found.items()}


async def test_everything_is_described(schema: Schema) -> None:
    assert list(undescribed(schema)) == []


async def test_the_snapshot_is_todays_schema(schema: Schema) -> None:
    assert SNAPSHOT.read_text() == schema.as_str() + "\n"


async def test_the_guide_to_permissions_is_todays_and_names_every_root_field(schema: Schema) -> None:
    written = GUIDE.read_text()
    assert written == guide(schema)
    for kind in ("query", "mutation", "subscription"):
        for name in roots(schema, kind):
            assert written.count(f"{kind} `{name}`") == 1, name


async def test_every_query_names_its_permission(schema: Schema) -> None:
    for name, field in roots(schema, "query").items():
        declared = isinstance(field, PlanField) and isinstance(field.declaration, ById | AnyById | Reference)
        assert declared or isinstance(field, QueryField), name
        assert field.action in PERMISSIONS, name
        if declared and name not in NARROWED:
            # Nothing but the predicate decides who sees, so everybody whom that admits must be allowed to.
            assert PERMISSIONS[field.action].holders in (frozenset(Role), Audience.ANYONE), name


async def test_every_mutation_names_its_permission_and_answers_a_union_with_problems(schema: Schema) -> None:
    problem = schema._schema.type_map["Problem"]
    for name, field in roots(schema, "mutation").items():
        assert isinstance(field, MutationField), name
        assert field.action in PERMISSIONS, name
        union = schema._schema.mutation_type.fields[name].type.of_type  # type: ignore[union-attr]
        assert isinstance(union, GraphQLUnionType), name
        assert union.name == name[0].upper() + name[1:] + "Result"
        assert [member for member in union.types if problem not in member.interfaces] == [union.types[0]], name


async def test_every_subscription_names_its_permission_and_its_topics(schema: Schema) -> None:
    for name, field in roots(schema, "subscription").items():
        assert isinstance(field, SubscriptionField), name
        assert field.action in PERMISSIONS, name
        assert callable(field.topics), name


async def test_every_type_over_a_table_says_who_may_see_it(schema: Schema) -> None:
    tables = {node.table for node in NODES.values()}
    assert len(tables) == len(NODES)
    for node in NODES.values():
        assert node.visible.__self__ is node.table  # type: ignore[attr-defined]
        assert node.visible.__func__ is not Row.visible_to.__func__, f"{node.name} does not say who may see it"  # type: ignore[attr-defined]


IN_A_TEAM_BUT_NOT_OF_IT = {"AuditEntry", "Session"}
"""Types whose table names a team that does not own the row, or of which nobody does anything to a row."""


async def test_whatever_a_team_owns_says_what_the_viewer_may_do(schema: Schema) -> None:
    owned = {node.name for node in NODES.values() if "team_id" in column_names(node.table)} | {"Team"}
    saying = {node.name for node in NODES.values() if "viewer_can" in node.fields}
    assert saying == owned - IN_A_TEAM_BUT_NOT_OF_IT, (
        "what a team owns has `viewer_can: list[Action] = rights(…)`, and nothing else has"
    )


async def test_every_action_that_a_role_holds_is_an_action_of_something(schema: Schema) -> None:
    """Otherwise no client could learn whether to show it."""
    saying = [node.fields["viewer_can"].declaration.by for node in NODES.values() if "viewer_can" in node.fields]
    assert {action for rights in saying for action in rights.actions} == set(Action)


def test_every_permission_is_described() -> None:
    assert [action for action, rule in PERMISSIONS.items() if not rule.description.endswith(".")] == []


async def test_every_permission_is_used(schema: Schema) -> None:
    used = {field.action for kind in ("query", "mutation", "subscription") for field in roots(schema, kind).values()}
    assert used == set(PERMISSIONS)
