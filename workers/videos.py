"""Removing videos for good."""

from uuid import UUID

from domain.jobs import JobKind
from domain.videos import RESTORABLE
from models import Comment, FrameTable, Notification, Upload, Version, Video
from workers.jobs import Work, handles
from workers.uploads import abandon


@handles(JobKind.PURGE_VIDEO)
async def purge_video(work: Work) -> None:
    """Deletes a video's files and rows once it cannot be brought back any more. Payload: `video_id`."""
    video_id = UUID(work.job.payload["video_id"])
    long_ago = work.means.clock() - RESTORABLE
    video = await Video.get_or_none(id=video_id, deleted_at__lt=long_ago)
    if video is not None:
        # The files first: a row without files is found and purged again, files without a row never would be.
        await abandon(work.means.storage, await Upload.unfinished(video_id=video_id))
        await work.means.storage.delete_prefix(f"teams/{video.team_id}/videos/{video_id}/")
    async with work.finishing() as job:
        if video is not None:
            await Upload.filter(video_id=video_id).delete()
            await Notification.filter(video_id=video_id).delete()
            await Comment.purge(video_id)
            await Version.filter(video_id=video_id).delete()
            await FrameTable.filter(video_id=video_id).delete()
            await video.delete()
        await job.succeed(work.means.clock())
