"""Before what may be long to find out, whoever asks waits for their turn; what is small and known goes on."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis.asyncio import Redis

from domain.viewers import ANONYMOUS
from edge.documents import Documents
from edge.services import describe
from gateways.documents import SharedDocuments
from plan.documents import SHORTEST
from plan.effort import Effort
from plan.engine import CHARACTERS_KEPT, Engine
from plan.manifest import hash_of
from plan.requests import Request
from plan.shapes import MOST_CHARACTERS
from plan.variables import FEW
from tests.plan.conftest import Asker, Desk, the_schema

VIEWER = "query($a: Boolean!, $b: Boolean!) { viewer { id @skip(if: $a) name @skip(if: $b) } }"
LOG = 'query($types: [String!]) { team(id: "x") { auditLog(filter: {types: $types}) { totalCount } } }'


class Turns:
    """How often it was waited for."""

    taken = 0

    async def __call__(self) -> None:
        self.taken += 1


@contextmanager
def turns(expected: int) -> Iterator[None]:
    counted = Turns()
    with Effort(counted, lambda _seconds: None):
        yield
    assert counted.taken == expected


@pytest.fixture
def asker(desk: Desk) -> Asker:
    return Asker(Engine(the_schema(), describe), desk.caller._replace(viewer=ANONYMOUS))


async def test_each_plan_is_made_in_a_turn(asker: Asker) -> None:
    """A document that is known may have hundreds."""
    for a in (True, False):
        for b in (True, False):
            with turns(1):
                await asker.ask(VIEWER, a=a, b=b)
            with turns(0):
                await asker.ask(VIEWER, a=a, b=b)


@pytest.mark.parametrize("plain", [True, False])
async def test_many_values_are_coerced_in_a_turn_however_they_came(asker: Asker, plain: bool) -> None:
    asker.plain = plain
    await asker.ask(LOG, types=["a"])
    with turns(0):
        await asker.ask(LOG, types=["a"] * (FEW - 1))
    with turns(1):
        await asker.ask(LOG, types=["a"] * FEW)


async def test_what_is_asked_for_by_its_hash_is_judged_anew_in_a_turn(asker: Asker) -> None:
    async with Redis.from_url("redis://127.0.0.1:1") as nowhere:
        documents = Documents(asker.engine, {}, SharedDocuments(nowhere), only=False)
        text = "{ viewer { id } }"
        extensions = {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}
        for query, expected in ((text, 1), ("", 0)):
            with turns(expected):
                await documents.operation(Request(query, None, {}, extensions))
        for number in range(CHARACTERS_KEPT // (MOST_CHARACTERS - SHORTEST) + 1):
            asker.engine.operation(Request(f"{{__typename}}#{number}".ljust(MOST_CHARACTERS - SHORTEST, "x")))
        with turns(1):
            await documents.operation(Request("", None, {}, extensions))
