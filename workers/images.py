"""From a file that somebody sent to the image of their comment."""

import asyncio
from datetime import datetime
from pathlib import Path

from domain.events import CommentEdited
from domain.jobs import JobKind
from domain.media import Refusal, RefusedMedia
from domain.pictures import image_key, size_of
from media import runner
from models import Comment, Job, Upload
from models.events import record
from workers.jobs import JobFailure, Work, handles
from workers.uploads import delete_leftovers, fetch, folder_of, upload_id_of


@handles(JobKind.IMAGE)
async def make_image(work: Work) -> None:
    """Makes and adopts the image of a comment from a completed upload. Payload: `upload_id`."""
    upload = await Upload.get(id=upload_id_of(work.job))
    key = image_key(folder_of(upload), work.job.attempt)
    work.leavings.append(key.rpartition("/")[0] + "/")
    try:
        source = await fetch(work, upload)
        made = await runner.draw_image(source, work.folder, work.means.limits)
        size = await asyncio.to_thread(_size, made)
    except RefusedMedia as refused:
        raise JobFailure(refused.code, refused.params) from refused
    await work.means.storage.store(made, key, content_type="image/webp")
    await _finish(work, upload, key, size)
    await delete_leftovers(work.means.storage, upload, work.job.attempt)


async def _finish(work: Work, upload: Upload, key: str, size: tuple[int, int]) -> None:
    """The image is the comment's, and the job ends, at once. A deleted comment has it until it is forgotten.

    Nothing is told of that: it shows none, and whoever brings it back is told of it as it is then.
    """
    now = work.means.clock()
    async with work.finishing() as job:
        comment = await Comment.filter(id=upload.comment_id).select_for_update().get()
        await comment.take_image(key, size, now)
        await Job.discard(f"{folder_of(upload)}source/", now)  # with what the file may tell besides its pixels
        if comment.deleted_at is None:
            await _tell(comment, job, now)
        await job.succeed(now)


async def _tell(comment: Comment, job: Job, now: datetime) -> None:
    edited = CommentEdited(
        team_id=comment.team_id,
        actor_id=job.created_by_id,
        video_id=comment.video_id,
        version_id=comment.version_id,
        comment_id=comment.id,
        parent_id=comment.parent_id,
        changed=["image"],
        visibility=comment.visibility.value,
    )
    await record(edited, now)


def _size(made: Path) -> tuple[int, int]:
    size = size_of(made.read_bytes())
    if size is None:
        raise RefusedMedia(Refusal.DAMAGED)
    return size
