"""Everybody tries everything: what is allowed and what is refused is what `domain/permissions.py` says.

Generated from the schema: a new mutation, subscription or query is tried by itself, with its variables of
`tests/operations.py`. What is refused leaves nothing behind, so that one team is enough for all who are.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import OperationType
from strawberry import Schema

from domain.permissions import PERMISSIONS, Audience, Role, Scope, covers, good_for
from local.client import Client, OperationFailed, operation_names
from models import Member, Version, Video
from tests.factories import Factory
from tests.furnished import Furnished, furnished
from tests.operations import ASKED_BY, UNSEEN, kind_of, root_field_of
from tests.plan.conftest import the_schema
from tests.studio import Studio

QUERY, MUTATION, SUBSCRIPTION = OperationType.QUERY, OperationType.MUTATION, OperationType.SUBSCRIPTION
ALLOWED, NOTHING = "allowed", "nothing"
NEVER = 2**53
"""A position that no event has: whoever may subscribe is told so at once."""


@dataclass(frozen=True)
class Caller:
    """Who tries: a member with a role, or (None) somebody else; by an API key where there are scopes."""

    name: str
    role: Role | None = None
    signed_in: bool = True
    scopes: frozenset[Scope] | None = None

    def __str__(self) -> str:
        return self.name

    async def client(self, make: Factory, there: Furnished) -> Client:
        """A fresh session or key of theirs. A member is one again, whatever they have done to themselves."""
        if not self.signed_in:
            return make.client()
        if self.role is None:
            return (await make.secured(await make.person())).client
        person = there.crew.everybody()[self.role]
        place = {"team_id": there.crew.team.id, "user_id": person.user.id}
        await Member.update_or_create(**place, defaults={"role": self.role})
        if self.scopes is not None:
            return await make.key(person, *self.scopes)
        return (await make.session(person)).client


CALLERS = [
    *(Caller(role.value, role) for role in Role),
    Caller("stranger"),
    Caller("nobody", signed_in=False),
    *(Caller(f"owner's key for {scope.value}", Role.OWNER, scopes=frozenset({scope})) for scope in Scope),
]


def expected(caller: Caller, action: str, operation: str = "") -> str:
    """What the table says: ALLOWED, or the code of the problem."""
    holders = PERMISSIONS[action].holders
    if not covers(caller.scopes, action):
        return "FORBIDDEN"
    if holders is Audience.ANYONE or (holders is Audience.SIGNED_IN and caller.signed_in):
        return ALLOWED
    if not caller.signed_in:
        return "UNAUTHENTICATED"
    if caller.role is None:
        return "NOT_FOUND"
    assert not isinstance(holders, Audience)
    if PERMISSIONS[action].own and caller.role is Role.OWNER:
        return ALLOWED  # whose everything is
    return ALLOWED if caller.role in holders else "NOT_FOUND" if operation in UNSEEN else "FORBIDDEN"


def verdict(operation: str, action: str, code: str | None) -> str:
    """What a problem's code, or the lack of one, says about being allowed."""
    unsuited = {"INTERNAL", "BAD_REQUEST"} | ({"INVALID"} if operation not in ASKED_BY else set())
    assert code not in unsuited, (  # a code, say, is good for one person alone
        f"{operation} is not called properly ({code}): mend its variables in tests/operations.py, "
        "or what tests/furnished.py makes for them."
    )
    if PERMISSIONS[action].holders is Audience.ANYONE:  # what is refused is then about the thing, such as a wrong code
        return ALLOWED
    refusals = {"UNAUTHENTICATED", "FORBIDDEN"}
    if not isinstance(PERMISSIONS[action].holders, Audience):  # what is one's own is nothing to others
        refusals.add("NOT_FOUND")
    return code if code in refusals else ALLOWED


@pytest.fixture(scope="module")
async def schema(models: None) -> Schema:
    return the_schema()


@pytest.fixture(scope="module")
async def actions(schema: Schema) -> dict[str, str]:
    """What each operation asks to do."""
    found = {}
    for operation in operation_names():
        root = getattr(schema._schema, f"{kind_of(operation).value}_type")
        found[operation] = root.fields[root_field_of(operation)].extensions["strawberry-definition"].action
    return found


@pytest.fixture(scope="module")
async def factory(studio: Studio, models: None) -> AsyncIterator[Factory]:
    factory = Factory(studio.url)
    yield factory
    await factory.close()


@pytest.fixture(scope="module")
async def untouched(factory: Factory) -> Furnished:
    """What nobody changes who is refused, or who only reads."""
    return await furnished(factory)


async def mutate(client: Client, operation: str, values: dict[str, Any]) -> str | None:
    answer = await client.run(operation, **values)
    assert "errors" not in answer, f"{operation} is not called properly: {answer['errors']}"
    return next(iter(answer["data"].values())).get("code")


async def subscribe(client: Client, operation: str, values: dict[str, Any]) -> str | None:
    try:
        async with client.follow(operation, after=NEVER, **values) as events:
            await anext(events)
    except OperationFailed as failed:
        return failed.args[0][0]["extensions"]["code"]
    return None


async def ask(client: Client, operation: str, values: dict[str, Any]) -> str | None:
    answer = await client.run(operation, **values)
    codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
    return codes[0] if codes else None if next(iter(answer["data"].values())) is not None else NOTHING


TRIES = {MUTATION: mutate, SUBSCRIPTION: subscribe}


async def test_everything_that_there_is_to_try_is_tried(schema: Schema, untouched: Furnished) -> None:
    tried = {(kind_of(operation), root_field_of(operation)) for operation in untouched.variables}
    for kind in OperationType:
        for field in getattr(schema._schema, f"{kind.value}_type").fields:
            assert (kind, field) in tried, (
                f"Nobody tries {field}: add an operation for it to web/operations, and its variables to "
                "tests/operations.py."
            )


@pytest.mark.parametrize("caller", CALLERS, ids=str)
async def test_what_the_table_refuses_is_refused(
    caller: Caller, factory: Factory, untouched: Furnished, actions: dict[str, str]
) -> None:
    client = await caller.client(factory, untouched)
    for operation, values in untouched.variables.items():
        action, kind = actions[operation], kind_of(operation)
        if kind is not QUERY and expected(caller, action, operation) != ALLOWED:
            code = await TRIES[kind](client, operation, values)
            told = verdict(operation, action, code)
            assert told == expected(caller, action, operation), f"{operation} ({action}) says {told} to {caller}"
    await require_untouched(untouched)


async def require_untouched(there: Furnished) -> None:
    """A look at what there is, beside the answers."""
    videos = await Video.filter(team_id=there.crew.team.id).order_by("created_at")
    assert [(video.title, video.tags, video.deleted_at is None) for video in videos] == [
        ("A cut", [], True),
        ("A cut", [], False),
    ]
    assert await Version.filter(team_id=there.crew.team.id).count() == 1


@pytest.mark.parametrize("caller", CALLERS, ids=str)
async def test_what_the_table_allows_is_allowed(caller: Caller, make: Factory, actions: dict[str, str]) -> None:
    there = await furnished(make)
    tried = 0
    for operation, values in there.variables.items():
        action, kind = actions[operation], kind_of(operation)
        if kind is not QUERY and expected(caller, action, operation) == ALLOWED:
            code = await TRIES[kind](await caller.client(make, there), operation, values)
            told = verdict(operation, action, code)
            assert told == ALLOWED, f"{operation} ({action}) says {told} to {caller}"
            tried += 1
    assert tried


@pytest.mark.parametrize("caller", CALLERS, ids=str)
async def test_a_query_answers_whom_the_table_lets_see(
    caller: Caller, factory: Factory, untouched: Furnished, actions: dict[str, str]
) -> None:
    """Whatever may not be seen is null; only a key that is not good for reading is told so."""
    client = await caller.client(factory, untouched)
    for operation, values in untouched.variables.items():
        if kind_of(operation) is not QUERY:
            continue
        action = actions[operation]
        told = await ask(client, operation, values)
        if not good_for(caller.scopes, Scope.READ):
            assert told == "FORBIDDEN", f"{operation} tells {caller} {told}"
        elif not isinstance(PERMISSIONS[action].holders, Audience):
            seen = expected(caller, action, operation) == ALLOWED
            assert told == (None if seen else NOTHING), f"{operation} ({action}) tells {caller} {told}"
        else:
            assert told in (None, NOTHING), f"{operation} tells {caller} {told}"


def test_a_field_whose_action_has_no_rule_does_not_import() -> None:
    from schema.fields import mutation, query, subscription

    async def nobody(*_: Any) -> list[str]:
        return []

    for declare in (
        lambda: mutation("video:explode", answers=str, description="x"),
        lambda: subscription("video:explode", topics=nobody, description="x"),
        lambda: query("video:explode", resolver=nobody, description="x"),
    ):
        with pytest.raises(TypeError, match=r"Nobody knows who may video:explode: add a rule"):
            declare()
