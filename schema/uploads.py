"""Uploads: files on their way in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry

import models
from domain.errors import Conflict, DomainError, Invalid, Unavailable
from domain.uploads import UploadState
from plan import Node, column, node, reference, to_one
from plan.scalars import SafeInt
from resolvers import uploads
from schema.context import Info
from schema.enums import Action
from schema.fields import SECRET, mutation
from schema.ids import uuid_of
from schema.jobs import Job
from schema.rights import rights

if TYPE_CHECKING:
    from schema.accounts import User
    from schema.comments import Comment
    from schema.videos import Video


PARTS = 1000
"""How many parts an upload is taken to have when an operation is priced."""


@node(table=models.Upload, visible=models.Upload.visible_to)
class Upload(Node):
    """A file that comes in parts, to become a version, or the image of a comment."""

    viewer_can: list[Action] = rights("version", "upload", author="created_by_id")
    state: UploadState = column(description="Where it stands.")
    file_name: str = column(description="The name that the file comes with.")
    size: SafeInt = column(description="The file's size in bytes.")
    part_size: SafeInt = column(description="The size in bytes of every part but the last.")
    sha256: str | None = column(description="The SHA-256 that was promised, if one was.")
    change_description: str = column(description="What the version will say that has changed.", characters=1000)
    video: Video = to_one("video_id", description="The video it will be a version of, or that its comment is about.")
    comment: Comment | None = to_one(
        "comment_id", description="The comment it will be the image of; null for a version to be."
    )
    created_by: User | None = to_one("created_by_id", description="Who started it.")
    created_at: datetime = column(description="When it was started.")
    expires_at: datetime = column(description="When it is thrown away unless it is complete.")
    job: Job | None = to_one(
        "job_id", description="The job that makes of it what it was sent for; null until it is complete."
    )


@strawberry.type(description="Where to PUT one part.")
class PartTarget:
    """A place for a part."""

    number: int = strawberry.field(description="1, 2, 3 … in the order of the file.")
    size: SafeInt = strawberry.field(description="How many bytes exactly.")
    url: str = strawberry.field(description="PUT the bytes here; the answer's ETag is the part's MD5 in hexadecimal.")
    expires_at: datetime = strawberry.field(description="Until when; ask `uploadParts` for a fresh one afterwards.")


@strawberry.type(description="A part that has arrived.")
class ArrivedPart:
    """A part in storage."""

    number: int = strawberry.field(description="1, 2, 3 … in the order of the file.")
    size: SafeInt = strawberry.field(description="How many bytes arrived.")
    checksum: str = strawberry.field(description="Their MD5 in hexadecimal.")


def _arrived(root: UploadParts) -> list[ArrivedPart]:
    parts = root.progress.arrived
    return [ArrivedPart(number=part.number, size=SafeInt(part.size), checksum=part.checksum) for part in parts]


async def _missing(root: UploadParts, info: Info) -> list[PartTarget]:
    targets = await uploads.targets(info.context.caller, root.progress)
    return [PartTarget(number=t.number, size=SafeInt(t.size), url=t.url, expires_at=t.expires_at) for t in targets]


@strawberry.type(
    description="What of an upload has arrived, and where the rest goes, in any order and several at once."
)
class UploadParts:
    """Payload of `startUpload` and answer of `uploadParts`."""

    progress: strawberry.Private[uploads.Progress]
    upload: Upload = reference(lambda parts, _context: parts.progress.upload.id, description="The upload itself.")
    arrived: list[ArrivedPart] = strawberry.field(
        resolver=_arrived, description="The parts that are there.", metadata={"items": PARTS}
    )
    missing: list[PartTarget] = strawberry.field(
        resolver=_missing,
        description="Where to PUT the parts that are not, each time with fresh URLs.",
        metadata={"items": PARTS, **SECRET},
    )


@strawberry.input(description="A file to come.")
class StartUploadInput:
    """Input of `startUpload`."""

    video_id: strawberry.ID = strawberry.field(description="The video it will be a version of.")
    file_name: str = strawberry.field(description="1–255 characters.")
    size: SafeInt = strawberry.field(description="Its size in bytes.")
    sha256: str | None = strawberry.field(
        default=None, description="Its SHA-256 in hexadecimal: a file that differs is refused by the job."
    )
    change_description: str | None = strawberry.field(default=None, description="What has changed, for the history.")


@strawberry.input(description="A part as the client sent it.")
class SentPart:
    """One line of `completeUpload`."""

    number: int = strawberry.field(description="1, 2, 3 …")
    checksum: str = strawberry.field(
        description="The ETag that its PUT answered: the MD5 in hexadecimal, quotes or not."
    )


@strawberry.input(description="All parts of a file, sent.")
class CompleteUploadInput:
    """Input of `completeUpload`."""

    id: strawberry.ID = strawberry.field(description="Which upload.")
    parts: list[SentPart] = strawberry.field(description="Every part with its checksum.")

    def checksums(self) -> dict[int, str]:
        """Checksum by part number; Invalid when a number comes twice."""
        checksums = {part.number: part.checksum.strip('"') for part in self.parts}
        if len(checksums) < len(self.parts):
            numbers = [part.number for part in self.parts]
            place, twice = next((i, number) for i, number in enumerate(numbers) if number in numbers[:i])
            raise Invalid("problem.part_twice", path=("parts", str(place)), number=twice)
        return checksums


@strawberry.type
class UploadMutations:
    """The mutations of uploads."""

    @mutation(
        "version:create",
        answers=UploadParts,
        fails=(Conflict, Unavailable),
        description="Begins an upload: answers where to PUT each part, straight to storage. Then `completeUpload`; "
        "after a break `uploadParts` says how to go on.",
    )
    async def start_upload(self, info: Info, input: StartUploadInput) -> UploadParts:
        from schema.videos import Video

        progress = await uploads.start(
            info.context.caller,
            video_id=uuid_of(Video, input.video_id, "videoId"),
            file_name=input.file_name,
            size=input.size,
            sha256=input.sha256,
            change_description=input.change_description,
        )
        return UploadParts(progress=progress)

    @mutation(
        "upload:send",
        answers=Job,
        fails=(Conflict, Unavailable),
        description="Checks that every part has arrived as sent, and answers the job that makes of them what they "
        "were sent for: follow it by `jobProgress`. Asked again, it answers the same job.",
    )
    async def complete_upload(self, info: Info, input: CompleteUploadInput) -> models.Job:
        return await uploads.complete(
            info.context.caller, upload_id=uuid_of(Upload, input.id, "id"), checksums=input.checksums()
        )

    @mutation(
        "upload:send",
        answers=Upload,
        fails=(Conflict,),
        description="Gives an upload up; its parts are thrown away.",
    )
    async def discard_upload(self, info: Info, id: strawberry.ID) -> models.Upload:
        return await uploads.discard(info.context.caller, upload_id=uuid_of(Upload, id, "id"))


async def upload_parts(info: Info, id: strawberry.ID) -> UploadParts | None:
    """Root field `uploadParts`: null for whoever may not send parts, and once the upload takes no more."""
    try:
        progress = await uploads.progress(info.context.caller, upload_id=uuid_of(Upload, id, "id"))
    except Unavailable:
        raise
    except DomainError:
        return None
    return UploadParts(progress=progress)
