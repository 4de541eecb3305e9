"""Clients that hold a connection and send next to nothing, against the whole product."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from graphql import get_introspection_query

from edge.wire import MOST_HEAD_BYTES
from tests import services
from tests.api.test_sockets import ACK, opened
from tests.play.impatient import Http
from tests.studio import Studio, running
from tests.waiting import until

UNREAD = 8
"""Answers of 150 KB: more than the network keeps."""
ESTABLISHED = 1
"""`tcpi_state`."""
WELL_BEYOND = Http.seconds * 2
BODY = json.dumps({"query": "{viewer {id}}"}).encode()
UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
HEAD = "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"


QUIET = 1
"""Seconds after which a connection between requests is closed."""


class Impatient(Studio):
    def _api(self) -> list[str]:
        words = ["tests.play.impatient:Http" if word == "edge.wire:Http" else word for word in super()._api()]
        return [*words, "--timeout-keep-alive", str(QUIET)]


@pytest.fixture(scope="module")
def impatient(number: int, database_url: str, redis_url: str) -> Iterator[Studio]:
    folder = Path(services.where()["folder"]) / f"impatient{number}"
    folder.mkdir()
    product = Impatient(folder, database_url, redis_url, INTROSPECTION="on", NODES_PER_MINUTE="0")
    product.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)  # what the network keeps for us
    with running(product, "api") as studio:
        yield studio


class Line:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self._writer = reader, writer

    def say(self, data: bytes) -> None:
        self._writer.write(data)

    async def silence(self, seconds: float) -> None:
        """Waits; fails if the other side says something meanwhile, or hangs up."""
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.reader.read(1), seconds)

    async def rest(self) -> bytes:
        """All that comes until the other side hangs up."""
        return await asyncio.wait_for(self.reader.read(), 20)


@asynccontextmanager
async def line(studio: Studio) -> AsyncIterator[Line]:
    address = urlsplit(studio.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


def head(path: str = "/graphql", kind: str = "application/json", length: int = len(BODY)) -> bytes:
    return HEAD.format(path=path, kind=kind, length=length).encode()


def is_cut_off(answer: bytes) -> bool:
    told, _, body = answer.partition(b"\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 408 "), answer
    assert b"connection: close" in told
    return json.loads(body)["errors"][0]["extensions"]["code"] == "REQUEST_TIMEOUT"


STUCK = {
    "a head without an end": b"POST /graphql HTTP/1.1\r\nHost: x\r\n",
    "no body": head(),
    "half a body": head() + BODY[:10],
    "a longer body promised": head(length=len(BODY) + 1) + BODY,
    "a chunk without an end": head().replace(f"Content-Length: {len(BODY)}".encode(), b"Transfer-Encoding: chunked")
    + b"5\r\n{",
    "a form without an end": head("/welcome", "application/x-www-form-urlencoded", 50) + b"token=",
    "a head after a request": head() + BODY + b"GET",
}


@pytest.mark.parametrize("said", STUCK.values(), ids=STUCK.keys())
async def test_a_request_that_does_not_end_is_cut_off(impatient: Studio, said: bytes) -> None:
    async with line(impatient) as client:
        client.say(said)
        answers = await client.rest()
    if said.startswith(head() + BODY):
        assert answers.startswith(b"HTTP/1.1 200 ")
        answers = answers[answers.index(b"HTTP/1.1 408") :]
    assert is_cut_off(answers)
    assert "request failed" not in impatient.log("api")
    assert "Traceback" not in impatient.log("api")


@pytest.mark.parametrize("said", [head(length=1000), b"POST /graphql HTTP/1.1\r\nX: "], ids=["body", "head"])
async def test_a_byte_now_and_then_does_not_help(impatient: Studio, said: bytes) -> None:
    async with line(impatient) as client:
        client.say(said)
        for _ in range(100):
            if (answer := await _within(client, 0.02)) is not None:
                break
            client.say(b" ")
        assert answer is not None
        assert is_cut_off(answer + await client.rest())


async def test_who_is_still_sending_is_told_why(impatient: Studio) -> None:
    """A line closed over what comes in is reset, and its client never reads the answer."""
    async with line(impatient) as client:
        client.say(head(length=10**6) + b" " * 100)
        await until(lambda: b" 408 " in client.reader._buffer)  # type: ignore[attr-defined]
        client.say(b" " * 100_000)
        assert is_cut_off(await client.rest())


async def _within(client: Line, seconds: float) -> bytes | None:
    try:
        return await asyncio.wait_for(client.reader.read(1), seconds)
    except TimeoutError:
        return None


async def test_who_says_nothing_is_hung_up_on(impatient: Studio) -> None:
    async with line(impatient) as client:
        assert await client.rest() == b""


async def test_an_answer_does_not_let_the_rest_of_the_body_come_for_ever(impatient: Studio) -> None:
    async with line(impatient) as client:
        client.say(head(kind="text/plain"))
        await client.reader.readuntil(b"}]}")
        for _ in range(100):
            client.say(b" ")
            if await _within(client, 0.02) == b"":
                return
    pytest.fail("it was never cut off")


async def test_many_bytes_have_more_time(impatient: Studio) -> None:
    spaces = int(Http.bytes_per_second * WELL_BEYOND)
    async with line(impatient) as client:
        client.say(head(length=spaces + len(BODY)) + b" " * spaces)
        await client.silence(WELL_BEYOND)
        client.say(BODY)
        assert (await client.reader.readline()).startswith(b"HTTP/1.1 200 ")


async def test_a_kept_connection_and_a_socket_outlast_a_requests_time(impatient: Studio) -> None:
    async with line(impatient) as client, opened(impatient) as socket:
        assert await socket.init() == ACK
        for _ in range(3):
            client.say(head() + BODY)
            assert (await client.reader.readline()).startswith(b"HTTP/1.1 200 ")
            await client.reader.readuntil(b"}}}")
            await client.silence(Http.seconds * 0.7)
        assert await socket.viewer() is None


async def test_what_follows_a_body_in_parts_has_an_end(impatient: Studio) -> None:
    chunked = head().replace(f"Content-Length: {len(BODY)}".encode(), b"Transfer-Encoding: chunked")
    async with line(impatient) as client:
        client.say(chunked + b"%x\r\n%s\r\n0\r\nX: " % (len(BODY), BODY))
        await client.silence(Http.seconds / 4)
        client.say(b"x" * (MOST_HEAD_BYTES + 1))
        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


async def test_blank_lines_after_an_answer_keep_no_connection(impatient: Studio) -> None:
    async with line(impatient) as client:
        client.say(head() + BODY)
        await client.reader.readuntil(b"}}}")
        client.say(b"\r\n")
        assert await client.rest() == b""


async def test_a_socket_on_a_kept_connection_stays(impatient: Studio) -> None:
    async with line(impatient) as client:
        client.say(head() + BODY)
        await client.reader.readuntil(b"}}}")
        client.say(UPGRADE)
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        await client.silence(QUIET * 1.3)


@pytest.mark.parametrize("before", [b"", head() + BODY], ids=["the first", "after another"])
async def test_what_is_still_being_answered_becomes_no_socket(impatient: Studio, before: bytes) -> None:
    """Nobody would tell who answers it that the line is gone, and it would wait for ever."""
    async with line(impatient) as client:
        client.say(before)
        if before:
            await client.reader.readuntil(b"}}}")
        client.say(head() + BODY + UPGRADE)
        assert b"HTTP/1.1 101 " not in await client.rest()


async def test_who_does_not_read_the_answer_is_hung_up_on(impatient: Studio) -> None:
    """What nobody reads waits in our memory."""
    address = urlsplit(impatient.url)
    asking = b"GET /graphql?query=" + quote(get_introspection_query()).encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((address.hostname, address.port))
        deaf.sendall(asking * UNREAD)
        await until(lambda: not is_connected(deaf))
        deaf.setblocking(False)
        with suppress(ConnectionError, BlockingIOError):
            read = 0
            while chunk := deaf.recv(65536):
                read += len(chunk)
            pytest.fail(f"{read} bytes were there to the end")


def is_connected(client: socket.socket) -> bool:
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == bytes([ESTABLISHED])


async def test_who_reads_slowly_reads_to_the_end(impatient: Studio) -> None:
    address = urlsplit(impatient.url)
    asking = b"GET /graphql?query=" + quote(get_introspection_query()).encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2**16)
    for _ in range(UNREAD):
        writer.write(asking)
    for _ in range(UNREAD):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        assert json.loads(body)["data"]["__schema"]
    writer.close()


async def test_what_was_cut_off_is_logged_as_that(impatient: Studio) -> None:
    async with line(impatient) as client:
        client.say(head() + BODY[:5])
        await client.rest()

    def logged() -> bool:
        lines = [json.loads(each) for each in impatient.log("api").splitlines() if each.startswith("{")]
        return 408 in {each["status"] for each in lines if each.get("route") == "/graphql"}

    await until(logged)
