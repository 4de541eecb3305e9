"""Uploads: a file comes in parts, straight to storage, and becomes a version."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import Conflict, DomainError, Forbidden, Invalid
from domain.events import Event, UploadCompleted, UploadDiscarded, UploadStarted
from domain.ids import new_id
from domain.jobs import JobKind
from domain.permissions import allows
from domain.pictures import MOST_IMAGE_BYTES
from domain.quantities import Bytes
from domain.text import many_lines, one_line
from domain.throttling import IMAGE_OF_PERSON
from domain.uploads import Part, check_parts, part_size, part_sizes
from gateways.storage import UploadGone
from models import Comment, Job, Member, Upload, Video
from models.database import transaction
from models.finding import Hold
from resolvers.caller import Caller, find, find_within, lock, lock_within, origin, tell

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class PartTarget:
    """Where to PUT one part, of exactly `size` bytes, until `expires_at`."""

    number: int
    size: int
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """What of an upload has arrived."""

    upload: Upload
    arrived: list[Part]


async def start(
    caller: Caller,
    *,
    video_id: UUID,
    file_name: str,
    size: int,
    sha256: str | None = None,
    change_description: str | None = None,
) -> Progress:
    """Opens an upload to become the video's next version."""
    named = one_line(file_name, path=("fileName",), most=255)
    described = many_lines(change_description or "", path=("changeDescription",), most=1000)
    if not 0 <= size <= caller.rules.upload_max_bytes:
        raise Invalid("problem.upload_size", path=("size",), most=Bytes(caller.rules.upload_max_bytes))
    promised = sha256.lower() if sha256 else None
    if promised and not _SHA256.fullmatch(promised):
        raise Invalid("problem.sha256", path=("sha256",))
    video = await find(caller, "version:create", Video, video_id)
    video.require_live()

    async def require_still(_: Upload) -> None:
        (await lock(caller, "version:create", Video, video_id)).require_live()

    about = {"file_name": named, "change_description": described, "sha256": promised, "size": size}
    version_id = new_id()
    return await _begun(caller, video, f"versions/{version_id}", require_still, version_id=version_id, **about)


async def start_image(caller: Caller, *, comment_id: UUID, file_name: str, size: int) -> Progress:
    """Opens an upload to become the image of one's own comment. What was sent before, and is none yet, is given up."""
    named = one_line(file_name, path=("fileName",), most=255)
    if not 0 < size <= MOST_IMAGE_BYTES:
        raise Invalid("problem.upload_size", path=("size",), most=Bytes(MOST_IMAGE_BYTES))
    comment, video = await find_within(caller, "comment:edit", Comment, comment_id, Video, Hold.NOT)
    _require_there(comment, video)
    await caller.throttle.hit(IMAGE_OF_PERSON, str(caller.viewer.user_id))

    async def require_still(upload: Upload) -> None:
        await Video.pin(video.id, caller.viewer)  # first, as `complete` does
        await Upload.withdraw_images(comment_id, caller.now(), by=caller.viewer.user_id, **origin(caller))
        held = await lock_within(caller, "comment:edit", Comment, comment_id, Video)
        _require_there(*held)
        upload.visibility = held[0].visibility  # which stays so until the upload is there

    image_id, about = new_id(), {"file_name": named, "size": size, "comment_id": comment_id}
    return await _begun(caller, video, f"images/{image_id}/source", require_still, version_id=image_id, **about)


def _require_there(comment: Comment, video: Video) -> None:
    video.require_live()
    comment.require_there()


async def _begun(
    caller: Caller, video: Video, folder: str, require_still: Callable[[Upload], Awaitable[None]], **values: Any
) -> Progress:
    """An open upload. Storage takes its time: `require_still` refuses where the right is gone by then, or the place."""
    now, key = caller.now(), f"teams/{video.team_id}/videos/{video.id}/{folder}/original"
    upload = Upload(
        id=new_id(),
        team_id=video.team_id,
        video_id=video.id,
        created_by_id=caller.viewer.user_id,
        part_size=part_size(values["size"], caller.rules.upload_part_bytes),
        storage_key=key,
        storage_upload_id=await caller.storage.start_upload(key),
        created_at=now,
        expires_at=now + caller.rules.upload_time,
        **values,
    )
    try:
        async with transaction():
            await require_still(upload)
            await upload.save(force_create=True)
            await _tell(caller, UploadStarted, upload)
    except DomainError:
        await caller.storage.abandon_upload(key, upload.storage_upload_id)
        raise
    return Progress(upload, [])


async def progress(caller: Caller, *, upload_id: UUID) -> Progress:
    """What has arrived so far: this is how a broken upload goes on."""
    upload = await find(caller, "upload:send", Upload, upload_id)
    await _require_may_go_on(caller, upload)
    upload.require_open(caller.now())
    return Progress(upload, await _arrived(caller, upload))


async def targets(caller: Caller, progress: Progress) -> list[PartTarget]:
    """Where each part goes that has not arrived. Signing many takes time, so it is done only when asked for."""
    upload, valid = progress.upload, caller.rules.link
    here = {part.number for part in progress.arrived}
    sizes = enumerate(part_sizes(upload.size, upload.part_size), start=1)
    awaited = {number: size for number, size in sizes if number not in here}
    urls = await caller.storage.part_urls(
        upload.storage_key, upload.storage_upload_id, awaited, expires_in=int(valid.total_seconds())
    )
    until = caller.now() + valid
    return [PartTarget(number, size, urls[number], until) for number, size in awaited.items()]


async def complete(caller: Caller, *, upload_id: UUID, checksums: Mapping[int, str]) -> Job:
    """Checks that every part is there as promised, and queues the job for the version. Asked again: the same job."""
    upload = await find(caller, "upload:send", Upload, upload_id)
    await _require_may_go_on(caller, upload)
    if upload.job_id is not None:
        return await Job.get(id=upload.job_id)
    upload.require_open(caller.now())
    try:
        _require_as_promised(upload, checksums, await _arrived(caller, upload))
    except DomainError:
        await upload.refresh_from_db(["job_id"])
        if upload.job_id is None:
            raise
        return await Job.get(id=upload.job_id)  # somebody else's completing was first, and the job has the parts
    async with transaction():
        video = await Video.lock(upload.video_id, caller.viewer)
        upload = await lock(caller, "upload:send", Upload, upload_id)
        await _require_may_go_on(caller, upload)
        if upload.job_id is not None:
            return await Job.get(id=upload.job_id)
        video.require_live()
        job = await Job.enqueue(
            JobKind.IMAGE if upload.comment_id else JobKind.INGEST,
            caller.now(),
            payload={"upload_id": str(upload.id)},
            team_id=upload.team_id,
            video_id=upload.video_id,
            created_by_id=caller.viewer.user_id,
            visibility=upload.visibility,
        )
        upload.complete(job, checksums, caller.now())
        await upload.save()
        await _tell(caller, UploadCompleted, upload, job_id=job.id)
    return job


async def discard(caller: Caller, *, upload_id: UUID) -> Upload:
    """Gives an open upload up; its parts are thrown away."""
    async with transaction():
        upload = await lock(caller, "upload:send", Upload, upload_id)
        await _require_may_go_on(caller, upload)
        upload.discard()
        await upload.save()
        await _tell(caller, UploadDiscarded, upload)
        await Job.enqueue(JobKind.DISCARD_UPLOAD, caller.now(), payload={"upload_id": str(upload.id)})
    return upload


async def _require_may_go_on(caller: Caller, upload: Upload) -> None:
    """What becomes a version is for who may make one, what becomes an image for who has begun it: else Forbidden."""
    if upload.comment_id is not None:
        allowed = upload.created_by_id == caller.viewer.user_id
    else:
        member = await Member.get_or_none(user_id=caller.viewer.user_id, team_id=upload.team_id)
        allowed = member is not None and allows(member.role, "version:create")
    if not allowed:
        raise Forbidden


async def _tell(caller: Caller, event: type[Event], upload: Upload, **more: Any) -> None:
    await tell(caller, event, upload.team_id, **upload.told(), **more)


async def _arrived(caller: Caller, upload: Upload) -> list[Part]:
    try:
        return await caller.storage.parts(upload.storage_key, upload.storage_upload_id)
    except UploadGone as error:
        raise Conflict("problem.upload_gone") from error


def _require_as_promised(upload: Upload, checksums: Mapping[int, str], arrived: Sequence[Part]) -> None:
    findings = check_parts(part_sizes(upload.size, upload.part_size), checksums, arrived)
    if findings:
        number, problem = findings[0].number, f"problem.part_{findings[0].fault.value}"
        place = [str(index) for index, sent in enumerate(checksums) if sent == number]  # none, of one that was left out
        raise Invalid(problem, path=("parts", *place), number=number, count=len(findings))
