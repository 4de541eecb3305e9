"""From uploads to versions, in the store and in the database."""

import asyncio
import hashlib
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from domain.clock import utc_now
from domain.comments import ReactionKind
from domain.jobs import JobKind, JobState
from domain.videos import RESTORABLE, VideoStatus
from gateways.storage import UploadGone
from models import Comment, CommentEdit, EventRecord, FrameTable, Job, Reaction, Upload, Version, Video
from models.comments import Span
from tests import clips
from tests.workers.conftest import enqueue
from workers import io, media
from workers.jobs import HANDLERS


async def run(attempts, job) -> Job:
    await attempts.wake({}, str(job.id), job.attempt)
    return await Job.get(id=job.id)


async def test_an_upload_becomes_a_version(attempts, uploads, means, folder) -> None:
    video = await uploads.video()
    source = clips.make_clip(folder / "clip.mp4")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    upload = await uploads.upload(video, source, sha256=digest, change_description="First")
    size = source.stat().st_size
    job = await run(attempts, await uploads.ingest(upload))
    assert (job.state, job.failure_code, job.percent) == (JobState.SUCCEEDED, None, 100)
    version = await Version.get()
    assert (version.id, version.number, version.sha256, version.size) == (upload.version_id, 1, digest, size)
    assert (version.width, version.height, version.frame_rate_numerator) == (clips.WIDTH, clips.HEIGHT, clips.RATE)
    assert (version.change_description, version.video_codec, version.audio_codec) == ("First", "h264", "aac")
    await video.refresh_from_db()
    assert (video.status, video.version_count) == (VideoStatus.READY, 1)
    keys = await means.storage.keys(f"teams/{video.team_id}/")
    assert keys == sorted([version.file_key, version.poster_key, version.proxy_key])
    created = await EventRecord.get(type="version.created")
    assert created.payload["job_id"] == str(job.id)
    assert f"job:{job.id}" in created.subjects


async def test_frames_at_uneven_times_are_kept_apart_and_shared(attempts, uploads, means, folder) -> None:
    video = await uploads.video()
    await run(attempts, await uploads.ingest(await uploads.upload(video, clips.variable(folder))))
    version = await Version.get()
    await version.restored(number=2, by=video.created_by_id, change_description="").save(force_create=True)
    table = await FrameTable.get()
    assert (table.team_id, table.video_id) == (video.team_id, video.id)
    for each in await Version.all():
        assert (each.frame_count, each.frame_table_id) == (40, table.id)
        moments = await each.moments()
        assert [moments.frame_at(ms) for ms in (0, 33, 34, 1000, 1099, 1900, 2000)] == [0, 0, 1, 30, 30, 39, 39]
        assert moments.ms_of_frame(31, path=()) == 1100


async def test_frames_at_an_even_rate_are_not_kept(attempts, uploads, folder) -> None:
    await run(attempts, await uploads.ingest(await uploads.upload(await uploads.video(), clips.mp4(folder))))
    assert (await Version.get()).frame_table_id is None
    assert not await FrameTable.exists()


async def test_uploads_at_once_leave_no_gap_in_the_numbers(attempts, uploads, folder) -> None:
    video = await uploads.video()
    jobs = []
    for index in range(2):
        source = clips.make_clip(folder / f"{index}.mp4")
        jobs.append(await uploads.ingest(await uploads.upload(video, source)))
    await asyncio.gather(*(run(attempts, job) for job in jobs))
    assert sorted(await Version.all().values_list("number", flat=True)) == [1, 2]


async def test_another_attempt_removes_what_the_last_one_left(attempts, uploads, means, folder) -> None:
    video = await uploads.video()
    upload = await uploads.upload(video, clips.make_clip(folder / "clip.mp4"))
    job = await uploads.ingest(upload)
    prefix = upload.storage_key.removesuffix("original")
    (folder / "half").write_text("half a proxy")
    await means.storage.store(folder / "half", f"{prefix}1/proxy.mp4", content_type="video/mp4")
    await Job.filter(id=job.id).update(attempt=2)
    job = await run(attempts, await Job.get(id=job.id))
    assert job.state is JobState.SUCCEEDED
    keys = await means.storage.keys(prefix)
    assert keys == [f"{prefix}2/poster.jpg", f"{prefix}2/proxy.mp4", f"{prefix}original"]


@pytest.mark.parametrize(("content", "sha256", "code"), [
    (b"", None, "EMPTY"),
    (b"not a video at all", None, "NOT_MEDIA"),
    (b"not a video at all", "0" * 64, "CHECKSUM_MISMATCH"),
])  # fmt: skip
async def test_a_bad_file_ends_in_its_reason(attempts, uploads, means, folder, content, sha256, code) -> None:
    source = folder / "bad.mp4"
    source.write_bytes(content)
    upload = await uploads.upload(await uploads.video(), source, sha256=sha256)
    job = await run(attempts, await uploads.ingest(upload))
    assert (job.state, job.failure_code) == (JobState.FAILED, code)
    assert not await Version.exists()
    assert not any((folder / "scratch").iterdir())
    discarded = await run(attempts, await enqueue(JobKind.DISCARD_UPLOAD, upload_id=str(upload.id)))
    assert discarded.state is JobState.SUCCEEDED
    assert await means.storage.keys(upload.storage_key.removesuffix("original")) == []


async def test_a_file_that_is_not_there_is_lost(attempts, uploads, means, folder) -> None:
    upload = await uploads.upload(await uploads.video(), clips.make_clip(folder / "clip.mp4"))
    await means.storage.abandon_upload(upload.storage_key, upload.storage_upload_id)
    await means.storage.delete_prefix(upload.storage_key.removesuffix("original"))
    job = await run(attempts, await uploads.ingest(upload))
    assert (job.state, job.failure_code) == (JobState.FAILED, "UPLOAD_LOST")


async def test_a_version_is_never_discarded(attempts, uploads, means, folder) -> None:
    upload = await uploads.upload(await uploads.video(), clips.make_clip(folder / "clip.mp4"))
    await run(attempts, await uploads.ingest(upload))
    await run(attempts, await enqueue(JobKind.DISCARD_UPLOAD, upload_id=str(upload.id)))
    assert len(await means.storage.keys(upload.storage_key.removesuffix("original"))) == 3


@pytest.mark.parametrize("beyond_recall", [True, False])
async def test_a_video_is_purged_only_beyond_recall(attempts, uploads, means, folder, beyond_recall) -> None:
    video = await uploads.video()
    upload = await uploads.upload(video, clips.variable(folder))
    await run(attempts, await uploads.ingest(upload))
    first = await Version.get()
    await first.restored(number=2, by=video.created_by_id, change_description="").save(force_create=True)
    said = {"body": "Nice", "by": video.created_by_id, "now": utc_now()}
    thread = Comment.opened(first, Span(0), **said)
    for comment in (thread, thread.answered(**said)):
        await comment.save(force_create=True)
        await CommentEdit.of(comment, utc_now()).save(force_create=True)
        await Reaction.by(video.created_by_id, comment, ReactionKind.EYES, utc_now()).save(force_create=True)
    since = RESTORABLE + timedelta(seconds=1 if beyond_recall else -60)
    await Video.filter(id=video.id).update(deleted_at=utc_now() - since)
    job = await run(attempts, await enqueue(JobKind.PURGE_VIDEO, video_id=str(video.id)))
    assert job.state is JobState.SUCCEEDED
    left = [await model.all().count() for model in (Video, Version, FrameTable, Comment, CommentEdit, Reaction, Upload)]
    assert left == ([0] * 7 if beyond_recall else [1, 2, 1, 2, 2, 2, 1])
    assert bool(await means.storage.keys(f"teams/{video.team_id}/")) is not beyond_recall


async def test_what_was_being_uploaded_for_a_video_goes_with_it(attempts, uploads, means, folder) -> None:
    video = await uploads.video()
    upload = await uploads.upload(video, clips.make_clip(folder / "clip.mp4"))
    lying = upload.storage_key, upload.storage_upload_id
    assert await means.storage.parts(*lying) == []
    await Video.filter(id=video.id).update(deleted_at=utc_now() - RESTORABLE - timedelta(seconds=1))
    await run(attempts, await enqueue(JobKind.PURGE_VIDEO, video_id=str(video.id)))
    with pytest.raises(UploadGone):
        await means.storage.parts(*lying)


async def test_the_workers_together_handle_every_kind() -> None:
    assert io
    assert media
    assert HANDLERS.keys() == set(JobKind)


async def test_the_sandbox_is_logged_at_the_start() -> None:
    with capture_logs() as logs:
        await media.say_what_holds()
    (entry,) = logs
    assert entry["event"] == "media.sandbox"
    assert {"landlock_abi", "seccomp", "network_namespace"} <= entry.keys()
