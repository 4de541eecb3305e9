"""`python -m bench.webhooks`: everything, one after the other. `QUICK=1` with a tenth of the deliveries.

Arguments name scenarios, where not all are wanted.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.graphql.report import machine, write
from bench.live.usage import cpu_seconds
from bench.webhooks import world
from local.postgres import EmbeddedPostgres
from local.processes import Command, start, stop
from local.programs import ROOT
from local.redis import EmbeddedRedis
from models.database import database, raw_connection
from models.migrate import migrate
from tests.studio import Studio

RESULT = ROOT / "bench/results/webhooks.json"
RATE = 50
"""Events a second, where it is measured how soon they are there."""
MOST_SECONDS = 300
Seen = list[tuple[str, str, float]]


@dataclass(frozen=True, slots=True)
class Shape:
    """Who is told: teams, endpoints of each, and which of them, every tenth for instance, hangs."""

    teams: int
    endpoints: int
    hanging: int = 0


THROUGHPUT = {"one endpoint": Shape(1, 1), "100 endpoints": Shape(20, 5), "one in ten hangs": Shape(20, 5, 10)}
LATENCY = {"in time": Shape(20, 1), "in time, one in ten hangs": Shape(20, 1, 10)}


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, and the receiver."""

    pids: Mapping[str, int]
    database_url: str
    url: str

    def used(self) -> dict[str, float]:
        """Seconds of CPU so far."""
        return {name: cpu_seconds(pid) for name, pid in self.pids.items()}

    async def seen(self) -> Seen:
        """What has come since the last look, but what hangs."""
        async with httpx.AsyncClient(timeout=30) as client:
            found: Seen = (await client.get(f"{self.url}/seen")).json()
        return [(path, event, at) for path, event, at in found if path.startswith("/hook/")]

    async def until(self, count: int) -> Seen:
        """So much."""
        seen, began = list[Any](), time.monotonic()
        while len(seen) < count and time.monotonic() < began + MOST_SECONDS:
            await asyncio.sleep(0.25)
            seen += await self.seen()
        return seen


async def begun(bench: Bench) -> None:
    """Waits until all processes work: a delivery has come. How long they take to start is no figure of these."""
    there = await world.made(bench.url, teams=1, endpoints=1)
    await there.goes_on(RATE, 1 / RATE)
    await bench.until(1)
    await world.forget()


async def throughput(bench: Bench, shape: Shape, deliveries: int) -> dict[str, Any]:
    """Deliveries a second from the first to the last, events recorded at once; what each costs."""
    there = await world.made(bench.url, teams=shape.teams, endpoints=shape.endpoints, hanging=shape.hanging)
    hanging = deliveries // shape.hanging if shape.hanging else 0
    wanted = deliveries - hanging
    used, transactions = bench.used(), await _transactions()
    await there.happens(deliveries // shape.endpoints)
    seen = await bench.until(wanted)
    times = [at for _, _, at in seen]
    cost = {f"cpu_ms_{name}": 1000 * (after - used[name]) / len(seen) for name, after in bench.used().items()}
    return {
        "deliveries": len(seen),
        "lost": max(0, wanted - len({(path, event) for path, event, _ in seen})),
        "per_second": (len(seen) - 1) / (max(times) - min(times)),
        **cost,
        "transactions": (await _transactions() - transactions) / len(seen),
    }


async def latency(bench: Bench, shape: Shape, seconds: float) -> dict[str, Any]:
    """Milliseconds from the end of the commit to the first byte at the receiver."""
    there = await world.made(bench.url, teams=shape.teams, endpoints=shape.endpoints, hanging=shape.hanging)
    committed = await there.goes_on(RATE, seconds)
    told = [
        event for number, event in enumerate(committed) if not shape.hanging or number % shape.teams % shape.hanging
    ]
    came = {event: at for _, event, at in await bench.until(len(told))}
    times = sorted(1000 * (came[event] - committed[event]) for event in told if event in came)
    return {
        "deliveries": len(times),
        "lost": len(told) - len(times),
        "p50_ms": median(times),
        "p99_ms": times[int(0.99 * len(times))],
        "most_ms": times[-1],
    }


async def _transactions() -> int:
    async with raw_connection() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        return int(await connection.fetchval("SELECT sum(xact_commit) FROM pg_stat_database"))


async def run(bench: Bench, names: Sequence[str], *, quick: bool) -> dict[str, dict[str, Any]]:
    """All figures; each is printed as it comes."""
    found: dict[str, dict[str, Any]] = {}
    async with database(bench.database_url):
        await begun(bench)
        for name, shape in (THROUGHPUT | LATENCY).items():
            if names and name not in names:
                continue
            if name in LATENCY:
                found[name] = await latency(bench, shape, 4 if quick else 30)
            else:
                found[name] = await throughput(bench, shape, 1_000 if quick else 10_000)
            load = f"load {os.getloadavg()[0]:.1f}"
            print(
                f"{name}: {', '.join(f'{what} {_shown(value)}' for what, value in found[name].items())} ({load})",
                flush=True,
            )
            await world.forget()
            await asyncio.sleep(11)  # what hangs has its end
            await bench.seen()
    return found


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


@contextmanager
def process(module: str, *arguments: str, folder: Path, **environment: str) -> Iterator[int]:
    """Runs a module as long as this is open; its process."""
    argv = (sys.executable, "-m", module, *arguments)
    started = start(Command(argv=argv, folder=ROOT, log=folder / f"{module}.log", environment=environment))
    try:
        yield started.pid
    finally:
        stop(started, signal.SIGTERM, 20)


@contextmanager
def benched(folder: Path) -> Iterator[Bench]:
    """All that is measured, as long as this is open."""
    told = folder / "port"
    with ExitStack() as opened:
        # Durable, as in production.
        postgres = opened.enter_context(EmbeddedPostgres(folder / "postgres", lasting=True))
        redis = opened.enter_context(EmbeddedRedis(folder / "redis", lasting=False))
        postgres.create_database("bench")
        asyncio.run(migrate(url := postgres.url("bench")))
        environment = Studio(folder, url, redis.url(), WEBHOOK_LOOPBACK="on").environment
        opened.enter_context(process("bench.webhooks.receiver", str(told), folder=folder, **environment))
        assert postgres.process is not None
        pids = {"postgresql": postgres.process.pid}
        for name in ("relay", "io"):
            pids[name] = opened.enter_context(process(f"workers.{name}", folder=folder, **environment))
        while not (told.exists() and told.read_text()):
            time.sleep(0.02)
        yield Bench(pids, url, f"http://127.0.0.1:{told.read_text()}")


def main() -> None:
    quick = os.environ.get("QUICK") == "1"
    with tempfile.TemporaryDirectory() as name, benched(Path(name)) as bench:
        found = asyncio.run(run(bench, sys.argv[1:], quick=quick))
    if not quick:
        write(RESULT, {"machine": machine(), "webhooks": found})


if __name__ == "__main__":
    main()
