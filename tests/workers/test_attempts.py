"""Attempts at jobs: leases, cancelling, failing, going back to the queue."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobFault, JobState
from gateways.storage import StorageUnavailable
from live.message import Message, channel, decode
from live.publish import publish
from models import EventRecord, Job
from models.database import transaction
from tests.waiting import until
from tests.workers.conftest import RULES, enqueue
from workers.jobs import JobFailure
from workers.patience import retry_after


async def succeed(work) -> None:
    async with work.finishing() as job:
        await job.succeed(utc_now())


@asynccontextmanager
async def attempting(attempts, job):
    task = asyncio.create_task(attempts.wake({}, str(job.id), job.attempt))
    yield task
    await asyncio.wait_for(task, 10)


async def test_a_job_is_claimed_done_and_its_folder_is_gone(attempts, handle) -> None:
    folders = []

    async def do(work) -> None:
        assert work.folder.stat().st_mode & 0o777 == 0o700
        (work.folder / "file").write_text("scratch")
        folders.append(work.folder)
        await succeed(work)

    handle(do)
    job = await enqueue()
    async with attempting(attempts, job):
        pass
    await job.refresh_from_db()
    assert (job.state, job.percent) == (JobState.SUCCEEDED, 100)
    assert not folders[0].exists()
    types = await EventRecord.all().order_by("recorded_at").values_list("type", flat=True)
    assert types == ["job.queued", "job.started", "job.succeeded"]


async def test_two_wakes_are_one_attempt(attempts, handle) -> None:
    runs = []

    async def do(work) -> None:
        runs.append(work)
        await succeed(work)

    handle(do)
    job = await enqueue()
    await asyncio.gather(*(attempts.wake({}, str(job.id), 1) for _ in range(2)))
    assert len(runs) == 1


async def test_the_request_id_is_there_while_the_job_runs(attempts, handle) -> None:
    async def do(work) -> None:
        seen.append(get_contextvars()["request_id"])
        await succeed(work)

    seen: list[str] = []
    handle(do)
    with bound_contextvars(request_id="request-1"):
        job = await enqueue()
    async with attempting(attempts, job):
        pass
    assert seen == ["request-1"]
    ids = await EventRecord.all().values_list("request_id", flat=True)
    assert ids == ["request-1"] * 3


async def test_a_failure_is_final_and_what_was_stored_is_deleted(attempts, handle, means, folder) -> None:
    async def do(work) -> None:
        file = work.folder / "file"
        file.write_text("half a result")
        work.leavings.append("teams/a/")
        await means.storage.store(file, "teams/a/half", content_type="text/plain")
        raise JobFailure("TOO_LONG", {"seconds": 9})

    handle(do)
    job = await enqueue()
    async with attempting(attempts, job):
        pass
    await job.refresh_from_db()
    assert (job.state, job.failure_code, job.failure_params) == (JobState.FAILED, "TOO_LONG", {"seconds": 9})
    assert await means.storage.keys("teams/a/") == []


async def test_a_fault_is_tried_again_later_and_at_last_internal(attempts, handle) -> None:
    async def do(work) -> None:
        raise ZeroDivisionError

    handle(do)
    job = await enqueue()
    for failures in (1, 2):
        began = utc_now()
        async with attempting(attempts, job):
            pass
        await job.refresh_from_db()
        assert (job.state, job.attempt, job.failures) == (JobState.QUEUED, failures + 1, failures)
        assert began <= job.available_at - retry_after(failures) <= utc_now()
        await Job.filter(id=job.id).update(available_at=utc_now())
    async with attempting(attempts, job):
        pass
    await job.refresh_from_db()
    assert (job.state, job.failure_code) == (JobState.FAILED, JobFault.INTERNAL)


async def test_a_service_that_is_away_is_waited_for_and_costs_no_attempt(attempts, handle) -> None:
    async def do(work) -> None:
        raise StorageUnavailable("it rains")

    handle(do)
    job = await enqueue()
    for attempt in range(2, 2 + 2 * RULES.attempts):
        async with attempting(attempts, job):
            pass
        await job.refresh_from_db()
        assert (job.state, job.attempt, job.failures) == (JobState.QUEUED, attempt, 0)
        assert job.available_at > utc_now()
        await Job.filter(id=job.id).update(available_at=utc_now())


async def test_a_function_that_forgets_to_finish_is_at_fault(attempts, handle) -> None:
    async def do(work) -> None: ...

    handle(do)
    job = await enqueue()
    async with attempting(attempts, job):
        pass
    await job.refresh_from_db()
    assert (job.state, job.failures) == (JobState.QUEUED, 1)


async def test_cancelling_ends_the_function_within_a_second(attempts, handle, redis) -> None:
    running = asyncio.Event()
    ended = asyncio.Event()

    async def do(work) -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    handle(do)
    job = await enqueue()
    topic = f"job:{job.id}"

    async def somebody_listens() -> bool:
        return bool((await redis.pubsub_numsub(channel(topic)))[0][1])

    async with attempting(attempts, job):
        await asyncio.wait_for(running.wait(), 5)
        await until(somebody_listens)
        async with transaction():
            locked = await Job.filter(id=job.id).select_for_update().get()
            await locked.cancel(utc_now(), by=new_id())
        await publish(redis, [topic], Message({}, 1, "an event"))
        await asyncio.wait_for(ended.wait(), 1)
    await job.refresh_from_db()
    assert job.state is JobState.CANCELLED


async def test_who_lost_the_lease_changes_nothing(attempts, handle, means) -> None:
    go_on = asyncio.Event()
    running = asyncio.Event()

    async def do(work) -> None:
        file = work.folder / "file"
        file.write_text("late")
        work.leavings.append("teams/a/1/")
        await means.storage.store(file, "teams/a/1/late", content_type="text/plain")
        running.set()
        await go_on.wait()
        await succeed(work)

    handle(do)
    job = await enqueue()
    async with attempting(attempts, job):
        await asyncio.wait_for(running.wait(), 5)
        thief = uuid4()
        await Job.filter(id=job.id).update(lease_token=thief, attempt=2)
        go_on.set()
    await job.refresh_from_db()
    assert (job.state, job.lease_token, job.attempt) == (JobState.RUNNING, thief, 2)
    assert await means.storage.keys("teams/a/1/") == []


async def test_a_commit_whose_answer_was_lost_keeps_its_files(attempts, handle, means) -> None:
    async def do(work) -> None:
        file = work.folder / "file"
        file.write_text("adopted")
        work.leavings.append("teams/a/1/")
        await means.storage.store(file, "teams/a/1/adopted", content_type="text/plain")
        await succeed(work)
        work.finished = False
        raise ConnectionResetError

    handle(do)
    job = await enqueue()
    async with attempting(attempts, job):
        pass
    await job.refresh_from_db()
    assert job.state is JobState.SUCCEEDED
    assert await means.storage.keys("teams/a/1/") == ["teams/a/1/adopted"]


async def test_a_worker_that_has_to_go_gives_its_job_back(attempts, handle) -> None:
    running = asyncio.Event()

    async def do(work) -> None:
        running.set()
        await asyncio.Event().wait()

    handle(do)
    job = await enqueue()
    async with attempting(attempts, job):
        await asyncio.wait_for(running.wait(), 5)
        attempts.stop()
    await job.refresh_from_db()
    assert (job.state, job.attempt, job.failures) == (JobState.QUEUED, 2, 0)
    assert job.lease_token is None
    await attempts.wake({}, str(job.id), 2)  # takes no more
    await job.refresh_from_db()
    assert job.state is JobState.QUEUED


async def test_stopping_never_tears_a_commit(attempts, handle) -> None:
    in_commit = asyncio.Event()
    go_on = asyncio.Event()

    async def do(work) -> None:
        async with work.finishing() as job:
            in_commit.set()
            await go_on.wait()
            await job.succeed(utc_now())

    handle(do)
    job = await enqueue()
    async with attempting(attempts, job) as task:
        await asyncio.wait_for(in_commit.wait(), 5)
        attempts.stop()
        await asyncio.wait({task}, timeout=0.1)
        go_on.set()
    await job.refresh_from_db()
    assert job.state is JobState.SUCCEEDED


async def test_progress_is_published_and_never_goes_back(attempts, handle, redis) -> None:
    go_on = asyncio.Event()

    async def do(work) -> None:
        work.report("PROXY", 40)
        work.report("PROXY", 30)
        await go_on.wait()
        await succeed(work)

    handle(do)
    job = await enqueue()
    async with redis.pubsub() as messages:
        await messages.subscribe(channel(f"job:{job.id}"))
        await messages.get_message(timeout=5)
        async with attempting(attempts, job):
            heard = await messages.get_message(timeout=5)
            go_on.set()
    message = decode(heard["data"])
    assert message.position is None
    assert message.body == {
        "type": "job.progress",
        "job_id": str(job.id),
        "state": "running",
        "step": "PROXY",
        "percent": 40,
    }


@pytest.mark.parametrize("early", [timedelta(seconds=0.5), timedelta(seconds=60)])
async def test_a_job_waits_for_its_time_but_not_for_a_clock(attempts, handle, early) -> None:
    handle(succeed)
    job = await enqueue()
    await Job.filter(id=job.id).update(available_at=utc_now() + early)
    async with attempting(attempts, job):
        pass
    await job.refresh_from_db()
    assert job.state is (JobState.SUCCEEDED if early < timedelta(seconds=1) else JobState.QUEUED)
