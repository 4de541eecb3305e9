"""A walk over the schema: what every field, type and argument owes its reader and its team."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
)
from strawberry import Schema

from domain.permissions import PERMISSIONS, Audience, Role
from i18n import knows
from models.base import Row
from plan.declarations import AnyById, ById, PlanField, Reference
from plan.nodes import NODES
from plan.tables import column_names
from schema.enums import Action
from schema.export import GUIDE, SNAPSHOT
from schema.fields import MutationField, QueryField, SubscriptionField
from schema.permissions import guide
from tests.plan.conftest import the_schema

NARROWED = {"auditEntry", "webhook", "webhookDelivery"}
"""Queries whose predicate is narrower itself: it asks the same table for the roles (see tests/api/test_audit.py)."""
FOR_PROGRAMS = {"ProblemCode", "FailureCode", "Action"}
"""Enums that have a message in the place of a label, or only say what to offer."""
WITHOUT_DESCRIPTION = ("__", "ID", "String", "Int", "Float", "Boolean")


@pytest.fixture(scope="module")
async def schema(models: None) -> Schema:
    return the_schema()


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


async def test_every_value_that_people_may_read_has_a_label(schema: Schema) -> None:
    """What comes of one is said by a client in the language of its reader."""
    enums = {name: kind for name, kind in schema._schema.type_map.items() if isinstance(kind, GraphQLEnumType)}
    shown = {name: kind for name, kind in enums.items() if not name.startswith("__") and name not in FOR_PROGRAMS}
    labels = {f"label.{name}.{value}" for name, kind in shown.items() for value in kind.values}
    assert {label for label in labels if not knows(label)} == set()


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


SECRETS = ("token", "secret", "password", "key", "code", "uri", "url")
"""Parts of names of what is told once, or lets in whoever has it."""
KEYLESS = {"signOut", "signOutEverywhere", "switchTeam", "disableTwoFactor", "updatePresence"}
"""What takes no idempotency key though anybody's who has signed in, and though it answers no secret."""


async def test_every_mutation_takes_an_idempotency_key_or_says_why_not(schema: Schema) -> None:
    declared = set()
    for name, field in roots(schema, "mutation").items():
        known = field.keyless is not None
        assert known == field.description.endswith("Takes no `Idempotency-Key`."), name
        assert field.keyless != "", name
        if known and PERMISSIONS[field.action].holders is not Audience.ANYONE and "secret" not in field.keyless:
            declared.add(name)
    assert declared == KEYLESS


async def test_what_takes_a_key_answers_what_can_be_read_again_or_a_few_plain_values(schema: Schema) -> None:
    """None of them a secret: they are kept for a day."""
    plain = (GraphQLScalarType, GraphQLEnumType)
    for name, field in roots(schema, "mutation").items():
        answered, *problems = schema._schema.mutation_type.fields[name].type.of_type.types  # type: ignore[union-attr]
        if field.keyless is not None:
            continue
        if answered.name in NODES:
            assert "NotFound" in {problem.name for problem in problems}, f"{name}: the row may be gone by then"
            continue
        for told, declared in answered.fields.items():
            assert isinstance(get_nullable_type(declared.type), plain), f"{name}: {told} cannot be kept"
            assert not told.lower().endswith(SECRETS), f"{name}: {told} sounds like a secret: `metadata=SECRET`"


def undeclared(kind: GraphQLObjectType, place: str) -> Iterator[str]:
    """What a payload, or an object in it that is no row, tells that sounds like a secret and is not said to be one."""
    for told, found in kind.fields.items():
        named, secret = get_named_type(found.type), found.extensions["strawberry-definition"].metadata.get("secret")
        if isinstance(named, GraphQLObjectType) and named.name not in NODES and not secret:
            yield from undeclared(named, f"{place}.{told}")
        elif isinstance(named, GraphQLScalarType) and told.lower().rstrip("s").endswith(SECRETS) and not secret:
            yield f"{place}.{told}"


async def test_what_sounds_like_a_secret_is_declared_to_be_one(schema: Schema) -> None:
    """By what mutations answer besides rows: a new payload with a token in it takes no key by itself."""
    for name in roots(schema, "mutation"):
        answered = schema._schema.mutation_type.fields[name].type.of_type.types[0]  # type: ignore[union-attr]
        if answered.name not in NODES:
            assert list(undeclared(answered, name)) == []


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


IN_A_TEAM_BUT_NOT_OF_IT = {"AuditEntry", "Notification", "Session", "WebhookAttempt"}
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
