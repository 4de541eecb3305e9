"""What happens outside of the database under a key: all of it before the transaction, and none of it undone with it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from graphql import OperationType

from domain.clock import utc_now
from domain.permissions import Role
from domain.viewers import Viewer
from edge.services import describe
from gateways.storage import open_storage
from gateways.throttling import LimitsThrottle
from local.client import document
from models import EventRecord, Session
from models.database import in_a_transaction, raw_connection
from plan import Reader
from plan.engine import Engine
from plan.requests import Request
from resolvers import passwords
from resolvers.caller import Caller
from resolvers.idempotency import Once
from schema.context import Context
from tests.factories import Factory, Person
from tests.furnished import furnished
from tests.operations import ASKED_BY, kind_of, root_field_of
from tests.plan.conftest import PRESENCE, RULES, the_schema
from tests.repeating import new_key, run
from tests.second_factor import KEYS
from tests.studio import Studio


class Outside:
    """A gateway, and what of it was called inside of a transaction: locks would be held for as long as it takes."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway
        self.called: list[str] = []
        self.inside: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return self.noting(name, getattr(self._gateway, name))

    def noting(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any, **named: Any) -> Any:
            (self.inside if in_a_transaction() else self.called).append(name)
            return call(*given, **named)

        return noted


@pytest.fixture
async def outside(studio: Studio, models: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Outside]]:
    """The throttle, the storage and the hasher of passwords."""
    throttle = LimitsThrottle("redis://127.0.0.1:1/0", KEYS)
    where: dict[str, Any] = {"public_url": studio.url, "secret": "s" * 32, "clock": utc_now}
    async with open_storage(f"file:{studio.storage}", **where) as storage:
        found = [Outside(throttle), Outside(storage), Outside(passwords)]
        monkeypatch.setattr(passwords, "run_blocking", found[2].noting("hash", passwords.run_blocking))
        yield found
    await throttle.close()


async def test_no_mutation_under_a_key_asks_anything_but_the_database_in_its_transaction(
    make: Factory, outside: list[Outside]
) -> None:
    throttle, storage, _ = outside
    there, engine = await furnished(make), Engine(the_schema(), describe)
    rest = {"locale": "en", "clock": utc_now, "throttle": throttle, "storage": storage, "rules": RULES}
    rest["presence"] = PRESENCE
    done = 0
    for operation, variables in there.variables.items():
        if kind_of(operation) is not OperationType.MUTATION or keyless(engine, operation):
            continue
        person = there.crew.everybody()[ASKED_BY.get(operation, Role.OWNER)]
        answer = await asked(engine, Caller(viewer=await viewer(person), **rest), operation, variables)
        (value,) = answer["data"].values()
        assert "code" not in value, (operation, value)
        assert [each.inside for each in outside] == [[], [], []], operation
        done += 1
    assert done > 20
    assert all(each.called for each in outside), "nothing was asked: nothing is shown by it"


def keyless(engine: Engine, operation: str) -> bool:
    mutations: Any = engine.schema.mutation_type
    field = mutations.fields[root_field_of(operation)].extensions["strawberry-definition"]
    return field.keyless is not None


async def viewer(person: Person) -> Viewer:
    session = await Session.filter(user_id=person.user.id, ended_at__isnull=True).order_by("created_at").first()
    assert session is not None
    return Viewer(person.user.id, session.id)


async def asked(engine: Engine, caller: Caller, name: str, variables: dict[str, Any]) -> Any:
    async def fetch(text: str, values: Any) -> Any:
        async with raw_connection() as connection:
            return await connection.fetch(text, *values)

    once = Once(new_key(), b"whatever it is")
    context = Context(caller, Reader(caller.viewer, fetch), fetch, "request-7", lambda *_: None, once=once)
    return await engine.run(engine.operation(Request(document(name), name, variables)), context)


async def test_who_guesses_a_password_under_a_key_is_told_of(make: Factory) -> None:
    """The mutation is refused, and what it has done is undone; but that somebody has guessed is not."""
    person = await make.secured(await make.person())
    guess = {"input": {"current": "a wrong guess", "new": "another long one"}}
    told = [await run(person.client, new_key(), "ChangePassword", **guess) for _ in range(6)]
    assert [each.kind for each in told] == ["Invalid"] * 5 + ["Throttled"]
    failed = EventRecord.filter(type="sign_in.failed", subjects__contains=[f"user:{person.user.id}"])
    assert await failed.count() == 1
