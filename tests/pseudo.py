"""The API in disguised English: every answer is looked through for words of people that do not come from the catalogs.

`create_app` is `app:create_app`, whose English is disguised. What leaves the process is looked at, and the disguise
taken off again, so that the tests read English. What was said without a disguise is logged as `UNTRANSLATED`.
"""

import gzip
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Any

import orjson
import zstandard
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import ProblemCode
from edge.codes import EdgeCode
from i18n import catalogs
from i18n.pseudo import BEGIN, END, plainly, pretended
from live.lines import LINE, Line
from plan.codes import RequestCode

UNTRANSLATED = "said without a translation:"
FOR_PEOPLE = {*ProblemCode, EdgeCode.MAINTENANCE, RequestCode.TIMEOUT, RequestCode.INTERNAL} - {ProblemCode.INVALID}
"""Codes of errors that programs cannot mend. All others are for developers, in English: what is invalid, too, there."""
SAYING = ("message", "text")
"""The fields of the contract that say something: of problems, failures and notifications."""
BY_PEOPLE = "drawing"
"""The field that holds texts which people have written, under names of their own."""
KINDS = (b"application/json", b"application/graphql-response+json", b"text/html")
CODINGS: dict[bytes, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    b"gzip": (gzip.decompress, gzip.compress),
    b"zstd": (lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body), zstandard.compress),
}


def create_app() -> ASGIApp:
    """The application, disguised."""
    english = catalogs._english
    catalogs._english = lambda: ((key, pretended(said)) for key, said in english())
    catalogs.catalog.cache_clear()  # it is known already where the code was read before: `tests/nursery.py`
    from app import create_app as create

    return Revealing(create())


class Revealing:
    """ASGI middleware: looks at answers and messages, and takes their disguise off."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope["type"] == "http":
            await self._app(scope, receive, Answer(scope["path"], send))
        elif scope["type"] == "websocket":
            await self._app(scope, receive, Socket(scope, send))
        else:
            await self._app(scope, receive, send)


class Socket:
    """What is sent over a socket: by ASGI, or straight to the line."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._path, self._send = scope["path"], send
        self._in_english = True
        extensions = scope.get("extensions") or {}
        if LINE in extensions:
            extensions[LINE] = RevealingLine(extensions[LINE], self.revealed)

    async def __call__(self, message: Message) -> None:
        """Send on."""
        for kind in ("text", "bytes"):
            if message.get(kind):
                data = message[kind].encode() if kind == "text" else message[kind]
                shown = self.revealed(data)
                message = {**message, kind: shown.decode() if kind == "text" else shown}
        await self._send(message)

    def revealed(self, data: bytes) -> bytes:
        """A message without its disguise, which has been looked at."""
        told = orjson.loads(data)
        if told["type"] == "connection_ack":
            self._in_english = told["payload"]["locale"] == "en"
        if self._in_english:
            look_through(self._path, data, told)
        return revealed(data)


class RevealingLine:
    """A line (`live.lines.Line`) whose messages are revealed."""

    def __init__(self, line: Line, reveal: Callable[[bytes], bytes]) -> None:
        self._line, self._reveal = line, reveal

    @property
    def clear(self) -> bool:
        """Whether it may be written to."""
        return self._line.clear

    @property
    def drained(self) -> Callable[[], None]:
        """What is called when it is clear again."""
        return self._line.drained

    @drained.setter
    def drained(self, called: Callable[[], None]) -> None:
        self._line.drained = called

    def write(self, *parts: bytes) -> None:
        """Write on."""
        self._line.write(self._reveal(b"".join(parts)))

    def abandon(self) -> None:
        """Nothing more is written."""
        self._line.abandon()


class Answer:
    """What is answered to a request, held back until it is whole, if it can say anything."""

    def __init__(self, path: str, send: Send) -> None:
        self._path, self._send = path, send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        """Send on, or keep."""
        if message["type"] == "http.response.start" and _header(message, b"content-type").startswith(KINDS):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        unpack, pack = CODINGS.get(_header(start, b"content-encoding"), (bytes, bytes))
        plain = unpack(self._body) if self._body else b""
        is_page = _header(start, b"content-type").startswith(b"text/html")
        is_nowhere = start["status"] == HTTPStatus.NOT_FOUND and not is_page  # told to who writes clients
        if plain and not is_nowhere and _header(start, b"content-language") in (b"", b"en"):
            look_through(self._path, plain, None if is_page else orjson.loads(plain))
        if (shown := revealed(plain)) != plain:
            self._body = pack(shown)
            kept = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
            start = {**start, "headers": [*kept, (b"content-length", b"%d" % len(self._body))]}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": self._body})


def look_through(path: str, data: bytes, value: Any) -> None:
    """Logs what is said to people without a disguise, in a page or in JSON."""
    found = [*said_on(data.decode())] if value is None else [*said_in(value)]
    for text in found:
        if not (text.startswith(BEGIN) and text.endswith(END)):
            sys.stderr.write(f"{UNTRANSLATED} {path}: {text!r}\n")


def said_in(value: Any, *, is_data: bool = False) -> Iterator[str]:
    """Every message to people in a value of JSON. In data whatever says something is for them."""
    if isinstance(value, list):
        for each in value:
            yield from said_in(each, is_data=is_data)
    elif isinstance(value, dict):
        if is_data:
            yield from (value[name] for name in SAYING if isinstance(value.get(name), str))
        elif (value.get("extensions") or {}).get("code") in FOR_PEOPLE:
            yield value["message"]
        for name, each in value.items():
            if name != BY_PEOPLE:
                yield from said_in(each, is_data=is_data or name == "data")


def said_on(page: str) -> Iterator[str]:
    """Every text of a page but the product's name."""
    reader = Reader()
    reader.feed(page)
    yield from reader.found


class Reader(HTMLParser):
    """Reads what a page says."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Of attributes, those that are read out or shown."""
        self._silent = tag in {"style", "script", "h1", "title"}
        self.found += [
            value for name, value in attrs if value and name in {"placeholder", "title", "alt", "aria-label"}
        ]

    def handle_endtag(self, tag: str) -> None:
        """Texts follow again."""
        self._silent = False

    def handle_data(self, data: str) -> None:
        """A text."""
        if data.strip() and not self._silent:
            self.found.append(data.strip())


def revealed(data: bytes) -> bytes:
    """The bytes of a text without its disguise."""
    return plainly(data.decode()).encode() if BEGIN.encode() in data else data


def _header(message: Message, name: bytes) -> bytes:
    return next((value for key, value in message["headers"] if key.lower() == name), b"")
