"""The contenders: what runs, in which environment, and how it is spoken to."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.graphql.asking import Dialect
from bench.graphql.database import Database
from local.processes import Command, last_line, start, stop
from local.programs import API_OPTIONS, ROOT

PEERS = Path(__file__).parent / "peers"
_READY_SECONDS = 60
_OURS = ("PATH", "LANG", "HOME")


class NotReady(Exception):
    """A contender could not be started."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A server, as plain data; `{port}` in the arguments is put in."""

    name: str
    dialect: Dialect
    arguments: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def takes_documents(self) -> bool:
        """Whether it is asked in GraphQL."""
        return self.dialect is not Dialect.ROUTES


@dataclass(frozen=True, slots=True)
class Running:
    """A contender that answers."""

    contender: Contender
    pid: int
    port: int

    @property
    def name(self) -> str:
        """The contender's."""
        return self.contender.name


def contenders(database: Database, redis_url: str, folder: Path) -> list[Contender]:
    """All that can run on this machine; what cannot is said."""
    uvicorn = (sys.executable, "-m", "uvicorn")
    at = (*API_OPTIONS, "--host", "127.0.0.1", "--port", "{port}")
    product = (*uvicorn, "app:create_app", *at)
    routes = (*uvicorn, "bench.graphql.handwritten.app:create_app", *at)
    ours = _product(database, redis_url, folder)
    by_hand = {"DATABASE_URL": database.url}
    return [
        Contender("plan", Dialect.GRAPHQL, product, ours),
        Contender("plain", Dialect.GRAPHQL, product, {**ours, "PLAN": "off"}),
        Contender("handwritten", Dialect.ROUTES, routes, by_hand),
        Contender("handwritten-bare", Dialect.ROUTES, routes, {**by_hand, "BARE": "1"}),
        *_peers(database),
    ]


def with_two_processes(contender: Contender) -> Contender:
    """The same with two processes on one socket."""
    return Contender(
        f"{contender.name} × 2", contender.dialect, (*contender.arguments, "--workers", "2"), contender.environment
    )


@contextmanager
def running(found: Sequence[Contender], logs: Path) -> Iterator[list[Running]]:
    """The contenders, while the block runs. Raises NotReady."""
    with ExitStack() as stack:
        started = [stack.enter_context(_started(contender, logs)) for contender in found]
        for process, server in started:
            _wait_until_ready(server, process, logs)
        yield [server for _, server in started]


@contextmanager
def _started(contender: Contender, logs: Path) -> Iterator[tuple[subprocess.Popen[bytes], Running]]:
    port = _free_port()
    arguments = tuple(argument.replace("{port}", str(port)) for argument in contender.arguments)
    inherited = {name: os.environ[name] for name in _OURS if name in os.environ}
    environment = {**inherited, **contender.environment, "PORT": str(port)}
    command = Command(argv=arguments, folder=ROOT, log=_log(contender, logs), environment=environment)
    process = start(command)
    try:
        yield process, Running(contender, process.pid, port)
    finally:
        stop(process, signal.SIGTERM, 10)


def _product(database: Database, redis_url: str, folder: Path) -> dict[str, str]:
    return {
        "ENVIRONMENT": "production",
        "DATABASE_URL": database.url,
        "REDIS_URL": redis_url,
        "STORAGE_URL": f"file:{folder / 'storage'}",
        "SMTP_URL": f"mailbox:{folder / 'mailbox'}",
        "SECRET_KEY": "a key for measuring alone, which signs nothing",
        "NODES_PER_MINUTE": "0",
        "COMMENTS_PER_MINUTE": "0",
        "TURNS": "off",
    }


def _peers(database: Database) -> list[Contender]:
    node = shutil.which("node")
    if node is None or not (PEERS / "node_modules").is_dir():
        print("Mercurius and PostGraphile are left out: there is no Node here, or they are not installed.")
        return []
    production = {**database.variables, "NODE_ENV": "production", "GRAPHILE_ENV": "production"}
    # PostGraphile's permissions are policies of the database, which the owner of the tables passes by.
    return [
        Contender("mercurius", Dialect.GRAPHQL, _program(node, "mercurius"), {**production, "PGUSER": "postgres"}),
        Contender(
            "postgraphile", Dialect.POSTGRAPHILE, _program(node, "postgraphile"), {**production, "PGUSER": "visitor"}
        ),
    ]


def _program(node: str, name: str) -> tuple[str, ...]:
    return node, str(PEERS / f"{name}.mjs")


def _log(contender: Contender, logs: Path) -> Path:
    return logs / f"{contender.name}.log"


def _wait_until_ready(server: Running, process: subprocess.Popen[bytes], logs: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not _answers(server.port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotReady(f"{server.name} does not start: {last_line(_log(server.contender, logs))}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
