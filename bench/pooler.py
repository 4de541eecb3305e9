"""What PgBouncer in transaction mode costs: the same reads with it and without, in turns.

`python -m bench.pooler` starts a PostgreSQL and a PgBouncer of its own. Figures are medians, for one client that asks
again as soon as it is answered.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from local.postgres import EmbeddedPostgres
from local.redis import EmbeddedRedis
from models.database import database
from models.lines import Lines
from models.migrate import migrate
from models.reading import Snapshot
from tests.factories import Factory, gid
from tests.pooler import PgBouncer
from tests.studio import Studio, running

ROUNDS, TIMES = 9, 200
NAME = "pooled"
STATEMENT = "SELECT id, title FROM videos WHERE id = $1"

Ask = Callable[[], Awaitable[object]]


def over(lines: Lines, row_id: object) -> dict[str, Ask]:
    """Reads as the API makes them, without the API."""

    async def four() -> None:
        async with Snapshot(lines) as fetch:
            for _ in range(4):
                await fetch(STATEMENT, (row_id,))

    return {"one statement": lambda: lines.fetch(STATEMENT, (row_id,)), "a snapshot of four statements": four}


async def milliseconds(ask: Ask) -> float:
    began = time.perf_counter()
    for _ in range(TIMES):
        await ask()
    return 1000 * (time.perf_counter() - began) / TIMES


async def compare(kind: str, without: Ask, with_it: Ask) -> None:
    await milliseconds(without)
    await milliseconds(with_it)
    taken = [(await milliseconds(without), await milliseconds(with_it)) for _ in range(ROUNDS)]
    direct, pooled = (statistics.median(column) for column in zip(*taken, strict=True))
    print(f"{kind:<32} {direct:7.3f} ms {pooled:7.3f} ms   x {pooled / direct:.2f}")


async def measure(direct: str, pooled: str, studios: list[Studio]) -> None:
    async with database(direct, connections=2):
        factories = [Factory(studio.url) for studio in studios]
        crew = await factories[0].crew()
        video = await factories[0].video(crew)
        await factories[0].version(video)
        clients = [factory.client(crew.owner.client.token) for factory in factories]
    print(f"{'':<32} {'direct':>10} {'pooled':>10}")
    async with Lines(direct, connections=1) as ours, Lines(pooled, connections=1, pooler=True) as theirs:
        reads = zip(over(ours, video.id).items(), over(theirs, video.id).values(), strict=True)
        for (kind, without), with_it in reads:
            await compare(kind, without, with_it)
    first, second = clients
    await compare(
        "the operation Video, over HTTP",
        *(lambda client=client: client.do("Video", id=gid(video)) for client in (first, second)),
    )
    for factory in factories:
        await factory.close()


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="pooler") as temporary,
        EmbeddedPostgres((folder := Path(temporary)) / "postgres", lasting=False) as postgres,
        EmbeddedRedis(folder / "redis", lasting=False) as redis,
    ):
        postgres.create_database(NAME)
        direct = postgres.url(NAME)
        asyncio.run(migrate(direct))
        with PgBouncer(folder / "pooler", direct.partition("?host=")[2]) as pooler:
            pooled = pooler.url(NAME)
            by_pooler = {"DATABASE_POOLER": "transaction", "DATABASE_DIRECT_URL": direct}
            for name in ("first", "second"):
                (folder / name).mkdir()
            first = Studio(folder / "first", direct, redis.url(), NODES_PER_MINUTE="0")
            second = Studio(folder / "second", pooled, redis.url(), NODES_PER_MINUTE="0", **by_pooler)
            with running(first, "api"), running(second, "api"):
                asyncio.run(measure(direct, pooled, [first, second]))


if __name__ == "__main__":
    main()
