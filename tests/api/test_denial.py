"""Whoever is not in a team cannot tell that anything of it exists: generated from the schema, for every root field.

What members may do by their roles is in `test_permissions.py`.
"""

from collections.abc import Collection, Iterator
from typing import Any

import pytest
from graphql import OperationType

from domain.comments import CommentVisibility
from domain.ids import new_id
from domain.permissions import Scope
from local.client import Client, OperationFailed
from models import Comment, CommentEdit, Job, Upload
from plan import BadInput, decode_id, encode_id
from tests.factories import Factory
from tests.furnished import furnished
from tests.operations import kind_of
from tests.waiting import few_at_once

NOTHING = (None, "NotFound", "Unauthenticated")
"""What is answered where there is nothing, or nobody who could see it."""


def elsewhere(value: Any, types: Collection[str] | None = None) -> Any:
    """The same variables with ids that nothing has in the place of all ids, or of those of some types."""
    if isinstance(value, dict):
        return {name: elsewhere(item, types) for name, item in value.items()}
    if isinstance(value, list):
        return [elsewhere(item, types) for item in value]
    try:
        name = decode_id(value)[0] if isinstance(value, str) else None
    except BadInput:
        return value
    return encode_id(name, new_id()) if name is not None and (types is None or name in types) else value


def asking_by_id(
    variables: dict[str, dict[str, Any]], kind: OperationType, types: Collection[str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The operations of a kind that name something (of some types) by its id, with their variables."""
    for operation, values in variables.items():
        if kind_of(operation) is kind and elsewhere(values, types) != values:
            yield operation, values


def told(answer: dict[str, Any]) -> Any:
    """All but the position, which moves on meanwhile."""
    return {part: value for part, value in answer.items() if part != "extensions"}


def thing(answer: dict[str, Any]) -> Any:
    """The type of what was answered."""
    value = next(iter(answer["data"].values()))
    return value and value.get("__typename", "something")


async def test_a_stranger_sees_nothing(make: Factory) -> None:
    there = await furnished(make)
    clients = ((await make.person()).client, make.client())

    async def try_it(client: Client, operation: str, values: dict[str, Any]) -> None:
        seen, nowhere = await client.run(operation, **values), await client.run(operation, **elsewhere(values))
        assert told(seen) == told(nowhere), operation
        assert "INTERNAL" not in str(seen), (operation, seen)
        assert thing(seen) in NOTHING, (operation, seen)

    for kind in (OperationType.QUERY, OperationType.MUTATION):
        asked = list(asking_by_id(there.variables, kind))
        assert len(asked) > 5
        await few_at_once(try_it(client, *each) for client in clients for each in asked)


async def test_a_stranger_sees_nothing_of_any_type(make: Factory) -> None:
    there = await furnished(make)
    stranger, nobody = (await make.person()).client, make.client()
    for kind, row_id in there.ids.items():
        for client in (stranger, nobody):
            assert (await client.run("AnyNode", id=row_id))["data"]["node"] is None, kind
        assert (await there.crew.owner.client.run("AnyNode", id=row_id))["data"]["node"]["__typename"] == kind


async def test_a_viewer_sees_nothing_that_is_team_only(make: Factory) -> None:
    """Whatever can be, is: to viewers it is as if it had never been, whichever operation names it."""
    there = await furnished(make)
    models = (Comment, CommentEdit, Upload, Job)
    for model in models:
        await model.filter(team_id=there.crew.team.id).update(visibility=CommentVisibility.TEAM)
    types, viewer = {model.__name__ for model in models}, there.crew.viewer.client
    for kind in (OperationType.QUERY, OperationType.MUTATION):
        asked = [each for each in asking_by_id(there.variables, kind, types) if each[0] != "AnyNode"]
        assert len(asked) >= 3
        for operation, values in asked:
            seen, nowhere = (
                await viewer.run(operation, **values),
                await viewer.run(operation, **elsewhere(values, types)),
            )
            assert told(seen) == told(nowhere), operation
            assert thing(seen) in NOTHING, (operation, seen)
    for name in types:
        assert (await viewer.run("AnyNode", id=there.ids[name]))["data"]["node"] is None, name
        assert (await there.crew.editor.client.run("AnyNode", id=there.ids[name]))["data"]["node"] is not None, name
    for operation, values in asking_by_id(there.variables, OperationType.SUBSCRIPTION, types):
        async with viewer.follow(operation, **values) as events:
            with pytest.raises(OperationFailed, match="NOT_FOUND"):
                await anext(events)


async def test_a_key_sees_nothing_of_its_persons_account(make: Factory) -> None:
    """Whoever finds one learns of no devices, no other keys, and of no way to sign in."""
    there = await furnished(make)
    owner, keys = there.crew.owner, [await make.key(there.crew.owner, scope) for scope in (Scope.READ, Scope.WRITE)]
    unseen = {
        kind
        for kind, row_id in there.ids.items()
        for key in keys
        if (await key.run("AnyNode", id=row_id))["data"]["node"] is None
    }
    assert unseen == {"ApiKey", "Identity", "Session"}
    own = "{viewer {apiKeys {totalCount} identities {totalCount nodes {id}} sessions {totalCount}}}"
    told = (await owner.client.ask(own))["data"]["viewer"]
    assert all(found["totalCount"] for found in told.values())
    for key in keys:
        told = (await key.ask(own))["data"]["viewer"]
        assert {name: found["totalCount"] for name, found in told.items()} == dict.fromkeys(told, 0)
        assert told["identities"]["nodes"] == []


async def test_an_id_of_another_type_is_nothing_to_anybody(make: Factory) -> None:
    """Every operation is tried with the ids of all types that it is not for."""
    there = await furnished(make)

    def with_ids_of(value: Any, row_id: str) -> Any:
        if isinstance(value, dict):
            return {name: with_ids_of(item, row_id) for name, item in value.items()}
        if isinstance(value, list):
            return [with_ids_of(item, row_id) for item in value]
        return row_id if isinstance(value, str) and elsewhere(value) != value else value

    async def try_it(operation: str, values: dict[str, Any], kind: str, row_id: str) -> None:
        if operation == "AnyNode" or kind in {decode_id(found)[0] for found in ids_in(values)}:
            return
        answer = await there.crew.owner.client.run(operation, **with_ids_of(values, row_id))
        assert "INTERNAL" not in str(answer), (operation, kind, answer)
        assert thing(answer) in NOTHING, (operation, kind, answer)

    for asked in (OperationType.QUERY, OperationType.MUTATION):
        operations = asking_by_id(there.variables, asked)
        await few_at_once(try_it(*each, *i) for each in operations for i in there.ids.items())


def ids_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ids_in(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from ids_in(item)
    elif isinstance(value, str) and elsewhere(value) != value:
        yield value


async def test_a_stranger_hears_nothing(make: Factory) -> None:
    there = await furnished(make)
    asked = list(asking_by_id(there.variables, OperationType.SUBSCRIPTION))
    assert asked
    for client, code in (((await make.person()).client, "NOT_FOUND"), (make.client(), "UNAUTHENTICATED")):
        for operation, values in asked:
            with pytest.raises(OperationFailed, match=code):
                await first(client, operation, values)
        for row_id in there.ids.values():
            with pytest.raises(OperationFailed, match=f"{code}|NOT_FOUND"):
                await first(client, "VideoChanged", {"id": row_id})


async def first(client: Client, operation: str, values: dict[str, Any]) -> dict[str, Any]:
    async with client.follow(operation, **values) as events:
        return await anext(events)
