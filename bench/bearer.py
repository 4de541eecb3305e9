"""What it costs to know who asks: the same question by nobody, by a session and by an API key, in turns.

`python -m bench.bearer` starts a PostgreSQL and an API of its own. CPU is the API process's, per request.
"""

import asyncio
import json
import statistics
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from bench.graphql.load import Load, run
from bench.graphql.usage import cpu_seconds
from domain.permissions import Scope
from local.postgres import EmbeddedPostgres
from local.redis import EmbeddedRedis
from models.database import database
from models.migrate import migrate
from tests.factories import Factory
from tests.studio import Studio, running

ROUNDS, SECONDS, CONNECTIONS = 5, 2.0, 4
NAME = "bearer"
QUESTIONS = {"a row": "query Who { viewer { id } }", "nothing": "query Nothing { __typename }"}


async def tokens(url: str) -> dict[str, str | None]:
    """A token of each kind, of one person."""
    async with database(url, connections=2):
        factory = Factory("http://unused")
        person = await factory.person()
        key = await factory.key(person, Scope.READ)
        await factory.close()
    return {"nobody": None, "session": person.client.token, "API key": key.token}


def request(port: int, query: str, token: str | None) -> bytes:
    body = json.dumps({"query": query}).encode()
    shown = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{shown}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def milliseconds(studio: Studio, asked: bytes, seconds: float) -> tuple[float, Load]:
    """CPU per request, and the load's own figures."""
    pid, port = studio.processes["api"].pid, urlsplit(studio.url).port or 0
    before = cpu_seconds(pid)
    load = run(port, [asked], connections=CONNECTIONS, seconds=seconds)
    return 1000 * (cpu_seconds(pid) - before) / len(load.latencies), load


def measure(studio: Studio, shown: dict[str, str | None]) -> None:
    port = urlsplit(studio.url).port or 0
    for question, query in QUESTIONS.items():
        asked = {kind: request(port, query, token) for kind, token in shown.items()}
        found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in asked}
        for text in asked.values():
            milliseconds(studio, text, 1)
        for _ in range(ROUNDS):
            for kind, text in asked.items():
                cpu, load = milliseconds(studio, text, SECONDS)
                found[kind].append((cpu, load.percentile(0.5)))
        for kind, figures in found.items():
            cpu, p50 = (statistics.median(column) for column in zip(*figures, strict=True))
            print(f"{question:<10} {kind:<10} CPU {cpu:6.3f} ms   p50 {p50:6.2f} ms")


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bearer") as temporary,
        EmbeddedPostgres((folder := Path(temporary)) / "postgres", lasting=False) as postgres,
        EmbeddedRedis(folder / "redis", lasting=False) as redis,
    ):
        postgres.create_database(NAME)
        url = postgres.url(NAME)
        asyncio.run(migrate(url))
        with running(Studio(folder, url, redis.url(), NODES_PER_MINUTE="0"), "api") as studio:
            measure(studio, asyncio.run(tokens(url)))


if __name__ == "__main__":
    main()
