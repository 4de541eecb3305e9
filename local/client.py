"""A small client of the API, for `make demo` and the tests: the committed operations over HTTP and websockets."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Self

import httpx
import orjson
from graphql import DocumentNode, FragmentSpreadNode, OperationDefinitionNode, Visitor, parse, print_ast, visit
from graphql.language import FragmentDefinitionNode
from websockets.asyncio.client import ClientConnection, connect

OPERATIONS = Path(__file__).parent.parent / "web" / "operations"
SENDERS = 4
"""Parts on their way at the same time."""


class OperationFailed(Exception):
    """The API answered `errors`, or a problem where an answer was expected."""


class Subscription:
    """A running subscription: iterate over its payloads, `data` and `extensions` as they came."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> dict[str, Any]:
        while True:
            message = orjson.loads(await self._socket.recv())
            match message["type"]:
                case "next":
                    payload: dict[str, Any] = message["payload"]
                    return payload
                case "error":
                    raise OperationFailed(message["payload"])
                case "complete":
                    raise StopAsyncIteration
                case "ping":
                    await self._socket.send(orjson.dumps({"type": "pong"}).decode())


class Client:
    """One person's connection to the API at `url`; anonymous until `sign_in`."""

    def __init__(self, url: str, token: str | None = None, language: str = "en") -> None:
        self.url = url.rstrip("/")
        self.token, self.language = token, language
        self.http = httpx.AsyncClient(timeout=60, headers={"Accept-Language": language}, verify=_trust())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.http.aclose()

    async def run(self, operation: str, **variables: Any) -> dict[str, Any]:
        """The whole answer to one of `web/operations`."""
        return await self.ask(document(operation), operation, variables)

    async def ask(
        self, query: str, name: str | None = None, variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The whole answer to any document."""
        body = {"query": query, "operationName": name, "variables": dict(variables or {})}
        response = await self.http.post(f"{self.url}/graphql", json=body, headers=self.headers())
        answer: dict[str, Any] = response.json()
        return answer

    async def do(self, operation: str, **variables: Any) -> Any:
        """The value of the operation's one root field; OperationFailed for errors and problems."""
        answer = await self.run(operation, **variables)
        if "errors" in answer:
            raise OperationFailed(answer["errors"])
        value = next(iter(answer["data"].values()))
        if isinstance(value, dict) and {"code", "message"} <= value.keys():
            raise OperationFailed(value["message"])
        return value

    async def sign_in(self, email: str, password: str) -> Any:
        """Signs in and keeps the token."""
        session = await self.do("SignIn", input={"email": email, "password": password})
        self.token = session["token"]
        return session

    @asynccontextmanager
    async def follow(
        self, operation: str, *, after: int | None = None, **variables: Any
    ) -> AsyncIterator[Subscription]:
        """One of the subscriptions, on a socket of its own; `after` resumes behind that eventId."""
        socket = connect(
            self.url.replace("http", "ws", 1) + "/graphql",
            subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
            compression=None,
            proxy=None,
        )
        async with socket as opened:
            who = {"authorization": f"Bearer {self.token}"} if self.token else {}
            await _begin(opened, {"acceptLanguage": self.language, **who})
            payload: dict[str, Any] = {"query": document(operation), "operationName": operation, "variables": variables}
            if after is not None:
                payload["extensions"] = {"lastEventId": after}
            await opened.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": payload}).decode())
            yield Subscription(opened)

    async def upload(
        self, video_id: str, file: Path, told: Callable[[int], None] = lambda _bytes: None, **more: Any
    ) -> Any:
        """Sends a file in parts, several at once, as a video's next version; `told` hears of bytes. Answers the job."""
        size = (await asyncio.to_thread(file.stat)).st_size
        more.setdefault("sha256", await asyncio.to_thread(_sha256, file))
        begun = await self.do("StartUpload", input={"videoId": video_id, "fileName": file.name, "size": size, **more})
        upload, gate = begun["upload"], asyncio.Semaphore(SENDERS)

        async def send(part: dict[str, Any]) -> dict[str, Any]:
            async with gate:
                offset = (part["number"] - 1) * upload["partSize"]
                checksum = await self.put(part["url"], await asyncio.to_thread(_read, file, offset, part["size"]))
            told(part["size"])
            return {"number": part["number"], "checksum": checksum}

        parts = await asyncio.gather(*map(send, begun["missing"]))
        return await self.do("CompleteUpload", input={"id": upload["id"], "parts": parts})

    async def put(self, url: str, body: bytes) -> str:
        """Sends one part, again where the line breaks; answers its ETag."""
        for attempt in range(3):
            try:
                response = await self.http.put(url, content=body)
                return str(response.raise_for_status().headers["etag"]).strip('"')
            except httpx.TransportError:
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def headers(self) -> dict[str, str]:
        """What each request carries."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@cache
def _trust() -> ssl.SSLContext:
    """Read once: it takes 20 ms, and each client would do it again."""
    return ssl.create_default_context()


@cache
def document(operation: str) -> str:
    """The text of one operation of `web/operations` with the fragments that it uses."""
    return with_fragments(_committed()[0][operation], {})


def with_fragments(operation: OperationDefinitionNode, own: Mapping[str, FragmentDefinitionNode]) -> str:
    """The text of an operation with the fragments that it uses, out of its own file or `web/operations`."""
    needed: dict[str, FragmentDefinitionNode] = {}
    _gather(operation, {**_committed()[1], **own}, needed)
    return "\n\n".join(map(print_ast, (operation, *needed.values())))


def operation_names() -> list[str]:
    """The names of all committed operations."""
    return sorted(_committed()[0])


@cache
def _committed() -> tuple[dict[str, OperationDefinitionNode], dict[str, FragmentDefinitionNode]]:
    documents: list[DocumentNode] = [parse(file.read_text(encoding="utf-8")) for file in OPERATIONS.glob("*.graphql")]
    parts = [part for found in documents for part in found.definitions]
    operations = {p.name.value: p for p in parts if isinstance(p, OperationDefinitionNode) and p.name}
    return operations, {p.name.value: p for p in parts if isinstance(p, FragmentDefinitionNode)}


def _gather(node: Any, fragments: dict[str, Any], needed: dict[str, Any]) -> None:
    class Spreads(Visitor):
        def enter_fragment_spread(self, spread: FragmentSpreadNode, *_: object) -> None:
            name = spread.name.value
            if name not in needed:
                needed[name] = fragments[name]
                _gather(fragments[name], fragments, needed)

    visit(node, Spreads())


async def _begin(socket: ClientConnection, params: dict[str, str]) -> None:
    await socket.send(orjson.dumps({"type": "connection_init", "payload": params}).decode())
    acknowledged = orjson.loads(await socket.recv())
    if acknowledged["type"] != "connection_ack":
        raise OperationFailed(acknowledged)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _read(file: Path, offset: int, size: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek(offset)
        return opened.read(size)
