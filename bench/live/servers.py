"""The contenders, and PostgreSQL, Redis and the relay around them. The one that is measured has a core to itself."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.graphql.asking import Dialect
from bench.graphql.contenders import Contender, Running, running
from local.postgres import EmbeddedPostgres
from local.processes import Command, start, stop
from local.programs import API_OPTIONS, ROOT
from local.redis import EmbeddedRedis
from models.migrate import migrate

PEERS = Path(__file__).parent / "peers"
PRODUCT = "product"
NAME = "bench"


class Spine(NamedTuple):
    """Where events go."""

    database_url: str
    redis_url: str
    database_pid: int
    relay_pid: int


@dataclass(frozen=True, slots=True)
class Around:
    """What runs beside the contender."""

    folder: Path
    database_url: str
    redis_url: str
    database_pid: int
    relay_pid: int
    alone: set[int]
    """The cores of the server that is measured."""
    others: set[int]
    """Those of everything else: the same where the machine has but one."""


@contextmanager
def around(folder: Path) -> Iterator[Around]:
    """PostgreSQL, durable as in production, Redis and the relay, while the block runs; the database is migrated.

    From now on this process, and what it starts, keeps off the core of the measured server.
    """
    first, *more = sorted(os.sched_getaffinity(0))
    alone, others = {first}, set(more) or {first}
    os.sched_setaffinity(0, others)
    with spine(folder, lasting=True) as found:
        yield Around(folder, *found, alone, others)


@contextmanager
def spine(folder: Path, *, lasting: bool) -> Iterator[Spine]:
    """PostgreSQL, Redis and the relay, while the block runs; the database is migrated and, if `lasting`, syncs."""
    postgres, redis = (
        EmbeddedPostgres(folder / "postgres", lasting=lasting),
        EmbeddedRedis(folder / "redis", lasting=False),
    )
    with postgres, redis:
        postgres.create_database(NAME)
        url = postgres.url(NAME)
        asyncio.run(migrate(url))
        settings = _settings(folder, url, redis.url())
        relay = start(_python(("-m", "workers.relay"), settings, folder / "relay.log"))
        try:
            assert postgres.process is not None
            yield Spine(url, redis.url(), postgres.process.pid, relay.pid)
        finally:
            stop(relay, signal.SIGTERM, 10)


def contenders(beside: Around) -> list[Contender]:
    """All that can run on this machine, the product first; what cannot is said."""
    uvicorn = (sys.executable, "-m", "uvicorn")
    at = ("--host", "127.0.0.1", "--port", "{port}")
    product = (*uvicorn, "app:create_app", *API_OPTIONS, *at)
    plain = ("--loop", "uvloop", "--no-access-log", "--ws-per-message-deflate", "false", "--ws-ping-interval", "0")
    broadcast = (*uvicorn, "bench.live.broadcast:app", *plain, *at)
    settings = _settings(beside.folder, beside.database_url, beside.redis_url)
    return [
        Contender(PRODUCT, Dialect.GRAPHQL, product, settings),
        *_peers(beside),
        Contender("broadcast", Dialect.GRAPHQL, broadcast, settings),
    ]


@contextmanager
def serving(contender: Contender, beside: Around, *, alone: bool = True) -> Iterator[Running]:
    """The contender, in a fresh process, on the core that nothing else uses or among the others, for the block."""
    with ExitStack() as stack:
        with _on(beside.alone if alone else beside.others):  # what is started inherits it, with all of its threads
            (server,) = stack.enter_context(running([contender], beside.folder))
        yield server


@contextmanager
def _on(cores: set[int]) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _peers(beside: Around) -> Sequence[Contender]:
    node = shutil.which("node")
    if node is None or not (PEERS / "node_modules").is_dir():
        print("graphql-ws is left out: there is no Node here, or it is not installed.")
        return []
    environment = {
        "NODE_ENV": "production",
        "PGHOST": beside.database_url.partition("host=")[2],
        "PGDATABASE": NAME,
        "PGUSER": "postgres",
        "REDIS_SOCKET": beside.redis_url.removeprefix("unix://").partition("?")[0],
    }
    return [Contender("graphql-ws", Dialect.GRAPHQL, (node, str(PEERS / "graphql_ws.mjs")), environment)]


def _settings(folder: Path, database_url: str, redis_url: str) -> dict[str, str]:
    """Of the product, in production; thousands of clients at one address have neither budgets nor turns."""
    return {
        "ENVIRONMENT": "production",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "STORAGE_URL": f"file:{folder / 'storage'}",
        "SMTP_URL": f"mailbox:{folder / 'mailbox'}",
        "SECRET_KEY": "a key for measuring alone, which signs nothing",
        "NODES_PER_MINUTE": "0",
        "TURNS": "off",
    }


def _python(arguments: Sequence[str], settings: dict[str, str], log: Path) -> Command:
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ} | settings
    return Command(argv=(sys.executable, *arguments), folder=ROOT, log=log, environment=environment)
