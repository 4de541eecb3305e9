"""Requests with a few bytes gone wrong, as a broken line or somebody curious sends them: never a fault of ours."""

import asyncio
from random import Random
from urllib.parse import urlsplit

from tests.api.test_graphql_over_http import JSON, SOUND, posted
from tests.studio import Studio

ROUNDS, AT_ONCE = 20, 30
SEED = 20
WAITING = b"nothing"
"""What is answered to who has announced more than there is."""

REQUESTS = (
    posted(SOUND, JSON),
    posted(SOUND, JSON, "Accept: application/json;q=0.5, */*", "Accept-Encoding: gzip, zstd", "Cookie: session=x"),
    posted(b"%x\r\n%s\r\n0\r\n\r\n" % (len(SOUND), SOUND), JSON).replace(
        b"Content-Length: ", b"Transfer-Encoding: chunked\r\nX: "
    ),
    b"GET /graphql?query=%7Bviewer%7Bid%7D%7D&extensions=%7B%22position%22:0%7D HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /graphql?query={__typename} HTTP/1.1\r\nAccept: text/html;q=0.1, */*\r\nIf-None-Match: *\r\n\r\n",
    b"GET /graphql?query={viewer{id}} HTTP/1.1\r\nHost: x\r\nCookie: session=abc\r\nX-Requested-With: 1\r\n\r\n",
    b"OPTIONS /graphql HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\nAccess-Control-Request-Method: GET\r\n\r\n",
)
BITS = (
    b"\x00",
    b"\xff",
    b"\r\n",
    b":",
    b";q=",
    b",",
    b"%",
    b"%ff",
    b"{",
    b"]",
    b'"',
    b" ",
    b"\xc3\x28",
    b"9" * 30,
    b"-1",
)


def garbled(drawn: Random) -> bytes:
    request = bytearray(drawn.choice(REQUESTS))
    for _ in range(drawn.randint(1, 4)):
        place = drawn.randrange(len(request))
        match drawn.randrange(4):
            case 0:
                request[place:place] = drawn.choice(BITS)
            case 1:
                del request[place : place + drawn.randint(1, 12)]
            case 2:
                request[place] = drawn.randrange(256)
            case _:
                request[place:place] = request[drawn.randrange(len(request)) :][:40]
    return bytes(request)


async def status(studio: Studio, request: bytes) -> bytes:
    address = urlsplit(studio.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(request)
        return (await asyncio.wait_for(reader.readline(), 1)).split(b" ")[1]
    except TimeoutError:
        return WAITING
    finally:
        writer.close()


async def test_no_garbled_request_is_a_fault_of_ours(studio: Studio) -> None:
    drawn, seen = Random(SEED), set[bytes]()
    before = len(studio.log("api"))
    for _ in range(ROUNDS):
        requests = [garbled(drawn) for _ in range(AT_ONCE)]
        statuses = await asyncio.gather(*(status(studio, request) for request in requests))
        assert [request for request, told in zip(requests, statuses, strict=True) if told.startswith(b"5")] == []
        seen.update(statuses)
    assert seen >= {b"200", b"400", b"404", b"405", b"415"}, "too few came to anything"
    assert "Traceback" not in studio.log("api")[before:]
