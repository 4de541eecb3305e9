"""Pictures of people: made in a sandboxed child, adopted once."""

import base64

import pytest

from domain.clock import utc_now
from domain.jobs import JobFault, JobKind, JobState
from models import Job, User
from models.database import transaction
from tests.pictures import png
from workers import io, media  # noqa: F401 - declare what they handle
from workers.jobs import HANDLERS


async def sent(user: User, picture: bytes = png(30, 20)) -> Job:
    async with transaction():
        content = base64.b64encode(picture).decode()
        return await Job.enqueue(JobKind.AVATAR, utc_now(), payload={"content": content}, created_by_id=user.id)


async def run(attempts, job: Job) -> Job:
    await attempts.wake({}, str(job.id), job.attempt)
    return await Job.get(id=job.id)


@pytest.fixture
async def ada(models) -> User:
    return await User.create(name="Ada", email="ada@example.com", password_hash="x")


async def test_of_two_files_the_newer_counts_however_late_the_older_is(ada, attempts, means) -> None:
    older, newer = await sent(ada), await sent(ada)
    for job in (newer, older):
        assert (await run(attempts, job)).state is JobState.SUCCEEDED
    await ada.refresh_from_db()
    assert str(newer.id) in str(ada.avatar_key)
    for job in await Job.filter(kind=JobKind.DISCARD_FILES):
        await run(attempts, job)
    assert await means.storage.keys(f"users/{ada.id}/") == [ada.avatar_key]


async def test_another_attempt_begins_anew(ada, attempts, means, monkeypatch) -> None:
    job, make = await sent(ada), HANDLERS[JobKind.AVATAR]

    async def stumble(work) -> None:
        await make(work)
        raise RuntimeError

    async def fail_before_the_end(work) -> None:
        monkeypatch.setattr(work, "finishing", None)
        await make(work)

    monkeypatch.setitem(HANDLERS, JobKind.AVATAR, fail_before_the_end)
    waiting = await run(attempts, job)
    assert (waiting.state, waiting.attempt) == (JobState.QUEUED, 2)
    assert "content" in waiting.payload
    assert await means.storage.keys(f"users/{ada.id}/") == []
    monkeypatch.setitem(HANDLERS, JobKind.AVATAR, stumble)
    await Job.filter(id=job.id).update(available_at=utc_now())
    await run(attempts, waiting)
    await ada.refresh_from_db()
    assert str(ada.avatar_key).endswith(f"/{job.id}/2/avatar.webp")


async def test_a_job_that_fails_for_good_keeps_no_picture(ada, attempts) -> None:
    job = await sent(ada)
    async with transaction():
        await job.fail(JobFault.INTERNAL, {}, utc_now())
    assert (await Job.get(id=job.id)).payload == {}
