"""How fast events travel: commit → relay → Redis → this process, what one costs, and how many the relay carries.

`python -m bench.relay` starts a PostgreSQL and a Redis of its own, and a relay as a process.
"""

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.live.meter import Meter
from bench.live.servers import Spine, spine
from domain.clock import utc_now
from domain.events import VideoCreated
from domain.ids import new_id
from live.message import POSITION_CHANNEL, channel, decode
from models import ConsumerCursor
from models.database import database, raw_connection, transaction
from models.events import record
from workers.wakes import open_queues

RATE, SECONDS = 50, 6
BACKLOG = 50_000
_FILL = """
INSERT INTO events (id, created_at, recorded_at, type, version, team_id, subjects, payload)
SELECT gen_random_uuid(), now(), clock_timestamp(), 'video.created', 1, $1::uuid, ARRAY['team:' || $1::uuid],
       '{"video_id": "01890000-0000-7000-8000-000000000000", "title": "A cut"}'::jsonb
FROM generate_series(1, $2)
"""


async def latency(redis_url: str) -> list[float]:
    """Milliseconds from the end of the commit to the arrival of its message, for each event of somebody's."""
    team = new_id()
    committed: dict[str, float] = {}
    arrived: dict[str | None, float] = {}

    def hear(message: dict[str, Any]) -> None:
        arrived[decode(message["data"]).event_id] = time.perf_counter()

    redis = open_queues(redis_url)
    async with redis.pubsub() as messages:
        await messages.subscribe(**{channel(f"team:{team}"): hear})
        listening = asyncio.create_task(messages.run(poll_timeout=0.05))
        for _ in range(RATE * SECONDS):
            started = time.perf_counter()
            async with transaction():
                event = VideoCreated(team_id=team, actor_id=new_id(), video_id=new_id(), title="A cut")
                event_id = await record(event, utc_now())
            committed[str(event_id)] = time.perf_counter()
            await asyncio.sleep(max(0, started + 1 / RATE - time.perf_counter()))
        await asyncio.sleep(0.5)
        listening.cancel()
        await asyncio.wait({listening})
    await redis.aclose()
    return sorted(1000 * (arrived[name] - at) for name, at in committed.items())


async def throughput(redis_url: str) -> tuple[float, float]:
    """Events a second through positions and every consumer, from a backlog."""
    before = await ConsumerCursor.get(consumer="live")
    async with raw_connection() as connection:
        await connection.execute(_FILL, new_id(), BACKLOG, timeout=60)
    redis = open_queues(redis_url)
    async with redis.pubsub() as messages:
        await messages.subscribe(POSITION_CHANNEL)
        started = time.perf_counter()
        async with transaction():
            await record(VideoCreated(team_id=new_id(), actor_id=None, video_id=new_id(), title="Go"), utc_now())
        while True:
            message = await messages.get_message(ignore_subscribe_messages=True, timeout=60)
            if message and int(message["data"]) >= before.position + BACKLOG + 1:
                break
        live = time.perf_counter() - started
        while await ConsumerCursor.exists(position__lt=before.position + BACKLOG + 1):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await redis.aclose()
    return BACKLOG / live, BACKLOG / (time.perf_counter() - started)


async def measure(spine: Spine) -> None:
    """Prints all figures."""
    async with database(spine.database_url):
        while not await ConsumerCursor.exists(consumer="live"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        meter = Meter(os.getpid(), spine.relay_pid, spine.database_pid, SECONDS)
        times = await latency(spine.redis_url)
        _, relay, base = (1000 * seconds / len(times) for seconds in meter.read())
        print(f"CPU of an event that comes alone: relay {relay:.2f} ms, database {base:.2f} ms, its recording included")
        p99 = times[int(len(times) * 0.99)]
        print(f"commit → third process, {RATE}/s: median {statistics.median(times):.1f} ms, p99 {p99:.1f} ms")
        live, everyone = await throughput(spine.redis_url)
        print(f"backlog of {BACKLOG}: live {live:,.0f} events/s, all consumers {everyone:,.0f} events/s")


def main() -> None:
    memory = Path("/dev/shm")
    folder = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
    with folder as name, spine(Path(name), lasting=False) as found:
        asyncio.run(measure(found))


if __name__ == "__main__":
    main()
