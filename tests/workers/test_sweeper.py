"""The sweeper: what is found without anybody reporting it."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from arq.constants import in_progress_key_prefix, job_key_prefix

from domain import comments
from domain.clock import utc_now
from domain.events import JobFailed
from domain.jobs import JobFault, JobKind, JobState, Queue
from domain.uploads import UploadState
from domain.videos import RESTORABLE
from models import (
    ApiKey,
    CommentEdit,
    EventRecord,
    IdempotencyKey,
    Invitation,
    Job,
    Session,
    SignUp,
    User,
    Video,
    Webhook,
)
from tests import clips
from tests.factories import Factory
from tests.workers.conftest import enqueue
from tests.workers.posting import crew, endpoint
from workers import sweeper
from workers.consumers import Tools, discard_failed_uploads, wake_workers
from workers.sweeper import INVITATION_KEPT, SESSION_KEPT, Sweeper
from workers.wakes import queue_name, wake_id

LEASE = timedelta(seconds=30)


@pytest.fixture
def sweep(means) -> Sweeper:
    return Sweeper(means.redis, utc_now, attempts=2, patience=timedelta(seconds=1), jobs_kept=timedelta(days=30))


async def running(lease_until) -> Job:
    job = await enqueue()
    await Job.claim(job.id, 1, utc_now(), LEASE)
    await Job.filter(id=job.id).update(lease_until=lease_until)
    return job


async def test_a_job_whose_lease_has_run_out_is_tried_again_and_then_has_failed(sweep) -> None:
    job = await running(utc_now() - timedelta(seconds=1))
    alive = await running(utc_now() + LEASE)
    await sweep()
    await job.refresh_from_db()
    assert (job.state, job.attempt, job.failures, job.lease_token) == (JobState.QUEUED, 2, 1, None)
    await Job.claim(job.id, 2, utc_now(), -LEASE)
    await sweep()
    await job.refresh_from_db()
    assert (job.state, job.failure_code) == (JobState.FAILED, JobFault.WORKER_LOST)
    await alive.refresh_from_db()
    assert alive.state is JobState.RUNNING


async def test_a_flushed_wake_is_repeated_in_its_place(sweep, redis) -> None:
    first, second = await enqueue(), await enqueue()
    for minutes, job in ((2, first), (1, second)):
        await Job.filter(id=job.id).update(available_at=utc_now() - timedelta(minutes=minutes))
    await sweep()
    await sweep()
    queued = await redis.zrange(queue_name(Queue.IO), 0, -1)
    assert [name.decode() for name in queued] == [wake_id(first.id, 1), wake_id(second.id, 1)]


async def test_a_wake_that_died_with_its_worker_is_repeated(sweep, redis) -> None:
    job = await enqueue()
    await Job.filter(id=job.id).update(available_at=utc_now() - timedelta(minutes=1))
    name = wake_id(job.id, 1)
    await redis.set(job_key_prefix + name, b"{}")
    await redis.set(in_progress_key_prefix + name, b"1")
    await sweep()
    assert not await redis.exists(in_progress_key_prefix + name)
    assert await redis.zscore(queue_name(Queue.IO), name)


async def test_a_new_attempt_forgets_the_wake_of_the_last(models, redis) -> None:
    job = await enqueue()
    tools = Tools(redis, utc_now)
    await wake_workers(await EventRecord.all(), tools)
    await redis.set(in_progress_key_prefix + wake_id(job.id, 1), b"1")
    await Job.filter(id=job.id).update(attempt=2)
    await wake_workers(await EventRecord.all(), tools)
    assert await redis.zrange(queue_name(Queue.IO), 0, -1) == [wake_id(job.id, 2).encode()]
    assert not await redis.exists(in_progress_key_prefix + wake_id(job.id, 1), job_key_prefix + wake_id(job.id, 1))


async def test_a_job_that_has_ended_is_not_woken(models, redis) -> None:
    job = await enqueue()
    await Job.filter(id=job.id).update(state=JobState.CANCELLED)
    await wake_workers(await EventRecord.all(), Tools(redis, utc_now))
    assert await redis.keys("*") == []


async def test_an_upload_that_was_never_completed_is_thrown_away_once(sweep, uploads, folder) -> None:
    video = await uploads.video()
    source = clips.make_clip(folder / "clip.mp4")
    old = await uploads.upload(video, source, expires_at=utc_now() - timedelta(seconds=1))
    new = await uploads.upload(video, source)
    await sweep()
    await sweep()
    await old.refresh_from_db()
    await new.refresh_from_db()
    assert (old.state, new.state) == (UploadState.DISCARDED, UploadState.OPEN)
    job = await Job.get(kind=JobKind.DISCARD_UPLOAD)
    assert job.payload == {"upload_id": str(old.id)}


async def test_a_video_beyond_recall_is_purged_once(sweep, uploads) -> None:
    old = await uploads.video()
    await Video.filter(id=old.id).update(deleted_at=utc_now() - RESTORABLE - timedelta(seconds=1))
    fresh = await Video.create(
        title="Fresh", team_id=old.team_id, created_by_id=old.created_by_id, deleted_at=utc_now()
    )
    await sweep.keep_house()
    await sweep.keep_house()
    job = await Job.get(kind=JobKind.PURGE_VIDEO)
    assert job.video_id == old.id != fresh.id
    # One that failed is tried again, a day later.
    await Job.filter(id=job.id).update(ended_at=utc_now(), created_at=utc_now() - timedelta(days=2))
    await sweep.keep_house()
    assert await Job.filter(kind=JobKind.PURGE_VIDEO).count() == 2


async def test_old_sign_ups_and_sessions_are_forgotten(sweep, models) -> None:
    user = await User.create(name="Ada", email="ada@example.com", password_hash="none")
    now = utc_now()
    common = {"email": "a@b.example", "name": "A", "team_name": "T", "locale": "en"}
    await SignUp.create(expires_at=now - timedelta(seconds=1), **common)
    wanted = await SignUp.create(expires_at=now + timedelta(hours=1), **common)
    long_ago = now - SESSION_KEPT - timedelta(seconds=1)
    await Session.create(user_id=user.id, token_hash="1", expires_at=long_ago)
    await Session.create(user_id=user.id, token_hash="2", expires_at=now + LEASE, ended_at=long_ago)
    open_session = await Session.create(user_id=user.id, token_hash="3", expires_at=now + LEASE)
    about = {"user_id": user.id, "name": "Export", "prefix": "vc_", "scopes": ["read"]}
    await ApiKey.create(token_hash="1", expires_at=long_ago, **about)
    await ApiKey.create(token_hash="2", revoked_at=long_ago, **about)
    keys = [await ApiKey.create(token_hash=f"3{end}", **{end: now}, **about) for end in ("expires_at", "revoked_at")]
    keys.append(await ApiKey.create(token_hash="4", **about))
    await sweep.keep_house()
    assert [row.id for row in await SignUp.all()] == [wanted.id]
    assert [row.id for row in await Session.all()] == [open_session.id]
    assert {row.id for row in await ApiKey.all()} == {key.id for key in keys}


async def test_invitations_that_led_to_nothing_are_forgotten(sweep, models) -> None:
    make, now = Factory("http://test"), utc_now()
    crew = await make.crew()
    just, long_ago = now - INVITATION_KEPT + timedelta(minutes=1), now - INVITATION_KEPT - timedelta(minutes=1)
    ended = ({}, {"declined_at": long_ago}, {"revoked_at": long_ago})
    stay = [(await make.invitation(crew, expires_at=just, **end))[0] for end in ended]
    stay.append((await make.invitation(crew, expires_at=long_ago, accepted_at=long_ago))[0])
    for end in ended:
        await make.invitation(crew, expires_at=long_ago, **end)
    await sweep.keep_house()
    left = await Invitation.filter(team_id=crew.team.id).values_list("id", flat=True)
    assert set(left) == {each.id for each in stay}


async def test_jobs_of_no_team_are_deleted_a_month_after_their_end(sweep, uploads, folder, monkeypatch) -> None:
    monkeypatch.setattr(sweeper, "MOST_FORGOTTEN", 2)  # more than one statement takes
    mails = [await enqueue(JobKind.MAIL) for _ in range(5)]
    purge, waiting, of_a_team = await enqueue(JobKind.PURGE_TEAM), await enqueue(), await ingested(uploads, folder)
    now = utc_now()
    for job in (*mails, purge, of_a_team):
        await Job.filter(id=job.id).update(state=JobState.SUCCEEDED, ended_at=now)

    async def left(after: timedelta) -> set[UUID]:
        await replace(sweep, clock=lambda: now + after).keep_house()
        return {job.id for job in await Job.all()}

    everything = {job.id for job in (*mails, purge, waiting, of_a_team)}
    assert await left(timedelta(days=30)) == everything
    assert await left(timedelta(days=30, seconds=1)) == {waiting.id, of_a_team.id}


async def test_idempotency_keys_are_deleted_after_a_day(sweep, models, monkeypatch) -> None:
    monkeypatch.setattr(sweeper, "MOST_FORGOTTEN", 2)  # more than one statement takes
    now = utc_now()
    for number in range(5):
        about = {"user_id": uuid4(), "key": str(number), "request": b"", "answer_type": "Video"}
        await IdempotencyKey.create(created_at=now + timedelta(seconds=number // 4), **about)
    day = timedelta(days=1)
    for seconds, left in ((0, 5), (1, 1), (2, 0)):
        await replace(sweep, clock=lambda after=day + timedelta(seconds=seconds): now + after).keep_house()
        assert await IdempotencyKey.all().count() == left


async def test_secrets_of_webhooks_go_once_nothing_is_signed_with_them(sweep, monkeypatch) -> None:
    monkeypatch.setattr(sweeper, "MOST_FORGOTTEN", 1)
    team, now = await crew(), utc_now()
    rotated, plain, again = [await endpoint(team) for _ in range(3)]
    for webhook, hours in ((rotated, (0, 2, 5)), (again, (0, 1))):
        for after in hours:
            webhook.rotate(f"after {after}", now + timedelta(hours=after), expire_others=False)
        await webhook.save()

    async def left(after: timedelta) -> list[list[str]]:
        await replace(sweep, clock=lambda: now + after).keep_house()
        found = [await Webhook.get(id=each.id) for each in (rotated, plain, again)]
        assert [bool(each.older_secrets) for each in found] == [each.older_until is not None for each in found]
        return [[older["sealed"] for older in each.older_secrets] for each in found]

    first, other = rotated.older_secrets[-1]["sealed"], again.older_secrets[-1]["sealed"]
    for after, of_one, of_other in (
        (timedelta(hours=23), ["after 2", "after 0", first], ["after 0", other]),
        (timedelta(hours=24), ["after 2", "after 0"], ["after 0"]),
        (timedelta(hours=26), ["after 2"], []),
        (timedelta(hours=29), [], []),
    ):
        assert await left(after) == [of_one, [], of_other]
    assert (await Webhook.get(id=rotated.id)).sealed_secret == "after 5"


async def ingested(uploads, folder) -> Job:
    return await uploads.ingest(await uploads.upload(await uploads.video(), clips.make_clip(folder / "clip.mp4")))


async def test_redis_being_away_does_not_keep_lost_jobs_from_being_taken_back(means, redis) -> None:
    from workers.wakes import open_queues

    nowhere = open_queues("unix:///nonexistent/socket")
    lost = await running(utc_now() - timedelta(seconds=1))
    waiting = await enqueue()
    await Job.filter(id=waiting.id).update(available_at=utc_now() - timedelta(minutes=1))
    with pytest.raises(ExceptionGroup):
        await Sweeper(nowhere, utc_now, 3, timedelta(seconds=1), timedelta(days=30))()
    await nowhere.aclose()
    await lost.refresh_from_db()
    assert lost.state is JobState.QUEUED


async def test_a_failed_ingest_has_its_upload_discarded(models, uploads, folder, redis) -> None:
    video = await uploads.video()
    upload = await uploads.upload(video, clips.make_clip(folder / "clip.mp4"))
    job = await uploads.ingest(upload)
    mail = await enqueue()
    failed = [
        EventRecord(type=JobFailed.type, payload={"job_id": str(job_id)}) for job_id in (job.id, mail.id, uuid4())
    ]
    await discard_failed_uploads(failed, Tools(redis, utc_now))
    discard = await Job.get(kind=JobKind.DISCARD_UPLOAD)
    assert discard.payload == {"upload_id": str(upload.id)}


async def test_what_deleted_comments_said_is_kept_for_an_hour(sweep) -> None:
    make = Factory("http://unused")
    version = await make.version(await make.video(await make.crew()))
    edited, deleted, long_deleted = [await make.comment(version, body=f"Secret {number}") for number in range(3)]
    await make.edit(edited)
    for comment in (deleted, long_deleted):
        await make.edit(comment)
        await make.deleted(comment)
    withdrawn = utc_now() - comments.RESTORABLE
    await CommentEdit.filter(comment_id=long_deleted.id).update(withdrawn_at=withdrawn - timedelta(seconds=1))
    await CommentEdit.filter(comment_id=deleted.id).update(withdrawn_at=withdrawn + timedelta(minutes=1))
    await sweep.keep_house()
    left = CommentEdit.filter(team_id=version.team_id)
    assert sorted(await left.values_list("comment_id", flat=True)) == sorted([edited.id, deleted.id, deleted.id])
    await make.close()
