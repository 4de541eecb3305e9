"""GraphQL over HTTP to the letter: media types, methods, addresses, and bodies that are none.

What is no request as JSON is in test_http.py, the public audits are in tests/audits.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.factories import Factory, gid
from tests.studio import Studio

MODERN, LEGACY = "application/graphql-response+json", "application/json"
VIEWER = "{viewer {id}}"
UNSOUND = "{shoeSize}"


@pytest.fixture(scope="module")
async def http(studio: Studio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=studio.url, timeout=30) as client:
        del client.headers["accept"]
        yield client


ACCEPTED = [
    (None, LEGACY),
    ("", LEGACY),
    ("*/*", LEGACY),
    ("application/*", LEGACY),
    (LEGACY, LEGACY),
    (MODERN, MODERN),
    (MODERN.upper(), MODERN),
    (f"{LEGACY}, {MODERN}", MODERN),
    (f"{MODERN}, */*", MODERN),
    (f"{MODERN}; q=0.9, {LEGACY}", LEGACY),
    (f"{LEGACY};q=0.8, {MODERN};q=0.9", MODERN),
    (f"{MODERN};q=0, */*", LEGACY),
    (f"{LEGACY};q=0, */*;q=0.1", MODERN),
    (f"{LEGACY}, */*;q=0.8", LEGACY),
    (f"text/html, {LEGACY};q=0.001", LEGACY),
    (f"multipart/mixed;deferSpec=20220824, {MODERN}, {LEGACY};q=0.9", MODERN),
    (f'{MODERN};charset="UTF-8"', MODERN),
    (f"{MODERN};charset=utf-16, {LEGACY}", LEGACY),
    (f"{MODERN};q=2, {LEGACY};q=0.5", LEGACY),
    (",,;q=1," + LEGACY, LEGACY),
    ("x/y, " * 100 + MODERN, MODERN),
    (f"{LEGACY}" + "," * 60_000 + MODERN, LEGACY),
]
UNACCEPTABLE = [
    "text/html",
    "text/event-stream",
    "application/xml, text/*",
    f"{LEGACY};q=0",
    "*/*;q=0",
    f"{LEGACY};q=nan",
    f"{MODERN};charset=latin1",
    "multipart/mixed",
    "json",
]


async def ask(http: httpx.AsyncClient, query: str, accept: str | None, method: str = "POST") -> httpx.Response:
    headers = {} if accept is None else {"Accept": accept}
    if method == "GET":
        return await http.get("/graphql", params={"query": query}, headers=headers)
    return await http.post("/graphql", json={"query": query}, headers=headers)


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(("accept", "media_type"), ACCEPTED)
async def test_the_answer_has_the_media_type_that_weighs_most(
    http: httpx.AsyncClient, accept: str | None, media_type: str, method: str
) -> None:
    answer, refusal = await ask(http, VIEWER, accept, method), await ask(http, UNSOUND, accept, method)
    assert answer.headers["content-type"] == refusal.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert (answer.status_code, answer.json()["data"]) == (200, {"viewer": None})
    assert refusal.status_code == (400 if media_type == MODERN else 200)
    assert "data" not in refusal.json()


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("accept", UNACCEPTABLE)
async def test_what_cannot_be_given_is_not_acceptable(http: httpx.AsyncClient, accept: str, method: str) -> None:
    response = await ask(http, VIEWER, accept, method)
    assert response.status_code == 406
    assert MODERN in response.json()["errors"][0]["message"]
    assert response.headers["content-type"].startswith(LEGACY)


async def test_two_accept_headers_are_one_list(http: httpx.AsyncClient) -> None:
    headers = [("Accept", "text/html"), ("Accept", MODERN), ("Content-Type", LEGACY)]
    response = await http.post("/graphql", content=json.dumps({"query": VIEWER}), headers=headers)
    assert response.headers["content-type"].startswith(MODERN)


# Addresses.


async def get(http: httpx.AsyncClient, query_string: str, **headers: str) -> httpx.Response:
    return await http.get(f"/graphql?{query_string}", headers={"Accept": MODERN} | headers)


async def test_a_get_asks_by_query_operation_name_variables_and_extensions(
    make: Factory, http: httpx.AsyncClient
) -> None:
    crew = await make.crew()
    video = await make.video(crew)
    document = "query A {__typename} query B($id: ID!) {video(id: $id) {id}}"
    params = {
        "query": document,
        "operationName": "B",
        "variables": json.dumps({"id": gid(video)}),
        "extensions": json.dumps({"position": 0}),
        "unknown": "is nothing to us",
    }
    headers = {"Authorization": f"Bearer {crew.viewer.client.token}"}
    answer = (await http.get("/graphql", params=params, headers=headers)).json()
    assert answer["data"] == {"video": {"id": gid(video)}}
    stranger = (await http.get("/graphql", params=params)).json()
    assert stranger["data"] == {"video": None}


@pytest.mark.parametrize(
    "query_string",
    [
        "query={viewer{id}}&operationName=&variables=&extensions=",
        "query=%7Bviewer+%7B+id+%7D%7D",
        "query={viewer{id}}&variables={}&extensions=null",
        "variables=null&query={viewer{id}}",
        "query=query null {viewer{id}}&operationName=null".replace(" ", "+"),
    ],
)
async def test_parameters_that_are_empty_are_as_good_as_none(http: httpx.AsyncClient, query_string: str) -> None:
    assert (await get(http, query_string)).json()["data"] == {"viewer": None}


@pytest.mark.parametrize(
    ("query_string", "status"),
    [
        ("", 400),
        ("query", 400),
        ("query=", 400),
        ("operationName=A", 400),
        ("query={viewer{id}}&variables=1", 400),
        ("query={viewer{id}}&variables=[]", 400),
        ('query={viewer{id}}&variables="{}"', 400),
        ("query={viewer{id}}&variables={", 400),
        ("query={viewer{id}}&extensions=true", 400),
        ("query={viewer{id}}&extensions={", 400),
        ("query={viewer{id}}&variables=" + "[" * 6000, 400),
        ("query={viewer{id}}&operationName=B", 400),
        ("query={viewer{id}}&query={viewer{id}}", 400),
        ("query={viewer{id}}&variables={}&variables={}", 400),
        ("query=%ff", 400),
        ("query={viewer{id}}&x=%ed%a0%80", 400),
        ("&".join(f"p{n}=1" for n in range(200)) + "&query={viewer{id}}", 400),
        ("query={viewer{id}}" + "%20" * 6000, 414),
        ("query=" + quote("subscription {videoChanged(id: 1) {type}}"), 400),
        ("query=" + quote("mutation {signOut {__typename}}"), 405),
        ("query=" + quote("query A {viewer {id}} mutation B {signOut {__typename}}") + "&operationName=B", 405),
    ],
)
async def test_what_is_no_query_by_get_is_refused(studio: Studio, query_string: str, status: int) -> None:
    """Sent as it stands: a client's library would mend it."""
    answer = await spoken(
        studio, f"GET /graphql?{query_string} HTTP/1.1\r\nHost: x\r\nAccept: {MODERN}\r\n\r\n".encode()
    )
    assert answer.status == status, answer
    assert answer.body["errors"][0]["message"]
    assert ("allow" in answer.headers) is (status == 405)
    assert answer.headers.get("allow", "POST") == "POST"


async def test_a_mutation_by_get_changes_nothing(make: Factory, http: httpx.AsyncClient) -> None:
    person = await make.person()
    headers = {"Authorization": f"Bearer {person.client.token}", "X-Requested-With": "a script"}
    response = await get(http, "query=" + quote("mutation {signOut {__typename}}"), **headers)
    assert response.status_code == 405
    assert (await get(http, f"query={VIEWER}", **headers)).json()["data"]["viewer"] is not None


async def test_a_get_by_cookie_must_show_that_no_page_elsewhere_has_sent_it(
    make: Factory, http: httpx.AsyncClient
) -> None:
    person = await make.person()
    cookie = {"Cookie": f"session={person.client.token}"}
    simple = ({"Content-Type": kind} for kind in ("text/plain", "application/x-www-form-urlencoded"))
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Origin": "https://app.example"}, *simple):
        response = await get(http, f"query={VIEWER}", **cookie, **headers)
        assert response.status_code == 400
        assert "X-Requested-With" in response.json()["errors"][0]["message"]
    named = [{name: "1"} for name in ("X-Requested-With", "GraphQL-Preflight", "GraphQL-Require-Preflight")]
    for headers in (*named, {"Content-Type": "application/json"}):
        answer = (await get(http, f"query={VIEWER}", **cookie, **headers)).json()
        assert answer["data"]["viewer"] == {"id": gid(person.user)}
    bearer = {"Authorization": f"Bearer {person.client.token}"}
    assert (await get(http, f"query={VIEWER}", **cookie, **bearer)).json()["data"]["viewer"] is not None
    wish = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-requested-with"}
    for origin, status in (("https://app.example", 200), ("https://evil.example", 400)):
        preflight = await http.options("/graphql", headers={"Origin": origin, **wish})
        assert preflight.status_code == status


async def test_head_is_answered_as_get_without_a_body(http: httpx.AsyncClient) -> None:
    told, whole = await http.head("/graphql?query={__typename}"), await http.get("/graphql?query={__typename}")
    assert (told.status_code, told.content) == (200, b"")
    assert told.headers["content-type"] == whole.headers["content-type"]
    assert (await http.head("/graphql?query=mutation{signOut{__typename}}")).status_code == 405


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])
async def test_other_methods_are_told_which_there_are(http: httpx.AsyncClient, method: str) -> None:
    response = await http.request(method, "/graphql", json={"query": VIEWER})
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert response.json()["errors"]


# Bodies, as they come over the wire.


class Spoken:
    """An answer as it stands on the connection."""

    def __init__(self, raw: bytes) -> None:
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.body: Any = json.loads(body)


async def spoken(studio: Studio, request: bytes) -> Spoken:
    """Says exactly this, and reads until the other side has said all of one answer."""
    address = urlsplit(studio.url)
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            return Spoken(head + await reader.readexactly(length))
        finally:
            writer.close()


def posted(body: bytes, *headers: str, length: int | str | None = None) -> bytes:
    counted = len(body) if length is None else length
    head = ["POST /graphql HTTP/1.1", "Host: x", *headers, f"Content-Length: {counted}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


SOUND = json.dumps({"query": VIEWER}).encode()
JSON = f"Content-Type: {LEGACY}"
BODIES = {
    "UTF-16": (posted(SOUND.decode().encode("utf-16"), JSON), 400),
    "a byte order mark": (posted(b"\xef\xbb\xbf" + SOUND, JSON), 400),
    "invalid UTF-8": (posted(b'{"query": "\xc3\x28"}', JSON), 400),
    "two values": (posted(SOUND + SOUND, JSON), 400),
    "deep arrays": (posted(b"[" * 100_000, JSON), 400),
    "deep objects": (posted(b'{"a":' * 100_000, JSON), 400),
    "false": (posted(b"false", JSON), 400),
    "longer than told": (posted(SOUND, JSON, length=len(SOUND) - 3), 400),
    "a length that is none": (posted(SOUND, JSON, length="ten"), 400),
    "a length below nothing": (posted(SOUND, JSON, length=-1), 400),
    "two lengths": (posted(SOUND, JSON, "Content-Length: 3"), 400),
    "length and chunks": (posted(SOUND, JSON, "Transfer-Encoding: chunked"), 400),
    "chunks that are none": (b"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "an endless head": (b"GET /graphql HTTP/1.1\r\nX: " + b"x" * 200_000, 431),
    "no HTTP": (b"{viewer{id}}\r\n\r\n", 400),
    "UTF-16 as told": (posted(SOUND, f"{JSON}; charset=utf-16"), 415),
    "a charset twice": (posted(SOUND, f"{JSON}; charset=utf-8; charset=utf-16"), 415),
    "a charset twice, the same": (posted(SOUND, f"{JSON}; charset=utf-8; charset=utf-8"), 415),
    "two types": (posted(SOUND, JSON, "Content-Type: text/plain"), 415),
    "no type": (posted(SOUND), 415),
    "multipart": (posted(b"--x--", "Content-Type: multipart/form-data; boundary=x"), 415),
    "a form": (posted(b"query=%7Bviewer%7Bid%7D%7D", "Content-Type: application/x-www-form-urlencoded"), 415),
    "gzip": (posted(SOUND, JSON, "Content-Encoding: gzip"), 415),
    "gzip over identity": (posted(SOUND, JSON, "Content-Encoding: identity", "Content-Encoding: gzip"), 415),
}


@pytest.mark.parametrize(("request_", "status"), BODIES.values(), ids=BODIES.keys())
async def test_a_malformed_body_is_refused_in_json(studio: Studio, request_: bytes, status: int) -> None:
    answer = await spoken(studio, request_)
    assert answer.status == status, answer.body
    assert answer.headers["content-type"].startswith(LEGACY)
    assert answer.body["errors"][0]["message"]
    assert "data" not in answer.body


async def test_a_coding_that_we_do_not_take_is_answered_with_what_we_take(studio: Studio) -> None:
    answer = await spoken(studio, posted(SOUND, JSON, "Content-Encoding: zstd"))
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("header", ["Content-Encoding: identity", "X-Nothing: 1"])
@pytest.mark.parametrize("charset", ["", ";charset=utf-8", '; Charset="UTF-8"', "; boundary=x"])
async def test_a_sound_body_is_taken_however_it_is_announced(studio: Studio, charset: str, header: str) -> None:
    assert (await spoken(studio, posted(SOUND, JSON + charset, header))).body["data"] == {"viewer": None}
