"""Videos: make, edit, delete, bring back, watch."""

from collections.abc import Sequence
from uuid import UUID

from domain.events import VideoCreated, VideoDeleted, VideoEdited, VideoRestored
from domain.ids import new_id
from domain.text import many_lines, one_line, tags
from models import Video
from models.database import transaction
from models.events import record
from models.teams import require
from resolvers.caller import Caller

TITLE, DESCRIPTION = 200, 5000


async def create(
    caller: Caller, *, team_id: UUID, title: str, description: str = "", labels: Sequence[str] = ()
) -> Video:
    """A new video without a version yet."""
    now, viewer = caller.now(), caller.viewer
    video = Video(
        id=new_id(),
        team_id=team_id,
        created_by_id=viewer.user_id,
        title=one_line(title, path=("title",), most=TITLE),
        description=many_lines(description, path=("description",), most=DESCRIPTION),
        tags=tags(labels, path=("tags",)),
        created_at=now,
    )
    async with transaction():
        await require(viewer, "video:create", team_id)
        await video.save(force_create=True)
        created = VideoCreated(team_id=team_id, actor_id=viewer.user_id, video_id=video.id, title=video.title)
        await record(created, now)
    return video


async def edit(
    caller: Caller,
    *,
    video_id: UUID,
    title: str | None = None,
    description: str | None = None,
    labels: Sequence[str] | None = None,
) -> Video:
    """Renames, describes and tags: what is None stays as it is."""
    given = {
        "title": None if title is None else one_line(title, path=("title",), most=TITLE),
        "description": None
        if description is None
        else many_lines(description, path=("description",), most=DESCRIPTION),
        "tags": None if labels is None else tags(labels, path=("tags",)),
    }
    async with transaction():
        video = await _held(caller, "video:edit", video_id)
        video.require_live()
        changed = [name for name, value in given.items() if value is not None and value != getattr(video, name)]
        if changed:
            video.update_from_dict({name: given[name] for name in changed})
            await video.save()
            edited = VideoEdited(
                team_id=video.team_id, actor_id=caller.viewer.user_id, video_id=video.id, changed=changed
            )
            await record(edited, caller.now())
    return video


async def delete(caller: Caller, *, video_id: UUID) -> Video:
    """To the trash, for 30 days."""
    now = caller.now()
    async with transaction():
        video = await _held(caller, "video:delete", video_id)
        video.delete_softly(now)
        await video.save()
        deleted = VideoDeleted(
            team_id=video.team_id, actor_id=caller.viewer.user_id, video_id=video.id, title=video.title
        )
        await record(deleted, now)
    return video


async def restore(caller: Caller, *, video_id: UUID) -> Video:
    """Out of the trash."""
    now = caller.now()
    async with transaction():
        video = await _held(caller, "video:delete", video_id)
        video.bring_back(now)
        await video.save()
        restored = VideoRestored(
            team_id=video.team_id, actor_id=caller.viewer.user_id, video_id=video.id, title=video.title
        )
        await record(restored, now)
    return video


async def watch(caller: Caller, *, video_id: UUID) -> list[str]:
    """The topics on which a video's changes are told."""
    video = await Video.find(video_id, caller.viewer)
    await require(caller.viewer, "video:view", video.team_id)
    return [f"video:{video.id}"]


async def _held(caller: Caller, action: str, video_id: UUID) -> Video:
    video = await Video.lock(video_id, caller.viewer)
    await require(caller.viewer, action, video.team_id)
    return video
