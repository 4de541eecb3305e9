"""From an uploaded file to a version, and what becomes of uploads that never get there."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from uuid import UUID

from domain.events import VersionCreated
from domain.jobs import JobFault, JobKind
from domain.media import IngestStep, Probe, Refusal, RefusedMedia, percent
from domain.uploads import check_parts, part_sizes
from gateways.storage import ObjectMissing, PartsRefused, Storage, UploadGone
from media import runner
from media.protocol import IngestResult
from models import Comment, FrameTable, Job, Upload, Version, Video
from models.events import record
from workers.jobs import JobFailure, Work, handles


@handles(JobKind.INGEST)
async def ingest(work: Work) -> None:
    """Makes the next version of a video from a completed upload. Payload: `upload_id`."""
    upload = await Upload.get(id=upload_id_of(work.job))
    attempt = f"{folder_of(upload)}{work.job.attempt}/"
    work.leavings.append(attempt)
    try:
        source = await fetch(work, upload)
        digest = await _verify(work, upload, source)
        result = await runner.ingest(source, work.folder, work.means.limits, _reporter(work))
    except RefusedMedia as refused:
        raise JobFailure(refused.code, refused.params) from refused
    await _store(work, attempt, result)
    await _adopt(work, upload, attempt, digest, result)
    await delete_leftovers(work.means.storage, upload, work.job.attempt)


@handles(JobKind.DISCARD_UPLOAD)
async def discard_upload(work: Work) -> None:
    """Deletes what was uploaded, unless it has become a version after all. Payload: `upload_id`."""
    upload = await Upload.get_or_none(id=upload_id_of(work.job))
    if upload is not None and not await _has_become_something(upload):
        await work.means.storage.abandon_upload(upload.storage_key, upload.storage_upload_id)
        await work.means.storage.delete_prefix(folder_of(upload))
    async with work.finishing() as job:
        await job.succeed(work.means.clock())


async def _has_become_something(upload: Upload) -> bool:
    if upload.comment_id is None:
        return await Version.exists(id=upload.version_id)
    return await Comment.exists(id=upload.comment_id, image_key__startswith=folder_of(upload))


async def abandon(storage: Storage, uploads: Iterable[Sequence[str]]) -> None:
    """Throws away what lies in the storage of `uploads` that never became a file: keys, and the storage's own ids."""
    for key, upload_id in uploads:
        await storage.abandon_upload(key, upload_id)


def upload_id_of(job: Job) -> UUID:
    """The upload that the job is to make something of."""
    return UUID(job.payload["upload_id"])


def folder_of(upload: Upload) -> str:
    """The prefix of everything that belongs to the version, or the image, to be."""
    folder = upload.storage_key.rpartition("/")[0]
    return f"{folder if upload.comment_id is None else folder.rpartition('/')[0]}/"


async def delete_leftovers(storage: Storage, upload: Upload, attempt: int) -> None:
    """What earlier attempts stored before they were lost."""
    for earlier in range(1, attempt):
        await storage.delete_prefix(f"{folder_of(upload)}{earlier}/")


async def fetch(work: Work, upload: Upload) -> Path:
    """The whole uploaded file, on this machine."""
    report = _reporter(work)
    report(IngestStep.DOWNLOAD, 0)
    source = work.folder / "source"
    storage = work.means.storage
    try:
        await _finish_upload(storage, upload)
        await storage.fetch(
            upload.storage_key, source, lambda done: report(IngestStep.DOWNLOAD, done / max(upload.size, 1))
        )
    except (UploadGone, PartsRefused, ObjectMissing) as error:
        raise JobFailure(JobFault.UPLOAD_LOST) from error
    return source


async def _finish_upload(storage: Storage, upload: Upload) -> None:
    if await storage.size(upload.storage_key) is not None:
        return  # an earlier attempt came this far
    key, upload_id = upload.storage_key, upload.storage_upload_id
    parts = await storage.parts(key, upload_id)
    # Parts may have been sent anew since the upload was completed; the version is made of what was promised then.
    promised = {int(number): checksum for number, checksum in upload.checksums.items()}
    if check_parts(part_sizes(upload.size, upload.part_size), promised, parts):
        raise PartsRefused
    await storage.finish_upload(key, upload_id, parts)


async def _verify(work: Work, upload: Upload, source: Path) -> str:
    """The file's SHA-256 in hexadecimal, after it was compared with the promised one."""
    _reporter(work)(IngestStep.VERIFY, 0)
    digest = await asyncio.to_thread(_sha256, source)
    if upload.sha256 and upload.sha256 != digest:
        raise RefusedMedia(Refusal.CHECKSUM_MISMATCH, expected=upload.sha256, actual=digest)
    return digest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _store(work: Work, attempt: str, result: IngestResult) -> None:
    storage, report = work.means.storage, _reporter(work)
    report(IngestStep.STORE, 0)
    await storage.store(result.poster, f"{attempt}poster.jpg", content_type="image/jpeg")
    await storage.store(result.proxy, f"{attempt}proxy.mp4", content_type="video/mp4")
    report(IngestStep.STORE, 1)


async def _adopt(work: Work, upload: Upload, attempt: str, digest: str, result: IngestResult) -> None:
    """The version appears, its number is taken and the job ends, all at once."""
    now = work.means.clock()
    async with work.finishing() as job:
        video = await Video.filter(id=upload.video_id).select_for_update().get()
        version = _version(upload, attempt, digest, result.probe)
        version.frame_table_id = await _keep_frames(upload, result.frames)
        version.number = video.next_version(now)
        await video.save()
        created = VersionCreated(
            team_id=upload.team_id,
            actor_id=upload.created_by_id,
            video_id=video.id,
            version_id=version.id,
            number=version.number,
            job_id=job.id,
        )
        await record(created, now, of=version)
        await job.succeed(now)


async def _keep_frames(upload: Upload, packed: bytes | None) -> UUID | None:
    """The id of the table of a version's frames, if it takes one."""
    if packed is None:
        return None
    table = FrameTable(
        team_id=upload.team_id, video_id=upload.video_id, created_by_id=upload.created_by_id, packed=packed
    )
    await table.save(force_create=True)
    return table.id


def _version(upload: Upload, attempt: str, digest: str, probe: Probe) -> Version:
    return Version(
        id=upload.version_id,
        team_id=upload.team_id,
        video_id=upload.video_id,
        created_by_id=upload.created_by_id,
        change_description=upload.change_description,
        file_name=upload.file_name,
        file_key=upload.storage_key,
        proxy_key=f"{attempt}proxy.mp4",
        poster_key=f"{attempt}poster.jpg",
        size=upload.size,
        sha256=digest,
        container=probe.container,
        duration_ms=probe.duration_ms,
        width=probe.width,
        height=probe.height,
        rotation=probe.rotation,
        frame_rate_numerator=probe.frame_rate.numerator,
        frame_rate_denominator=probe.frame_rate.denominator,
        variable_frame_rate=probe.variable_frame_rate,
        frame_count=probe.frame_count,
        video_codec=probe.video_codec,
        audio_codec=probe.audio_codec,
        audio_channels=probe.audio_channels,
        audio_sample_rate=probe.audio_sample_rate,
        bit_rate=probe.bit_rate,
    )


def _reporter(work: Work) -> Callable[[IngestStep, float], None]:
    return lambda step, fraction: work.report(step, percent(step, fraction))
