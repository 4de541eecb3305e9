"""Requests as bytes on a line, drawn and sent: no client library would send most of them."""

import asyncio
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlsplit

import h11
from hypothesis import strategies as st

from tests.fuzz.api import garbled
from tests.fuzz.api.typed import Response

PATIENCE = 20
METHODS = (
    ("POST",) * 12 + ("GET",) * 5 + ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "post", "NOPE", "QUERY")
)
PATHS = ("/graphql",) * 14 + (
    "/graphql/",
    "//graphql",
    "/GraphQL",
    "/%67raphql",
    "/graphql%00",
    "/graphql;x=1",
    "/graphql/..",
)
PAGES = (
    "/welcome", "/reset-password", "/confirm-email", "/invitation", "/sign-in/code", "/sign-in/there",
    "/sign-in/there/callback", "/files/x", "/files/%00", "/files/..%2fx", "/healthz", "/metrics", "/readyz", "/",
    "/x/%ff",
)  # fmt: skip
FIELDS = ("token", "token", "password", "answer", "code", "name", "state", "expires", "signature", "\0")
JSON = "application/json"
CONTENT_TYPES = (JSON,) * 12 + (
    "", "application/json; charset=utf-8", "application/json;charset=utf-16", "APPLICATION/JSON",
    "application/json, text/plain", "application/json;charset=\x80", "application/graphql-response+json",
    "application/graphql", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded",
    "application/jsonp", ";", "a" * 9000,
)  # fmt: skip
ACCEPTED = (
    JSON, "application/graphql-response+json", "*/*", "text/html", "application/*;q=0.1", ";q=", "a/b;q=nan,*/*;q=1e9",
    "application/json;q=0.001, */*;q=0", "*/*;" * 500, "\xff", ", ,", "text/event-stream",
)  # fmt: skip
KEY = "vc_" + "0" * 46
SHOWN = (
    "Bearer",
    "Bearer ",
    "Bearer x",
    "bearer \xff\xfe",
    "Basic eDp5",
    KEY,
    f"Bearer {KEY}",
    "Bearer " + "a" * 5000,
    "Bearer \x00",
)
COOKIES = (
    "session=x",
    "session=",
    "session=\xff",
    "=;=;",
    "session=a; session=b",
    "device=x; session=" + "a" * 3000,
    ";" * 900,
)
OTHERS = {
    "Accept-Encoding": ("gzip", "zstd", "gzip;q=0, *", "br;q=\xff", "identity;q=0", ",;q=1"),
    "Accept-Language": ("de", "xx-" + "y" * 300, "*;q=2", "\xff", "en;q=nan", ",,,;;;"),
    "Content-Encoding": ("gzip", "identity", "", "zstd, gzip", "\xff"),
    "Origin": ("null", "https://app.example", "\xff", "http://[::1", "https://evil.example:99999"),
    "X-Request-ID": ("a" * 8, "a" * 300, "\xff\xff\xff\xff\xff\xff\xff\xff", "new\tline", "../../etc"),
    "X-Forwarded-For": ("1.2.3.4", "::1", "1.2.3.4, \xff", "unix:", "999.1.1.1", "," * 99, "fe80::1%eth0"),
    "X-Forwarded-Proto": ("https", "\xff", ""),
    "If-None-Match": ("*", 'W/"x"', "\xff", '"' * 99),
    "Idempotency-Key": ("x", "", "\xff", "k" * 3000, '"quoted"'),
    "X-Requested-With": ("1",),
    "Access-Control-Request-Method": ("POST", "\xff"),
    "Access-Control-Request-Headers": ("content-type, " * 50, "\xff"),
    "traceparent": ("00-" + "0" * 32 + "-" + "0" * 16 + "-01", "00-" + "a" * 32 + "-" + "b" * 16 + "-zz", "\xff"),
    "tracestate": ("a=b," * 40, "\xff"),
    "baggage": ("a=\xff", "x" * 9000),
    "Expect": ("100-continue", "nothing"),
    "Range": ("bytes=0-1", "\xff"),
    "X-Plan": ("off", "analyze", "\xff"),
    "User-Agent": ("", "\xff" * 99, "a" * 5000),
    "Connection": ("close", "keep-alive", "upgrade, x"),
    "Forwarded": ("for=\xff",),
    "Host": ("x", "", "a" * 3000, "\xff", "[::1"),
}


@dataclass(frozen=True)
class Raw:
    """A request as it is sent. With `whole`, all that it announces."""

    method: str
    data: bytes
    whole: bool

    def __str__(self) -> str:
        return f"{self.data[:3000]!r}{'' if self.whole else ' … and no more'}"


@st.composite
def raw_requests(draw: st.DrawFn) -> Raw:
    """To `/graphql` or something near it."""
    method, path = draw(st.sampled_from(METHODS)), draw(st.sampled_from(PATHS))
    body = draw(garbled.bodies()) if method != "GET" or draw(st.booleans()) else b""
    query = draw(_parameters()) if method == "GET" or draw(st.integers(0, 9)) == 0 else ""
    lines = [f"{method} {path}{query} HTTP/1.1", *draw(_headers())]
    length = draw(st.sampled_from([0] * 25 + [7, -7])) + len(body)
    framed = draw(st.sampled_from(["length"] * 20 + ["chunked", "chunked", "none", "twice", "odd"]))
    lines += {
        "length": [f"Content-Length: {length}"],
        "chunked": ["Transfer-Encoding: chunked"],
        "none": [],
        "twice": [f"Content-Length: {len(body)}", f"Content-Length: {length}"],
        "odd": [f"Content-Length: +{length}_0"],
    }[framed]
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if framed == "chunked" and body else body
    whole = (framed == "chunked" and bool(body)) or (framed == "length" and length <= len(body))
    head = "\r\n".join(lines).encode("latin-1", errors="replace")
    return Raw(method, head + b"\r\n\r\n" + sent, whole or framed == "none")


@st.composite
def page_requests(draw: st.DrawFn) -> Raw:
    """To the pages and addresses beside `/graphql`: forms from anywhere, links that lead nowhere."""
    method, path = draw(st.sampled_from(("POST", "POST", "GET"))), draw(st.sampled_from(PAGES))
    fields = draw(st.lists(st.tuples(st.sampled_from(FIELDS), garbled.ANY_TEXT | st.just("a long enough password"))))
    form = "&".join(f"{name}={quote(value, errors='surrogatepass')}" for name, value in fields)
    body = draw(st.just(form.encode()) | st.binary(max_size=60)) if method == "POST" else b""
    origin = draw(st.sampled_from([*OTHERS["Origin"], "http://x", "http://x", ""]))
    lines = [f"{method} {path}{f'?{form[:3000]}' if draw(st.booleans()) else ''} HTTP/1.1", *draw(_headers())]
    lines += [f"Origin: {origin}"] * bool(origin) + [f"Content-Length: {len(body)}"]
    return Raw(method, "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body, whole=True)


@cache
def _headers() -> st.SearchStrategy[list[str]]:
    one = [_header("Content-Type", CONTENT_TYPES), _header("Accept", ACCEPTED)]
    one += [_header("Authorization", SHOWN), _header("Cookie", COOKIES)]
    one += [_header(name, values) for name, values in OTHERS.items()]
    values = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=20)
    odd = st.tuples(st.sampled_from([*OTHERS, "Accept", "Cookie", "Authorization"]), values).map(": ".join)
    more = st.lists(st.one_of(*one, odd), max_size=4)
    usual = st.sampled_from(CONTENT_TYPES).map(lambda value: [f"Content-Type: {value}", "X-Forwarded-Proto: http"])
    return st.tuples(usual, more).map(lambda drawn: ["Host: x", *drawn[0], *drawn[1]])


def _header(name: str, values: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.sampled_from(values).map(lambda value: f"{name}: {value}")


@st.composite
def _parameters(draw: st.DrawFn) -> str:
    """Of an address, some of them garbled."""
    parts = []
    for name, value in draw(garbled.requests()).items():
        text = value if isinstance(value, str) and name != "variables" else garbled.as_json(value).decode()
        parts.append(f"{name}={quote(text, errors='surrogatepass')[:6000]}")
    if draw(st.integers(0, 3)) == 0:
        parts.append(
            draw(
                st.sampled_from(
                    ["query={viewer{id}}", "query=%ff", "%", "&&&", "=", "query", "variables=%7B", "a=b" * 99]
                )
            )
        )
    if draw(st.integers(0, 9)) == 0:
        parts.append(quote_from_bytes(draw(st.binary(max_size=30)), safe="&=%?#/"))
    return f"?{'&'.join(parts)}"


class Unsound(Exception):
    """What came back is no HTTP."""


async def sent(url: str, request: Raw) -> Response | None:
    """What is answered; None where the line is closed without an answer, as it may be where not all was sent."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(request.data)
        if not request.whole:
            writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            return await _read(reader, request.method)
    except ConnectionError:
        return None
    except h11.RemoteProtocolError as error:
        raise Unsound(str(error)) from error
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader, method: str) -> Response | None:
    """Strictly: h11 takes nothing that is no HTTP."""
    line = h11.Connection(h11.CLIENT)
    line.send(h11.Request(method="HEAD" if method == "HEAD" else "GET", target="/", headers=[("Host", "x")]))
    line.send(h11.EndOfMessage())
    head: Any = None
    body = b""
    while True:
        event = line.next_event()
        if event is h11.NEED_DATA:
            came = await reader.read(65536)
            if not came and head is None and not line.trailing_data[0]:
                return None
            line.receive_data(came)
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
            return Response(head.status_code, headers, body)
