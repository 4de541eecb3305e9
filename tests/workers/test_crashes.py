"""The processes themselves: killed, told to go, cut off from Redis."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobState
from models import EventRecord, Job, Version
from models.database import transaction
from settings import Settings
from tests import clips
from tests.waiting import until
from tests.workers.conftest import QUICK, ended, enqueue

WAKING_SECONDS = 2
"""From the sweep that finds a lost job to its next attempt, by way of the relay and Redis, on a busy machine."""


def children(of: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{of}/task/{of}/children").read_text().split()]


async def in_the_middle(job_id) -> bool:
    """Whether the media child is encoding."""
    job = await Job.get(id=job_id)
    return job.state is JobState.RUNNING and job.step == "PROXY"


async def runs_again(job_id) -> bool:
    job = await Job.get(id=job_id)
    return job.state is JobState.RUNNING and job.attempt == 2


@pytest.fixture
async def long_ingest(uploads, folder) -> Job:
    source = clips.make_clip(folder / "long.mp4", seconds=60)
    return await uploads.ingest(await uploads.upload(await uploads.video(), source))


async def test_no_job_is_lost_when_redis_is_flushed(studio, redis) -> None:
    studio.start("relay")
    jobs = [await enqueue(sign_up_id="01890000-0000-7000-8000-000000000000") for _ in range(20)]
    await until(lambda: redis.exists("jobs:io"))
    await redis.flushall()
    studio.start("io")
    for job in jobs:
        assert (await ended(job.id)).state is JobState.SUCCEEDED
    assert await EventRecord.filter(type="job.succeeded").count() == len(jobs)


def longest_silence(lease_seconds: float, sweep_seconds: float) -> float:
    """Seconds until a killed worker's job runs again: its lease ends, a sweep finds it, a worker that waits wakes."""
    return lease_seconds + sweep_seconds + WAKING_SECONDS


def test_with_the_figures_that_we_ship_a_lost_job_is_taken_up_within_30_seconds() -> None:
    lease, sweep = (Settings.model_fields[name].default for name in ("job_lease_seconds", "job_sweep_seconds"))
    assert longest_silence(lease, sweep) < 30


async def test_a_job_whose_worker_is_killed_is_taken_up_again_and_ends_once(studio, long_ingest, means) -> None:
    studio.start("relay", "media")
    await until(lambda: in_the_middle(long_ingest.id), 20)
    (child,) = children(studio.processes["media"].pid)
    os.kill(child, signal.SIGSTOP)  # it stays in the middle until the other worker is there
    studio.start("media2")
    await until(lambda: "worker.ready" in studio.log("media2"))
    studio.kill("media")
    killed = time.monotonic()
    await until(lambda: not Path(f"/proc/{child}").exists(), 2)
    await until(lambda: runs_again(long_ingest.id), 30)
    # The same rule as above with the tests' own, shorter figures: the lease of 2 s, the sweep of 0.2 s.
    allowed = longest_silence(float(QUICK["JOB_LEASE_SECONDS"]), float(QUICK["JOB_SWEEP_SECONDS"]))
    assert time.monotonic() - killed < allowed
    job = await ended(long_ingest.id, 60)
    assert (job.state, job.attempt, job.failures) == (JobState.SUCCEEDED, 2, 1)
    version = await Version.get()
    keys = await means.storage.keys(f"teams/{version.team_id}/")
    assert keys == sorted([version.file_key, version.poster_key, version.proxy_key])
    assert await EventRecord.filter(type="version.created").count() == 1
    studio.start("media3")  # as whoever looks after the processes does; it clears away what the killed one left
    await until(lambda: not list((studio.folder / "work").glob("media-*/*")))


async def test_cancelling_kills_the_child_within_a_second(studio, long_ingest, means) -> None:
    studio.start("relay", "media", "io")
    await until(lambda: in_the_middle(long_ingest.id), 20)
    (child,) = children(studio.processes["media"].pid)
    async with transaction():
        job = await Job.filter(id=long_ingest.id).select_for_update().get()
        await job.cancel(utc_now(), by=new_id())
    await until(lambda: not Path(f"/proc/{child}").exists(), 1)
    await until(lambda: _no_objects(means), 10)
    await job.refresh_from_db()
    assert job.state is JobState.CANCELLED
    assert not await Version.exists()
    assert studio.processes["media"].poll() is None


async def _no_objects(means) -> bool:
    return await means.storage.keys("teams/") == []


async def test_a_worker_told_to_go_hands_its_job_over_at_once(studio, long_ingest) -> None:
    studio.start("relay", "media")
    await until(lambda: in_the_middle(long_ingest.id), 20)
    await asyncio.wait_for(asyncio.to_thread(studio.stop, "media"), 3)
    job = await Job.get(id=long_ingest.id)
    assert (job.state, job.attempt, job.failures) == (JobState.QUEUED, 2, 0)
    studio.start("media2")
    await until(lambda: in_the_middle(job.id), 20)


async def test_workers_and_relay_survive_redis_going_away(studio, redis, redis_server) -> None:
    studio.start("relay", "io")
    await until(lambda: "worker.ready" in studio.log("io") and "relay.active" in studio.log("relay"))
    first = await enqueue(sign_up_id="01890000-0000-7000-8000-000000000000")
    await ended(first.id)
    redis_server.process.kill()
    redis_server.process.wait()
    second = await enqueue(sign_up_id="01890000-0000-7000-8000-000000000000")
    await until(lambda: "queue.redis_away" in studio.log("io") and "relay.consumer_waits" in studio.log("relay"))
    redis_server.start()
    assert (await ended(second.id)).state is JobState.SUCCEEDED
    assert studio.processes["relay"].poll() is None
    assert studio.processes["io"].poll() is None


async def test_what_a_process_cannot_start_without_is_a_sentence(studio) -> None:
    studio.environment["DATABASE_URL"] = "postgres://postgres@/nowhere?host=/nonexistent"
    studio.start("io")
    await until(lambda: studio.processes["io"].poll() is not None)
    assert studio.processes["io"].returncode == 1
    assert "This process cannot start" in studio.log("io")
    assert "Traceback" not in studio.log("io")
    studio.processes.pop("io")


async def test_each_process_gives_signs_of_life(studio) -> None:
    studio.start("relay", "media", "io")
    for name in ("relay", "media", "io"):
        await until(lambda name=name: (studio.folder / "work" / f"{name}.alive").exists())
