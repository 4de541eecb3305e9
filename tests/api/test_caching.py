"""What caches may keep of what is asked by GET."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from strawberry import Schema

from schema.fields import QueryField
from tests.factories import Factory
from tests.plan.conftest import the_schema
from tests.studio import Studio

PUBLIC = """{
    identityProviders {key name url} locales {code name} messages(locale: "de", namespace: "time") {texts}
    webhookEventTypes {type description version recorded schemaUrl exampleUrl}
}"""
CONTRACT = '{__schema {types {name description}} __type(name: "Video") {fields {name}} __typename}'
PRIVATE = "private, no-store"
MODERN = "application/graphql-response+json"


@pytest.fixture(scope="module")
async def http(studio: Studio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=studio.url, timeout=30) as client:
        yield client


async def get(http: httpx.AsyncClient, query: str, **headers: str) -> httpx.Response:
    return await http.get("/graphql", params={"query": query}, headers=headers)


@pytest.mark.parametrize("query", [PUBLIC, f"query A {PUBLIC}", "{__typename}"])
async def test_what_is_public_may_be_kept_and_is_not_sent_twice(http: httpx.AsyncClient, query: str) -> None:
    await _require_kept(http, query)


async def test_the_contract_may_be_kept_where_it_is_told(telling: Studio) -> None:
    async with httpx.AsyncClient(base_url=telling.url) as http:
        await _require_kept(http, CONTRACT)


def varying(response: httpx.Response) -> set[str]:
    return set(response.headers.get_list("vary", split_commas=True))


async def _require_kept(http: httpx.AsyncClient, query: str) -> None:
    first = await get(http, query)
    assert first.headers["cache-control"] == "public, max-age=60"
    assert "cost" not in first.json()["extensions"], "what is left to whoever asked first is not for others"
    assert {"Accept", "Origin"} <= varying(first)
    tag = first.headers["etag"]
    for held in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = await get(http, query, **{"If-None-Match": held})
        assert (again.status_code, again.content) == (304, b"")
        assert "content-type" not in again.headers
        assert varying(first) <= varying(again) >= {"Accept", "Accept-Encoding", "Origin"}
        for name in ("etag", "cache-control"):
            assert again.headers[name] == first.headers[name]
    for held in ('"other"', "W/", "nonsense", tag[:-2] + '"'):
        assert (await get(http, query, **{"If-None-Match": held})).status_code == 200
    assert (await get(http, query, Accept=MODERN, **{"If-None-Match": tag})).status_code == 200, "it looks otherwise"
    assert (await get(http, query, **{"Accept-Encoding": "gzip"})).headers["etag"] == tag


async def test_the_tag_changes_with_the_data_alone(make: Factory, http: httpx.AsyncClient) -> None:
    before = await get(http, PUBLIC)
    await make.video(await make.crew())
    assert (await get(http, PUBLIC)).headers["etag"] == before.headers["etag"]
    assert (await get(http, f"{PUBLIC} # another address")).headers["etag"] == before.headers["etag"]
    assert (await get(http, "{__typename}")).headers["etag"] != before.headers["etag"]


@pytest.mark.parametrize(
    "query",
    [
        "{viewer {id}}",
        '{invitation(token: "x") {email}}',
        "{identityProviders {key} viewer {id}}",
        "{... on Query {identityProviders {key}}}",
        "query A {...F} fragment F on Query {viewer {id}}",
        '{__typename video(id: "x") {id}}',
        "{shoeSize}",
        "{",
        "",
        "mutation {signOut {__typename}}",
    ],
)
async def test_nothing_else_is_for_caches(http: httpx.AsyncClient, query: str) -> None:
    for accept in ("application/json", MODERN, "text/plain"):
        response = await get(http, query, Accept=accept, **{"If-None-Match": "*"})
        assert response.headers["cache-control"] == PRIVATE
        assert "etag" not in response.headers
        assert response.status_code != 304


async def test_what_somebody_asks_is_their_own(make: Factory, http: httpx.AsyncClient) -> None:
    person = await make.person()
    bearer = {"Authorization": f"Bearer {person.client.token}"}
    cookie = {"Cookie": f"session={person.client.token}", "X-Requested-With": "1"}
    for query in (PUBLIC, "{__typename}", "{viewer {id}}"):
        for shown in (bearer, cookie, {"Authorization": "Bearer nobody's"}):
            response = await get(http, query, **shown)
            assert (response.status_code, response.headers["cache-control"]) == (200, PRIVATE)


async def test_a_post_says_nothing_to_caches(http: httpx.AsyncClient) -> None:
    response = await http.post("/graphql", json={"query": PUBLIC}, headers={"If-None-Match": "*"})
    assert response.status_code == 200
    assert "etag" not in response.headers


async def test_what_is_declared_public_is_the_same_for_everybody(
    make: Factory, http: httpx.AsyncClient, models: None
) -> None:
    """One more needs a document here, that shows whether it is."""
    schema: Schema = the_schema()
    assert schema._schema.query_type is not None
    fields = schema._schema.query_type.fields.items()
    declared = {name: field.extensions["strawberry-definition"] for name, field in fields}
    public = {name for name, field in declared.items() if isinstance(field, QueryField) and field.public}
    assert public == {"identityProviders", "locales", "messages", "webhookEventTypes"}
    crew = await make.crew()
    answers = set()
    for token in ("", *(f"Bearer {person.client.token}" for person in crew.everybody().values())):
        for language in ("en", "de"):
            answer = await get(http, PUBLIC, Authorization=token, **{"Accept-Language": language})
            answers.add(json.dumps(answer.json()["data"]))
    assert len(answers) == 1
