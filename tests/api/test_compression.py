"""Answers made smaller on their way: which, for whom, and that they are the same."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import zstandard
from graphql import get_introspection_query

from edge.compression import LEAST_BYTES, MOST_BYTES_AT_ONCE
from tests.factories import Factory
from tests.studio import Studio

LARGE = get_introspection_query()
DECODED = {"zstd": lambda body: zstandard.ZstdDecompressor().decompress(body), "gzip": gzip.decompress}


@pytest.fixture(scope="module")
async def http(telling: Studio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=telling.url, timeout=30) as client:
        yield client


async def ask(http: httpx.AsyncClient, query: str, coding: str | None, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer, and its body as it came over the wire."""
    given = headers | ({} if coding is None else {"Accept-Encoding": coding})
    request = http.build_request("POST", "/graphql", json={"query": query}, headers=given)
    if coding is None:
        del request.headers["accept-encoding"]
    response = await http.send(request, stream=True)
    body = b"".join([part async for part in response.aiter_raw()])
    assert int(response.headers["content-length"]) == len(body)
    return response, body


CODINGS = [
    (None, None),
    ("", None),
    ("identity", None),
    ("br, deflate", None),
    ("zstd", "zstd"),
    ("gzip", "gzip"),
    ("GZIP", "gzip"),
    ("gzip, deflate, br, zstd", "zstd"),
    ("gzip;q=1, zstd;q=0.9", "gzip"),
    ("gzip;q=0, zstd;q=0", None),
    ("zstd;q=0, *", "gzip"),
    ("*", "gzip"),
    ("*;q=0", None),
    ("identity, gzip;q=0.5", None),
    ("gzip;q=nonsense", None),
]


def data_of(body: bytes) -> Any:
    """Without what is left of the budget, which each second changes."""
    return json.loads(body)["data"]


@pytest.mark.parametrize(("accepted", "coding"), CODINGS)
async def test_the_coding_is_the_one_that_weighs_most(
    http: httpx.AsyncClient, accepted: str | None, coding: str | None
) -> None:
    response, body = await ask(http, LARGE, accepted)
    assert response.headers.get("content-encoding") == coding
    assert "Accept-Encoding" in response.headers.get_list("vary", split_commas=True)
    plain = (await ask(http, LARGE, None))[1]
    assert len(plain) > LEAST_BYTES
    if coding is None:
        assert data_of(body) == data_of(plain)
    else:
        assert data_of(DECODED[coding](body)) == data_of(plain)
        assert len(body) < len(plain) / 3


@pytest.mark.parametrize("coding", ["zstd", "gzip"])
async def test_what_is_large_enough_for_a_thread_comes_whole(http: httpx.AsyncClient, coding: str) -> None:
    fields = (
        "name kind description fields {name description type {name kind ofType {name kind}} args {name description}}"
    )
    query = "{" + " ".join(f"s{n}: __schema {{types {{{fields}}}}}" for n in range(4)) + "}"
    plain = (await ask(http, query, None))[1]
    assert len(plain) > MOST_BYTES_AT_ONCE
    assert data_of(DECODED[coding]((await ask(http, query, coding))[1])) == data_of(plain)


async def test_a_small_answer_is_left_alone(http: httpx.AsyncClient) -> None:
    response, body = await ask(http, "{viewer {id}}", "zstd, gzip")
    assert body.startswith(b'{"data":')
    assert "content-encoding" not in response.headers
    assert "accept-encoding" not in response.headers["vary"].lower()


async def test_what_a_mutation_answers_is_never_compressed(make: Factory, http: httpx.AsyncClient) -> None:
    """It may hold a secret beside what a stranger has chosen: here a key beside its name."""
    person = await make.person()
    shown = " ".join(f"k{n}: key" for n in range(60))
    mutation = (
        f'mutation {{createApiKey(input: {{name: "chosen", scopes: [READ]}}) {{... on ApiKeyCreated {{{shown}}}}}}}'
    )
    headers: dict[str, Any] = {"Authorization": f"Bearer {person.client.token}"}
    response, body = await ask(http, mutation, "zstd, gzip", **headers)
    assert body.count(b"vc_") == 60
    assert len(body) > LEAST_BYTES
    assert "content-encoding" not in response.headers
