"""GraphQL over websockets: who is let in, and what each operation answers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobKind
from live.codes import CloseCode
from local.client import document
from models import Job
from models.database import transaction
from plan import encode_id
from tests.factories import Crew, Factory, gid
from tests.studio import Studio

VIEWER = "{viewer {id}}"
FOREIGN = "https://evil.example"
ACK = {"type": "connection_ack", "payload": {"locale": "en"}}
"""What whoever asks for no language is let in with."""


class Socket:
    """A client that shows what it is told."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(orjson.dumps(message).decode())

    async def told(self) -> dict[str, Any]:
        """The next message; pings are answered on the way, as every client has to."""
        message: dict[str, Any] = orjson.loads(await self.connection.recv())
        while message["type"] == "ping":
            await self.send(type="pong")
            message = orjson.loads(await self.connection.recv())
        return message

    async def init(self, payload: Any = None) -> dict[str, Any]:
        await self.send(type="connection_init", **({"payload": payload} if payload is not None else {}))
        return await self.told()

    async def ask(self, query: str, *, extensions: Any = None, **variables: Any) -> list[dict[str, Any]]:
        """An operation to its end: its payloads, and the errors that it ended with in one of a kind."""
        payload = {"query": query, "variables": variables, "extensions": extensions}
        await self.send(id="1", type="subscribe", payload=payload)
        payloads = []
        while True:
            match await self.told():
                case {"type": "next", "id": "1", "payload": dict(told)}:
                    payloads.append(told)
                case {"type": "error", "id": "1", "payload": list(errors)}:
                    return [*payloads, {"failed": errors}]
                case {"type": "complete", "id": "1"}:
                    return payloads
                case other:
                    raise AssertionError(other)

    async def viewer(self) -> Any:
        (answer,) = await self.ask(VIEWER)
        return answer["data"]["viewer"]

    async def code(self, query: str, *, extensions: Any = None, **variables: Any) -> str:
        """The code of the one error with which the operation ends before it has said anything."""
        ((answer),) = await self.ask(query, extensions=extensions, **variables)
        (error,) = answer["failed"]
        assert error["message"]
        code: str = error["extensions"]["code"]
        return code


@asynccontextmanager
async def opened(studio: Studio, headers: Mapping[str, str] | None = None) -> AsyncIterator[Socket]:
    url = studio.url.replace("http", "ws", 1) + "/graphql"
    spoken: Any = ["graphql-transport-ws"]
    async with connect(url, subprotocols=spoken, additional_headers=headers, proxy=None) as connection:
        yield Socket(connection)


@asynccontextmanager
async def signed_in(studio: Studio, token: str | None) -> AsyncIterator[Socket]:
    async with opened(studio) as socket:
        assert await socket.init({"token": token} if token else None) == ACK
        yield socket


@pytest.fixture
async def crew(make: Factory) -> Crew:
    return await make.crew()


@pytest.mark.parametrize(
    ("name", "form"),
    [("authorization", "Bearer {0}"), ("Authorization", "bearer {0}"), ("token", "{0}"), ("authorization", "{0}")],
)
async def test_the_token_of_connection_init_says_who_it_is(make: Factory, studio: Studio, name: str, form: str) -> None:
    person = await make.person()
    async with opened(studio) as socket:
        await socket.init({name: form.format(person.client.token)})
        assert await socket.viewer() == {"id": person.id}


@pytest.mark.parametrize("params", [None, {}, {"authorization": None}, {"token": 1}, {"something": "else"}])
async def test_without_a_token_it_is_nobody(studio: Studio, params: Any) -> None:
    async with opened(studio) as socket:
        assert await socket.init(params) == ACK
        assert await socket.viewer() is None


async def is_refused(socket: Socket, params: Any) -> bool:
    with pytest.raises(ConnectionClosed) as closed:
        await socket.init(params)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code == 4403


@pytest.mark.parametrize("token", ["wrong", "a\x00b", "ünïcödé", "x" * 10_000])
async def test_a_wrong_token_is_refused_and_not_taken_for_nobody(studio: Studio, token: str) -> None:
    async with opened(studio) as socket:
        assert await is_refused(socket, {"authorization": f"Bearer {token}"})
    assert token not in studio.log("api")


async def test_a_token_that_has_been_signed_out_is_refused(make: Factory, studio: Studio) -> None:
    person = await make.person()
    await person.client.do("SignOut")
    async with opened(studio) as socket:
        assert await is_refused(socket, {"token": person.client.token})


async def test_the_cookie_counts_only_from_pages_of_trusted_origins(make: Factory, studio: Studio) -> None:
    person = await make.person()
    cookie = {"Cookie": f"session={person.client.token}"}
    for origin in (studio.url, "https://app.example"):
        async with opened(studio, cookie | {"Origin": origin}) as socket:
            await socket.init()
            assert await socket.viewer() == {"id": person.id}
    for foreign in ({"Origin": FOREIGN}, {"Origin": "null"}, {"Origin": studio.url + ".evil.example"}, {}):
        async with opened(studio, cookie | foreign) as socket:
            assert await is_refused(socket, {})


async def test_from_any_origin_a_token_counts_more_than_a_cookie(make: Factory, studio: Studio) -> None:
    person, other = await make.person(), await make.person()
    headers = {"Origin": FOREIGN, "Cookie": f"session={other.client.token}"}
    async with opened(studio, headers) as socket:
        await socket.init({"token": person.client.token})
        assert await socket.viewer() == {"id": person.id}


async def test_queries_and_mutations_run_over_a_socket(crew: Crew, studio: Studio) -> None:
    async with signed_in(studio, crew.editor.client.token) as socket:
        wish = {"teamId": crew.id, "title": "Over the socket"}
        (made,) = await socket.ask(document("CreateVideo"), input=wish)
        video = made["data"]["createVideo"]
        assert (video["title"], video["createdBy"]["id"]) == ("Over the socket", crew.editor.id)
        (read,) = await socket.ask("query($id: ID!) {video(id: $id) {title}}", id=video["id"])
        assert read["data"] == {"video": {"title": "Over the socket"}}
        assert isinstance(read["extensions"]["position"], int)
        (refused,) = await socket.ask(document("CreateVideo"), input=wish | {"title": ""})
        assert refused["data"]["createVideo"]["code"] == "INVALID"


async def test_rights_are_looked_at_for_each_operation(crew: Crew, studio: Studio) -> None:
    async with signed_in(studio, crew.editor.client.token) as socket:
        assert await socket.viewer() is not None
        await crew.editor.client.do("SignOut")
        told = await _told(socket)
        assert told in (None, CloseCode.FORBIDDEN), "by the answer, or by the news of it, which may be here first"


async def _told(socket: Socket) -> Any:
    """Whom the socket's operations are asked by, or how it was closed."""
    try:
        return await socket.viewer()
    except ConnectionClosedError as closed:
        return closed.rcvd and closed.rcvd.code


VIDEO_CHANGED = "subscription($id: ID!) {videoChanged(id: $id) {type}}"
JOB_PROGRESS = "subscription($id: ID!) {jobProgress(id: $id) {state}}"


async def test_subscriptions_are_refused_with_a_code(make: Factory, crew: Crew, studio: Studio) -> None:
    video, stranger = await make.video(crew), await make.person()
    async with signed_in(studio, stranger.client.token) as socket:
        assert await socket.code(VIDEO_CHANGED, id=gid(video)) == "NOT_FOUND"
        assert await socket.code(VIDEO_CHANGED, id=encode_id("Video", new_id())) == "NOT_FOUND"
        assert await socket.code(VIDEO_CHANGED, id=crew.id) == "NOT_FOUND"
        assert await socket.code(VIDEO_CHANGED, id="no id") == "INVALID"
        assert await socket.code(VIDEO_CHANGED, id="a\x00b") == "INVALID"
        assert await socket.code(JOB_PROGRESS, id=encode_id("Job", new_id())) == "NOT_FOUND"
        assert await socket.code(JOB_PROGRESS, id="no id") == "INVALID"


async def test_nobody_may_subscribe(make: Factory, crew: Crew, studio: Studio) -> None:
    video = await make.video(crew)
    async with signed_in(studio, None) as socket:
        assert await socket.code(VIDEO_CHANGED, id=gid(video)) == "UNAUTHENTICATED"
        assert await socket.code(JOB_PROGRESS, id=encode_id("Job", new_id())) == "UNAUTHENTICATED"


@pytest.mark.parametrize("last", [-1, 1.5, True, "", "x", "-1", "9" * 30, 2**63, [], {}, "٣"])
async def test_an_event_id_that_is_none_is_invalid(make: Factory, crew: Crew, studio: Studio, last: Any) -> None:
    video = await make.video(crew)
    async with signed_in(studio, crew.viewer.client.token) as socket:
        assert await socket.code(VIDEO_CHANGED, extensions={"lastEventId": last}, id=gid(video)) == "INVALID"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "subscription {",
        "subscription {nothing}",
        "subscription($id: ID!) {videoChanged(id: $id) {type}}",
        "subscription($id: ID!) {videoChanged(id: $id) {type} jobProgress(id: $id) {state}}",
        "subscription($id: ID!) {...A} fragment A on Subscription {videoChanged(id: $id) {type}}",
        "subscription {__typename}",
        "query($id: ID!) {node(id: $id) {id}}",
        "{viewer {id}} {viewer {name}}",
        "{node" * 5000,
    ],
)
async def test_a_bad_operation_fails_alone(make: Factory, crew: Crew, studio: Studio, query: str) -> None:
    video = await make.video(crew)
    async with signed_in(studio, crew.owner.client.token) as socket:
        (before,) = await socket.ask(VIEWER)
        since = {"lastEventId": before["extensions"]["position"]}
        followed = {"query": VIDEO_CHANGED, "variables": {"id": gid(video)}, "extensions": since}
        await socket.send(id="0", type="subscribe", payload=followed)
        (answer,) = await socket.ask(query)
        assert {error["extensions"]["code"] for error in answer["failed"]} == {"BAD_REQUEST"}
        assert await socket.viewer() == {"id": crew.owner.id}
        await crew.owner.client.do("EditVideo", input={"id": gid(video), "title": "Still told"})
        event = await socket.told()
    assert (event["id"], event["payload"]["data"]) == ("0", {"videoChanged": {"type": "video.edited"}})


async def test_a_socket_does_not_outlive_its_session(crew: Crew, studio: Studio) -> None:
    async with signed_in(studio, crew.viewer.client.token) as socket, signed_in(studio, None) as nobody:
        await crew.viewer.client.do("SignOut")
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.told(), 15)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403
        assert await nobody.viewer() is None


@pytest.mark.parametrize(
    "query",
    [
        "subscription($id: ID!) {...F} fragment F on Subscription {jobProgress(id: $id) {state}}",
        "subscription($id: ID!) {... on Subscription {...F}} fragment F on Subscription {jobProgress(id: $id) {state}}",
    ],
)
async def test_a_subscription_may_lie_in_fragments(make: Factory, crew: Crew, studio: Studio, query: str) -> None:
    async with transaction():
        job = await Job.enqueue(JobKind.INGEST, utc_now(), payload={}, team_id=crew.team.id)
        await job.cancel(utc_now(), by=crew.owner.user.id)
    async with signed_in(studio, crew.viewer.client.token) as socket:
        (told,) = await socket.ask(query, id=gid(job))
        assert list(told["data"].values()) == [{"state": "CANCELLED"}]
