"""What a document may be, and what it is told of the schema, over HTTP and sockets alike."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from plan.shapes import MOST_ALIASES, MOST_ROOT_FIELDS
from tests.api.test_sockets import opened
from tests.own import own_studio
from tests.studio import Studio

Refused = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture(params=["HTTP", "socket"])
async def refused(studio: Studio, request: pytest.FixtureRequest) -> AsyncIterator[Refused]:
    """Asks, and answers the errors with which the operation is refused."""
    if request.param == "HTTP":
        async with httpx.AsyncClient(base_url=studio.url, timeout=30) as client:
            yield lambda query, **variables: _by_http(client, query, **variables)
        return

    async def ask(query: str, **variables: Any) -> list[dict[str, Any]]:
        async with opened(studio) as socket:
            await socket.init()
            (told,) = await socket.ask(query, **variables)
            return list(told["failed"])

    yield ask


async def _by_http(client: httpx.AsyncClient, query: str, **variables: Any) -> list[dict[str, Any]]:
    headers = {"Accept": "application/graphql-response+json"}
    response = await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    assert response.status_code == 400
    answer = response.json()
    assert answer.keys() == {"errors"}
    return list(answer["errors"])


async def test_ten_thousand_aliases_are_refused(refused: Refused) -> None:
    (error,) = await refused("{viewer{" + "a:id " * 10_000 + "}}")
    assert error["extensions"] == {"code": "TOO_COSTLY"}  # for its length alone
    doubled = " ".join(f"fragment F{n} on User {{ ...F{n + 1} ...F{n + 1} }}" for n in range(14))
    (error,) = await refused(f"{{ viewer {{ ...F0 }} }} {doubled} fragment F14 on User {{ a: id }}")
    assert error["extensions"] == {"code": "TOO_COSTLY"}
    assert error["message"] == f"The document costs too much: 16384 aliases, where {MOST_ALIASES} are allowed."


@pytest.mark.parametrize("field", ["description", "tags"])
async def test_a_page_of_long_texts_is_not_asked_for_by_a_hundred_names(refused: Refused, field: str) -> None:
    names = " ".join(f"a{n}: {field}" for n in range(300))
    (error,) = await refused(f'{{ team(id: "x") {{ videos(first: 100) {{ nodes {{ {names} }} }} }} }}')
    assert error["extensions"] == {"code": "TOO_COSTLY"}
    assert error["message"].endswith("values, where 75000 are allowed.")


async def test_fields_at_the_root_are_few(refused: Refused) -> None:
    for kind, most in MOST_ROOT_FIELDS.items():
        asked = f"{kind.value} {{ ...F }} fragment F on {kind.value.title()} {{ {'__typename ' * (most + 1)} }}"
        (error,) = await refused(asked)
        assert f"{most + 1} fields at the root, where {most} are allowed" in error["message"]


@pytest.mark.parametrize(
    "query",
    [
        "{ __schema { types { name } } }",
        '{ viewer { id } ...F } fragment F on Query { a: __type(name: "User") { name } }',
    ],
)
async def test_in_production_the_schema_is_not_asked_about_itself(refused: Refused, query: str) -> None:
    (error,) = await refused(query)
    assert error["extensions"] == {"code": "INTROSPECTION_DISABLED"}
    assert error["message"].startswith("Introspection is switched off here, and the document asks for `__")
    assert error["locations"]


MISSPELLED: dict[str, tuple[str, dict[str, Any]]] = {
    "field": ("{ viever { id } }", {}),
    "field within": ("{ viewer { nam } }", {}),
    "argument": ('{ node(idd: "1") { id } }', {}),
    "type": ("{ viewer { ... on Usser { id } } }", {}),
    "enum": ('{ team(id: "1") { videos(orderBy: NEWST) { totalCount } } }', {}),
    "enum in a variable": (
        'query($o: VideoOrder) { team(id: "1") { videos(orderBy: $o) { totalCount } } }',
        {"o": "NEWST"},
    ),
    "input field": ('mutation { createTeam(input: {nam: "x"}) { __typename } }', {}),
    "input field in a variable": (
        "mutation($i: CreateTeamInput!) { createTeam(input: $i) { __typename } }",
        {"i": {"nam": "x"}},
    ),
}


@pytest.mark.parametrize("name", MISSPELLED)
async def test_in_production_nobody_is_told_what_they_may_have_meant(refused: Refused, name: str) -> None:
    query, variables = MISSPELLED[name]
    errors = await refused(query, **variables)
    assert errors
    assert "Did you mean" not in str(errors)


async def test_what_a_type_is_called_may_always_be_asked(studio: Studio) -> None:
    async with httpx.AsyncClient(base_url=studio.url) as client:
        answer = (await client.post("/graphql", json={"query": "{ __typename }"})).json()
    assert answer["data"] == {"__typename": "Query"}


async def test_the_operator_may_allow_it() -> None:
    async with own_studio("api", INTROSPECTION="on") as (studio, _), httpx.AsyncClient(base_url=studio.url) as client:
        answer = (await client.post("/graphql", json={"query": "{ __schema { queryType { name } } }"})).json()
        assert answer["data"] == {"__schema": {"queryType": {"name": "Query"}}}
        for query, variables in MISSPELLED.values():
            asked = {"query": query, "variables": variables}
            told = (await client.post("/graphql", json=asked)).json()
            assert "Did you mean" in str(told["errors"]), query
