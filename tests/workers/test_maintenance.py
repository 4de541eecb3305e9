"""Maintenance: what has begun is brought to its end, and nothing new begins until it is over."""

from datetime import timedelta

from domain.clock import utc_now
from domain.jobs import JobState
from models import ConsumerCursor, Job, Maintenance
from tests.waiting import until
from tests.workers.conftest import enqueue
from tests.workers.test_attempts import succeed
from workers.sweeper import Sweeper

LEASE = timedelta(seconds=30)


async def test_a_job_that_runs_is_brought_to_its_end(attempts, handle) -> None:
    async def do(work) -> None:
        await Maintenance.create()
        await succeed(work)

    handle(do)
    job = await enqueue()
    await attempts.wake({}, str(job.id), 1)
    await job.refresh_from_db()
    assert job.state is JobState.SUCCEEDED


async def test_nothing_is_swept(means) -> None:
    sweep = Sweeper(means.redis, utc_now, attempts=2, patience=timedelta(seconds=1), jobs_kept=timedelta(days=30))
    job = await enqueue()
    await Job.claim(job.id, 1, utc_now(), -LEASE)
    await Maintenance.create()
    await sweep()
    await sweep.keep_house()
    await job.refresh_from_db()
    assert job.state is JobState.RUNNING, "its worker may be about to write, too"
    await Maintenance.end()
    await sweep()
    await job.refresh_from_db()
    assert job.state is JobState.QUEUED


async def test_what_waited_begins_when_it_is_over(studio) -> None:
    """With real workers: the wake has gone unanswered, and is repeated."""
    await Maintenance.create()
    studio.start("relay", "io")
    job = await enqueue()
    await until(lambda: "worker.ready" in studio.log("io"), 30)

    async def is_handed_on() -> bool:
        return await ConsumerCursor.filter(position__gte=1).exists()

    await until(is_handed_on, 30)  # the relay goes on
    await job.refresh_from_db()
    assert (job.state, job.started_at) == (JobState.QUEUED, None)
    await Maintenance.end()

    async def has_begun() -> bool:
        await job.refresh_from_db()
        return job.started_at is not None

    await until(has_begun, 30)
