"""Every root field has an operation in `web/operations`, and every operation runs."""

import pytest
from graphql import parse, validate
from strawberry import Schema

from domain.permissions import Role
from local.client import document, operation_names
from tests.factories import Factory
from tests.furnished import furnished
from tests.operations import ASKED_BY
from tests.plan.conftest import the_schema

FOLLOWED_ELSEWHERE = {
    *("VideoChanged", "CommentEvents", "JobProgress", "NotificationChanges", "Presence", "TeamActivity"),
    "FollowWebhookDeliveries",
}


@pytest.fixture(scope="module")
async def schema(models: None) -> Schema:
    return the_schema()


async def test_every_root_field_has_an_operation(schema: Schema) -> None:
    used = set()
    for name in operation_names():
        parsed = parse(document(name))
        assert validate(schema._schema, parsed) == [], name
        operation = next(part for part in parsed.definitions if part.kind == "operation_definition")
        used |= {(operation.operation.value, field.name.value) for field in operation.selection_set.selections}  # type: ignore[attr-defined]
    kinds = {kind: getattr(schema._schema, f"{kind}_type") for kind in ("query", "mutation", "subscription")}
    assert used == {(kind, field) for kind, found in kinds.items() for field in found.fields}


async def test_every_operation_runs(make: Factory) -> None:
    there = await furnished(make)
    assert sorted(there.variables) == operation_names(), "a new operation wants variables in tests/operations.py"
    for operation, values in there.variables.items():
        if operation in FOLLOWED_ELSEWHERE:
            continue
        client = there.crew.everybody()[ASKED_BY.get(operation, Role.OWNER)].client
        answer = await client.run(operation, **values)
        assert "errors" not in answer, (operation, answer)
        assert next(iter(answer["data"].values())) is not None, operation
        assert "code" not in next(iter(answer["data"].values())), (operation, answer)
