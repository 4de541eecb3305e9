"""Documents that are asked for by their hash, as Apollo's clients do, over HTTP and over sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from domain.ids import new_id
from edge.documents import CHARACTERS_KEPT
from local.client import document
from local.operations import REGISTERED
from local.redis import EmbeddedRedis
from plan.manifest import hash_of, written
from tests.api.test_sockets import opened
from tests.factories import Factory, gid
from tests.own import own_studio
from tests.studio import Studio, running
from tests.waiting import until

MODERN = "application/graphql-response+json"
NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"


@dataclass
class Told:
    """What was answered; `status` is None over a socket."""

    status: int | None
    data: Any
    errors: list[dict[str, Any]]

    @property
    def code(self) -> str:
        (error,) = self.errors
        return str(error["extensions"]["code"])


Ask = Callable[..., Awaitable[Told]]


def by_hash(text: str, **more: Any) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)} | more}


def fresh() -> str:
    """A document that nobody has sent yet."""
    return f"query A{new_id().hex} {{ __typename }}"


async def over_http(studio: Studio, *, accept: str = MODERN, **body: Any) -> Told:
    async with httpx.AsyncClient(base_url=studio.url, timeout=30) as client:
        response = await client.post("/graphql", json=body, headers={"Accept": accept})
        answer = response.json()
        return Told(response.status_code, answer.get("data"), answer.get("errors", []))


async def over_a_socket(studio: Studio, **body: Any) -> Told:
    async with opened(studio) as socket:
        await socket.init()
        await socket.send(id="1", type="subscribe", payload=body)
        match await socket.told():
            case {"type": "next", "payload": dict(answer)}:
                return Told(None, answer["data"], answer.get("errors", []))
            case {"type": "error", "payload": list(errors)}:
                return Told(None, None, errors)
            case other:
                raise AssertionError(other)


@pytest.fixture(params=[over_http, over_a_socket], ids=["HTTP", "socket"])
def ask(request: pytest.FixtureRequest) -> Ask:
    asking: Ask = request.param
    return asking


async def test_a_document_is_sent_once_and_then_named(studio: Studio, ask: Ask) -> None:
    text = fresh()
    for _ in range(2):
        unknown = await ask(studio, extensions=by_hash(text))
        assert (unknown.code, unknown.errors[0]["message"]) == (NOT_FOUND, "PersistedQueryNotFound")
        assert unknown.status in (200, None)
    assert (await ask(studio, query=text, extensions=by_hash(text))).data == {"__typename": "Query"}
    for query in ({}, {"query": ""}, {"query": None}):
        assert (await ask(studio, **query, extensions=by_hash(text))).data == {"__typename": "Query"}


async def test_what_older_clients_are_told_is_the_same(studio: Studio) -> None:
    told = await over_http(studio, accept="application/json", extensions=by_hash(fresh()))
    assert (told.status, told.code) == (200, NOT_FOUND)


async def test_variables_and_names_go_with_the_hash(studio: Studio, make: Factory, ask: Ask) -> None:
    text = "query One($id: ID!) { node(id: $id) { id } } query Two { __typename }"
    await ask(studio, query=text, operationName="Two", extensions=by_hash(text))
    node = gid(await make.video(await make.crew()))
    one = await ask(studio, extensions=by_hash(text), operationName="One", variables={"id": node})
    assert one.data == {"node": None}
    assert (await ask(studio, extensions=by_hash(text), operationName="Two")).data == {"__typename": "Query"}


async def test_our_own_operations_need_never_be_sent(studio: Studio, ask: Ask) -> None:
    assert (await ask(studio, extensions=by_hash(document("Viewer")))).data == {"viewer": None}


async def test_subscriptions_are_named_too(make: Factory, studio: Studio) -> None:
    crew = await make.crew()
    video = gid(await make.video(crew))
    async with opened(studio) as socket:
        await socket.init({"token": crew.owner.client.token})
        named = {"extensions": by_hash(document("VideoChanged")), "variables": {"id": video}}
        await socket.send(id="1", type="subscribe", payload=named)
        await socket.send(type="ping")
        assert (await socket.told())["type"] == "pong"
        await crew.owner.client.do("EditVideo", input={"id": video, "title": "Heard"})
        assert (await socket.told())["payload"]["data"]["videoChanged"]["video"]["title"] == "Heard"


WRONG: dict[str, Any] = {
    "another hash": by_hash("{ viewer { id } }"),
    "no object": {"persistedQuery": "x"},
    "null": {"persistedQuery": []},
    "no hash": {"persistedQuery": {"version": 1}},
    "no version": {"persistedQuery": {"sha256Hash": hash_of("{ __typename }")}},
    "version 2": by_hash("{ __typename }", version=2),
    "a number": by_hash("{ __typename }", sha256Hash=7),
    "no hex": by_hash("{ __typename }", sha256Hash="x" * 64),
    "a key of another kind": by_hash("{ __typename }", sha256Hash="../" * 20),
    "capitals": by_hash("{ __typename }", sha256Hash=hash_of("{ __typename }").upper()),
    "too long": by_hash("{ __typename }", sha256Hash=hash_of("{ __typename }") + "0"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_hash_that_is_none_is_a_bad_request(studio: Studio, ask: Ask, name: str) -> None:
    told = await ask(studio, query="{ __typename }", extensions=WRONG[name])
    assert told.code == "BAD_REQUEST"
    assert told.status in (400, None)


async def test_a_wrong_hash_leaves_nothing_behind(studio: Studio, ask: Ask) -> None:
    text = fresh()
    await ask(studio, query="{ __typename }", extensions=by_hash(text))
    assert (await ask(studio, extensions=by_hash(text))).code == NOT_FOUND


@pytest.mark.parametrize("body", ["{ nothing }", "{ viewer", "{ " + "__typename " * 60 + "}"])
async def test_what_is_not_sound_is_not_kept(studio: Studio, ask: Ask, body: str) -> None:
    text = f"# {new_id()}\n{body}"
    assert (await ask(studio, query=text, extensions=by_hash(text))).code in ("BAD_REQUEST", "TOO_COSTLY")
    assert (await ask(studio, extensions=by_hash(text))).code == NOT_FOUND


async def test_processes_share_what_they_were_sent_and_each_goes_on_without_redis(studio: Studio) -> None:
    folder = studio.folder / "documents"
    for name in ("one", "other"):
        (folder / name).mkdir(parents=True)
    with (
        EmbeddedRedis(folder / "redis", lasting=False) as redis,
        running(Studio(folder / "one", studio.database_url, redis.url()), "api") as one,
        running(Studio(folder / "other", studio.database_url, redis.url()), "api") as other,
    ):
        early, late = fresh(), fresh()
        await over_http(one, query=early, extensions=by_hash(early))
        assert (await over_http(other, extensions=by_hash(early))).data == {"__typename": "Query"}
        assert redis.process is not None
        redis.process.kill()
        redis.process.wait()
        assert (await over_http(other, extensions=by_hash(early))).data == {"__typename": "Query"}
        assert (await over_http(one, query=late, extensions=by_hash(late))).data == {"__typename": "Query"}
        assert (await over_http(one, extensions=by_hash(late))).data == {"__typename": "Query"}
        assert (await over_http(other, extensions=by_hash(late))).code == NOT_FOUND
        await until(lambda: "documents.alone" in one.log("api"))


async def test_what_redis_has_lost_is_shared_again(studio: Studio, redis_url: str) -> None:
    folder = studio.folder / "lossy"
    folder.mkdir()
    text = fresh()
    await over_http(studio, query=text, extensions=by_hash(text))
    async with Redis.from_url(redis_url) as redis:
        assert await redis.delete(f"document:{hash_of(text)}") == 1
    with running(Studio(folder, studio.database_url, redis_url), "api") as other:
        assert (await over_http(other, extensions=by_hash(text))).code == NOT_FOUND
        await over_http(studio, query=text, extensions=by_hash(text))  # the next process on the way, which has it still
        assert (await over_http(other, extensions=by_hash(text))).data == {"__typename": "Query"}


async def test_who_sends_much_fills_nothing(studio: Studio, redis_url: str) -> None:
    """In the process; how many there are in Redis, `tests/gateways` sees."""
    first, long = fresh(), "#" * 40_000
    await over_http(studio, query=first, extensions=by_hash(first))
    for _ in range(CHARACTERS_KEPT // len(long) + 1):
        text = f"{fresh()}{long}"
        await over_http(studio, query=text, extensions=by_hash(text))
    async with Redis.from_url(redis_url) as redis:
        assert await redis.delete(f"document:{hash_of(first)}") == 1
    assert (await over_http(studio, extensions=by_hash(first))).code == NOT_FOUND  # the process has let it go


@pytest.fixture(scope="module")
async def closed() -> AsyncIterator[tuple[Studio, Factory]]:
    """A product that answers nothing but what is registered."""
    async with own_studio("api", "relay", DOCUMENTS="registered") as made:
        yield made


async def test_only_registered_documents_are_answered(closed: tuple[Studio, Factory], ask: Ask) -> None:
    studio, viewer = closed[0], document("Viewer")
    assert (await ask(studio, extensions=by_hash(viewer))).data == {"viewer": None}
    assert (await ask(studio, query=viewer)).data == {"viewer": None}
    assert (await ask(studio, query=viewer, extensions=by_hash(viewer))).data == {"viewer": None}
    text = fresh()
    for query in (text, viewer + " ", "", "{ nothing }", "{"):
        assert (await ask(studio, query=query)).code == "QUERY_NOT_IN_SAFELIST"
    assert (await ask(studio, query=text, extensions=by_hash(text))).code == "QUERY_NOT_IN_SAFELIST"
    assert (await ask(studio, extensions=by_hash(text))).code == "PERSISTED_QUERY_NOT_IN_LIST"
    assert (await ask(studio, query=viewer, extensions=by_hash(text))).code == "BAD_REQUEST"
    told = await ask(studio, query=text)
    assert told.status in (400, None)


async def test_our_own_client_works_where_only_registered_documents_do(closed: tuple[Studio, Factory]) -> None:
    crew = await closed[1].crew()
    client = crew.owner.client
    video = await client.do("CreateVideo", input={"teamId": crew.id, "title": "New"})
    seen = (await client.run("Viewer"))["extensions"]["position"]  # the change may come first
    async with asyncio.timeout(30), client.follow("VideoChanged", after=seen, id=video["id"]) as events:
        await client.do("EditVideo", input={"id": video["id"], "title": "Cut"})
        while (await anext(events))["data"]["videoChanged"]["video"]["title"] != "Cut":
            pass
    refused = await client.ask("{ viewer { id } }")
    assert refused["errors"][0]["extensions"]["code"] == "QUERY_NOT_IN_SAFELIST"


async def test_a_client_brings_its_own_list(tmp_path: Path) -> None:
    text, file = "query Mine { mine: __typename }", tmp_path / "operations.json"
    file.write_bytes(written([text]))
    async with own_studio("api", DOCUMENTS="registered", OPERATIONS_FILE=str(file)) as (studio, _):
        assert (await over_http(studio, extensions=by_hash(text))).data == {"mine": "Query"}
        ours = await over_http(studio, extensions=by_hash(document("Viewer")))
        assert (ours.status, ours.code) == (400, "PERSISTED_QUERY_NOT_IN_LIST")


async def test_a_list_that_is_none_is_said_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "operations.json"
    file.write_bytes(REGISTERED.read_bytes().replace(b'"version": 1', b'"version": 3'))
    with pytest.raises(AssertionError, match="The API cannot start: The list of operations is no apollo"):
        async with own_studio("api", OPERATIONS_FILE=str(file)):
            pass
