"""What goes wrong looks as docs/errors.md shows it: each of its examples is provoked, and compared in shape.

Texts and numbers may be others; codes, paths, ids of operations and nulls may not, nor may anything be there or lack.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx
import orjson
import pytest

from domain.clock import utc_now
from domain.throttling import PASSWORD_OF_ACCOUNT
from local.client import Client
from local.guide import GUIDE
from models import Maintenance
from tests.api.test_deadlines import locked
from tests.api.test_sockets import Socket, signed_in
from tests.factories import PASSWORD, Crew, Factory, gid
from tests.own import own_studio
from tests.studio import Studio
from tests.waiting import until

MODERN = {"Accept": "application/graphql-response+json"}
LITERAL = {"code", "path", "type", "id", "__typename", "resync"}
"""Members of which the very value counts."""
CHANGED = "subscription ($id: ID!) { videoChanged(id: $id) { type video { comments { totalCount } } } }"
COSTLY = "{ viewer { memberships(first: 49) { nodes { team { videos(first: 98) { nodes { id } } } } } } }"


class Example(NamedTuple):
    """One that the page shows, and the status of HTTP with which it comes, if it does by that."""

    value: Any
    status: int | None


def _examples() -> dict[str, Example]:
    found = re.findall(r"^```json ([a-z-]+)(?: (\d{3}))?\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return {name: Example(orjson.loads(text), int(status) if status else None) for name, status, text in found}


EXAMPLES = _examples()


def shape(value: Any, name: str = "") -> Any:
    """What must be the same."""
    if isinstance(value, dict):
        return {key: shape(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item, name) for item in value]
    return value if name in LITERAL or value is None else type(value).__name__


def is_shown(response: httpx.Response, name: str) -> None:
    """The answer is as the example is."""
    example = EXAMPLES[name]
    assert shape(response.json()) == shape(example.value)
    assert response.status_code == example.status


def is_told(message: dict[str, Any], name: str) -> None:
    """The message of a socket is."""
    example = EXAMPLES[name]
    assert shape(message) == shape(example.value)
    assert example.status is None


def test_every_example_is_provoked() -> None:
    provoked = re.findall(r'^ +is_(?:shown|told)\(.*, "([a-z-]+)"\)$', Path(__file__).read_text(), re.MULTILINE)
    assert EXAMPLES.keys() == set(provoked)


def test_no_other_example_is_there() -> None:
    """One without a name, or with a misspelled one, would be provoked by nobody."""
    assert GUIDE.read_text().count("```json") == len(EXAMPLES)


@pytest.fixture(scope="module")
async def own() -> AsyncIterator[tuple[Studio, Factory]]:
    """A product of these tests' own: they break it."""
    async with own_studio("api", "relay", NODES_PER_MINUTE="10000") as made:
        yield made


@pytest.fixture
def studio(own: tuple[Studio, Factory]) -> Studio:
    return own[0]


@pytest.fixture
def make(own: tuple[Studio, Factory]) -> Factory:
    return own[1]


@pytest.fixture
async def crew(make: Factory) -> Crew:
    """Somebody new each time, who has spent nothing."""
    return await make.crew()


async def post(client: Client, query: str, headers: dict[str, str] | None = None, **variables: Any) -> httpx.Response:
    body = {"query": query, "variables": variables}
    return await client.http.post(f"{client.url}/graphql", json=body, headers=client.headers() | (headers or {}))


async def begin(socket: Socket, query: str, *, extensions: Any = None, **variables: Any) -> None:
    payload = {"query": query, "variables": variables, "extensions": extensions}
    await socket.send(id="1", type="subscribe", payload=payload)


@asynccontextmanager
async def without(studio: Studio, table: str) -> AsyncIterator[None]:
    """A fault of ours: a table is not there."""
    connection = await asyncpg.connect(studio.database_url)
    try:
        await connection.execute(f"ALTER TABLE {table} RENAME TO put_aside")
        yield
    finally:
        await connection.execute(f"ALTER TABLE put_aside RENAME TO {table}")
        await connection.close()


async def test_a_mutation_that_says_no(crew: Crew) -> None:
    create = (
        'mutation ($team: ID!) { createVideo(input: {teamId: $team, title: ""})'
        " { __typename ... on Problem { code message path } } }"
    )
    is_shown(await post(crew.editor.client, create, team=crew.id), "problem")


async def test_a_request_that_never_ran(studio: Studio, crew: Crew) -> None:
    client = crew.viewer.client
    is_shown(await post(client, "{ nothing }", MODERN), "refused")
    assert (await post(client, "{ nothing }")).status_code == 200
    too_large = "{ viewer { memberships(first: 100) { nodes { team { videos(first: 100) { nodes { id } } } } } } }"
    is_shown(await post(client, too_large, MODERN), "costly")
    is_shown(await client.http.get(f"{client.url}/nowhere"), "elsewhere")
    async with signed_in(studio, client.token) as socket:
        await begin(socket, "{ nothing }")
        is_told(await socket.told(), "refused-socket")


async def test_an_answer_of_which_part_failed(crew: Crew) -> None:
    is_shown(await post(crew.viewer.client, '{ viewer { name } video(id: "nonsense") { title } }'), "partial")


async def test_nulls(make: Factory, crew: Crew) -> None:
    foreign = gid(await make.video(await make.crew()))
    client = crew.viewer.client
    is_shown(await post(client, "query ($id: ID!) { video(id: $id) { title } }", id=foreign), "null")
    too_many = "{ viewer { name memberships(first: 1000) { nodes { role } } } identityProviders { key } }"
    is_shown(await post(client, too_many), "bubbled")


async def test_what_takes_too_long(studio: Studio, make: Factory, crew: Crew) -> None:
    video = gid(await make.video(crew))
    edit = 'mutation ($id: ID!) { editVideo(input: {id: $id, title: "New"}) { __typename } }'
    async with locked(studio):
        query, mutation = await asyncio.gather(
            post(crew.editor.client, "query ($id: ID!) { video(id: $id) { title } }", id=video),
            post(crew.admin.client, edit, id=video),
        )
    is_shown(query, "timeout")
    is_shown(mutation, "timeout-mutation")


async def test_too_much_at_once(studio: Studio, make: Factory, crew: Crew) -> None:
    client = crew.viewer.client
    await until(lambda: utc_now().second < 40, seconds=30)
    for _ in range(2):
        assert (await post(client, COSTLY)).status_code == 200
    refused = await post(client, COSTLY)
    is_shown(refused, "spent")
    (error,) = refused.json()["errors"]
    assert refused.headers["retry-after"] == str(error["extensions"]["retryAfterSeconds"])
    async with signed_in(studio, client.token) as socket:
        await begin(socket, COSTLY)
        is_told(await socket.told(), "spent-socket")


async def test_what_is_tried_too_often(make: Factory) -> None:
    person = await make.secured(await make.person())
    sign_in = (
        "mutation ($in: SignInInput!) { signIn(input: $in) { __typename ... on Problem { code message path }"
        " ... on Throttled { retryAfterSeconds } } }"
    )
    stranger = make.client()
    given = {"email": person.user.email, "password": f"not {PASSWORD}"}
    tries = [await post(stranger, sign_in, **{"in": given}) for _ in range(PASSWORD_OF_ACCOUNT.windows[0][0] + 1)]
    is_shown(tries[-1], "throttled")


async def test_maintenance(studio: Studio, crew: Crew) -> None:
    client = crew.editor.client
    rename = 'mutation ($id: ID!) { createVideo(input: {teamId: $id, title: "New"}) { __typename } }'
    await Maintenance.create(message="Back at noon, with a larger disk.", until=utc_now() + timedelta(minutes=10))
    try:
        await until(lambda: _is_closed(client))
        refused = await post(client, rename, id=crew.id)
        is_shown(refused, "maintenance")
        assert refused.json()["errors"][0]["message"] == "Back at noon, with a larger disk."
        assert 590 <= int(refused.headers["retry-after"]) <= 600
        async with signed_in(studio, client.token) as socket:
            await begin(socket, rename, id=crew.id)
            is_told(await socket.told(), "maintenance-socket")
    finally:
        await Maintenance.end()
    await until(lambda: _is_open(client))


async def _is_closed(client: Client) -> bool:
    return "maintenance" in (await client.http.get(f"{client.url}/readyz")).json()


async def _is_open(client: Client) -> bool:
    return not await _is_closed(client)


async def test_a_service_that_one_field_needs_is_away(studio: Studio, make: Factory, crew: Crew) -> None:
    client = crew.editor.client
    asked = {"videoId": gid(await make.video(crew)), "fileName": "a.mp4", "size": 3}
    upload = (await client.do("StartUpload", input=asked))["upload"]["id"]
    elsewhere = studio.storage.rename(studio.folder / "elsewhere")
    studio.storage.touch()  # no folder
    try:
        parts = "query ($id: ID!) { viewer { name } uploadParts(id: $id) { arrived { number } } }"
        is_shown(await post(client, parts, id=upload), "outage-partial")
        start = (
            "mutation ($in: StartUploadInput!) { startUpload(input: $in)"
            " { __typename ... on Problem { code message path } } }"
        )
        is_shown(await post(client, start, **{"in": asked}), "outage-mutation")
    finally:
        studio.storage.unlink()
        elsewhere.rename(studio.storage)


async def test_a_fault_of_ours(studio: Studio, make: Factory, crew: Crew) -> None:
    video, client = gid(await make.video(crew)), crew.editor.client
    async with without(studio, "comments"):
        commented = "query ($id: ID!) { viewer { name } video(id: $id) { comments { totalCount } } }"
        is_shown(await post(client, commented, id=video), "fault-partial")
    async with without(studio, "sessions"):
        sign_out = "mutation { signOut { __typename } }"
        response = await post(client, sign_out)
        is_shown(response, "fault")
        assert response.json()["errors"][0]["extensions"]["requestId"] == response.headers["x-request-id"]


async def test_subscriptions(studio: Studio, make: Factory, crew: Crew) -> None:
    video, foreign = gid(await make.video(crew)), gid(await make.video(await make.crew()))
    client = crew.editor.client
    async with signed_in(studio, client.token) as socket:
        await begin(socket, CHANGED, id=foreign)
        is_told(await socket.told(), "subscription-refused")
        await begin(socket, CHANGED, extensions={"lastEventId": 2**53}, id=video)
        is_told(await socket.told(), "subscription-resync")
        async with without(studio, "comments"):
            await client.do("EditVideo", input={"id": video, "title": "Told in part"})
            is_told(await socket.told(), "subscription-partial")
        await client.do("EditVideo", input={"id": video, "title": "Told whole"})
        told = (await socket.told())["payload"]
        assert told["data"]["videoChanged"] == {"type": "video.edited", "video": {"comments": {"totalCount": 0}}}
        await crew_ends(make, crew)
        is_told(await socket.told(), "subscription-refused")


async def crew_ends(make: Factory, crew: Crew) -> None:
    """The editor is put out of the team."""
    from models import Member

    member = await Member.get(team_id=crew.team.id, user_id=crew.editor.user.id)
    await crew.owner.client.do("RemoveMember", memberId=gid(member))


async def test_everything_is_away() -> None:
    async with own_studio("api") as (studio, make):
        person = await make.person()
        name = studio.database_url.split("?")[0].rpartition("/")[2]
        connection = await asyncpg.connect(studio.database_url.replace(f"/{name}?", "/postgres?"))
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()
        response = await post(person.client, "{ viewer { name } }")
        is_shown(response, "outage")
        assert response.headers["retry-after"] == "5"
