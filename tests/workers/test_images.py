"""Images of comments behind the wire: made, and what is left when their video, their team or their time ends."""

from datetime import timedelta
from pathlib import Path

import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobKind, JobState
from domain.tally import Tally, counted
from domain.uploads import UploadState
from domain.videos import RESTORABLE
from gateways.storage import UploadGone
from models import Comment, EventRecord, Job, Mention, Team, Upload, Video
from models.comments import Span
from models.database import transaction
from tests.factories import Factory
from tests.pictures import png
from tests.workers.conftest import Uploads, enqueue
from workers import io, media
from workers.attempts import Attempts
from workers.jobs import Means
from workers.sweeper import Sweeper

WORKERS = (io, media)
"""They declare the functions that are wanted here."""


async def run(attempts: Attempts, job: Job) -> Job:
    await attempts.wake({}, str(job.id), job.attempt)
    return await Job.get(id=job.id)


async def run_all(attempts: Attempts, *kinds: JobKind) -> None:
    """Does what waits of these kinds."""
    for job in await Job.filter(kind__in=kinds, state=JobState.QUEUED).order_by("id"):
        assert (await run(attempts, job)).state is JobState.SUCCEEDED


async def a_comment(uploads: Uploads) -> Comment:
    version = await Factory("").version(await uploads.video())
    comment = Comment.opened(version, Span(0), body="Look", by=version.created_by_id, now=utc_now())
    await comment.save(force_create=True)
    return comment


async def sent(means: Means, comment: Comment, folder: Path, **values: object) -> Upload:
    """An upload of a picture for the comment, whose bytes are in the store."""
    source, image_id = folder / "sent.png", new_id()
    source.write_bytes(png(8, 8))
    key = f"teams/{comment.team_id}/videos/{comment.video_id}/images/{image_id}/source/original"
    await means.storage.store(source, key, content_type="image/png")
    size = source.stat().st_size
    values = {"expires_at": utc_now() + timedelta(hours=1)} | values
    return await Upload.create(
        team_id=comment.team_id, video_id=comment.video_id, comment_id=comment.id, created_by_id=comment.created_by_id,
        version_id=image_id, file_name="sent.png", size=size, part_size=size, storage_key=key,
        storage_upload_id=await means.storage.start_upload(key), **values,
    )  # fmt: skip


async def completed(upload: Upload) -> Job:
    async with transaction():
        about = {"team_id": upload.team_id, "video_id": upload.video_id, "created_by_id": upload.created_by_id}
        job = await Job.enqueue(JobKind.IMAGE, utc_now(), payload={"upload_id": str(upload.id)}, **about)
        upload.complete(job, {}, utc_now())
        await upload.save()
    return job


async def with_images(attempts: Attempts, means: Means, comment: Comment, folder: Path) -> tuple[Job, Upload]:
    """A comment that mentions somebody and shows an image; the job of the next one, and an upload that is open."""
    assert (await run(attempts, await completed(await sent(means, comment, folder)))).state is JobState.SUCCEEDED
    await Mention.create(
        team_id=comment.team_id,
        created_by_id=comment.created_by_id,
        comment_id=comment.id,
        user_id=comment.created_by_id,
    )
    return await completed(await sent(means, comment, folder)), await sent(means, comment, folder)


async def left_of(means: Means, comment: Comment) -> list[str]:
    return list(await means.storage.keys(f"teams/{comment.team_id}/"))


async def test_an_image_that_is_made_of_a_deleted_comment_comes_back_with_it_and_is_not_told(
    attempts, uploads, means, folder
) -> None:
    comment = await a_comment(uploads)
    await run(attempts, await completed(await sent(means, comment, folder)))
    await comment.refresh_from_db()
    assert await EventRecord.filter(type="comment.edited").count() == 1
    job = await completed(await sent(means, comment, folder))
    await Comment.filter(id=comment.id).update(deleted_at=utc_now())
    assert (await run(attempts, job)).state is JobState.SUCCEEDED
    assert await EventRecord.filter(type="comment.edited").count() == 1
    await run_all(attempts, JobKind.DISCARD_FILES)
    now, former = await Comment.get(id=comment.id), comment.image_key
    assert await left_of(means, comment) == [now.image_key] != [former]


async def test_another_attempt_leaves_one_image(attempts, uploads, means, folder) -> None:
    comment = await a_comment(uploads)
    upload = await sent(means, comment, folder)
    job, prefix = await completed(upload), upload.storage_key.removesuffix("source/original")
    await means.storage.store(folder / "sent.png", f"{prefix}1/image.webp", content_type="image/webp")
    await Job.filter(id=job.id).update(attempt=2)
    assert (await run(attempts, await Job.get(id=job.id))).state is JobState.SUCCEEDED
    await run_all(attempts, JobKind.DISCARD_FILES)
    await comment.refresh_from_db()
    assert await left_of(means, comment) == [comment.image_key] == [f"{prefix}2/image.webp"]


@pytest.mark.parametrize("of_team", [False, True])
async def test_with_a_video_or_a_team_go_the_images_and_none_is_made_any_more(
    attempts, uploads, means, folder, of_team
) -> None:
    comment = await a_comment(uploads)
    queued, is_open = await with_images(attempts, means, comment, folder)
    unmade = {(each.storage_key, each.storage_upload_id) for each in await Upload.all() if each.job_id == queued.id}
    unmade.add((is_open.storage_key, is_open.storage_upload_id))
    assert set(await Upload.unfinished(video_id=comment.video_id)) == unmade
    assert len(await left_of(means, comment)) == 4  # with what was sent for the first, which has yet to be discarded
    if of_team:
        await Team.filter(id=comment.team_id).update(deletion_at=utc_now() - timedelta(seconds=1))
        purge = await enqueue(JobKind.PURGE_TEAM, team_id=str(comment.team_id))
    else:
        await Video.filter(id=comment.video_id).update(deleted_at=utc_now() - RESTORABLE - timedelta(seconds=1))
        purge = await enqueue(JobKind.PURGE_VIDEO, video_id=str(comment.video_id))
    assert (await run(attempts, purge)).state is JobState.SUCCEEDED
    assert [await model.all().count() for model in (Video, Comment, Mention, Upload)] == [0] * 4
    await attempts.wake({}, str(queued.id), queued.attempt)
    await run_all(attempts, JobKind.DISCARD_FILES, JobKind.DISCARD_UPLOAD)
    assert await left_of(means, comment) == []
    with pytest.raises(UploadGone):
        await means.storage.parts(is_open.storage_key, is_open.storage_upload_id)


async def test_what_is_not_sent_in_time_is_thrown_away_and_the_image_stays(attempts, uploads, means, folder) -> None:
    comment = await a_comment(uploads)
    await run(attempts, await completed(await sent(means, comment, folder)))
    late = await sent(means, comment, folder, expires_at=utc_now() - timedelta(seconds=1))
    sweeper = Sweeper(means.redis, utc_now, attempts=1, patience=timedelta(1), jobs_kept=timedelta(30))
    await sweeper.close_expired_uploads(utc_now())
    await run_all(attempts, JobKind.DISCARD_UPLOAD, JobKind.DISCARD_FILES)
    await late.refresh_from_db()
    await comment.refresh_from_db()
    assert late.state is UploadState.DISCARDED
    assert await left_of(means, comment) == [comment.image_key]
    with pytest.raises(UploadGone):
        await means.storage.parts(late.storage_key, late.storage_upload_id)


async def test_what_has_ended_costs_nothing_when_an_image_is_withdrawn(attempts, uploads, means, folder) -> None:
    comment, tally = await a_comment(uploads), Tally()
    for _ in range(3):
        await sent(means, comment, folder, state=UploadState.DISCARDED)
        await run(attempts, await completed(await sent(means, comment, folder)))
    before = counted.set(tally)
    async with transaction():
        assert await Upload.withdraw_images(comment.id, utc_now(), by=comment.created_by_id) == 0
    counted.reset(before)
    assert tally.statements == 3, "of which two begin and end the transaction"
    queued, is_open = await completed(await sent(means, comment, folder)), await sent(means, comment, folder)
    async with transaction():
        assert await Upload.withdraw_images(comment.id, utc_now(), by=comment.created_by_id) == 2
    await is_open.refresh_from_db()
    assert (is_open.state, (await Job.get(id=queued.id)).state) == (UploadState.DISCARDED, JobState.CANCELLED)
