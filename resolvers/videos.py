"""Videos: make, edit, delete, bring back, watch."""

from collections.abc import Sequence
from uuid import UUID

from domain.events import VideoCreated, VideoDeleted, VideoEdited, VideoRestored
from domain.ids import new_id
from domain.text import many_lines, one_line, tags
from models import Video
from models.database import transaction
from resolvers.caller import Caller, Following, follow, lock, require, tell, write_and_tell

TITLE, DESCRIPTION = 200, 5000


async def create(
    caller: Caller, *, team_id: UUID, title: str, description: str = "", labels: Sequence[str] = ()
) -> Video:
    """A new video without a version yet."""
    video = Video(
        id=new_id(),
        team_id=team_id,
        created_by_id=caller.viewer.user_id,
        title=_title(title),
        description=_description(description),
        tags=tags(labels, path=("tags",)),
        created_at=caller.now(),
    )
    async with transaction():
        await require(caller, "video:create", team_id)
        await write_and_tell(caller, video, VideoCreated, video_id=video.id, title=video.title)
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
        "title": None if title is None else _title(title),
        "description": None if description is None else _description(description),
        "tags": None if labels is None else tags(labels, path=("tags",)),
    }
    async with transaction():
        video = await lock(caller, "video:edit", Video, video_id)
        video.require_live()
        changed = [name for name, value in given.items() if value is not None and value != getattr(video, name)]
        if changed:
            video.update_from_dict({name: given[name] for name in changed} | {"updated_at": caller.now()})
            await video.save()
            await tell(caller, VideoEdited, video.team_id, video_id=video.id, changed=changed)
    return video


async def delete(caller: Caller, *, video_id: UUID) -> Video:
    """To the trash, for 30 days."""
    async with transaction():
        video = await lock(caller, "video:delete", Video, video_id)
        video.delete_softly(caller.now())
        await video.save()
        await tell(caller, VideoDeleted, video.team_id, video_id=video.id, title=video.title)
    return video


async def restore(caller: Caller, *, video_id: UUID) -> Video:
    """Out of the trash."""
    async with transaction():
        video = await lock(caller, "video:delete", Video, video_id)
        video.bring_back(caller.now())
        await video.save()
        await tell(caller, VideoRestored, video.team_id, video_id=video.id, title=video.title)
    return video


async def watch(caller: Caller, *, video_id: UUID) -> Following:
    """Where a video's changes are told."""
    return await follow(caller, "video:view", Video, video_id, "video")


def _title(text: str) -> str:
    return one_line(text, path=("title",), most=TITLE)


def _description(text: str) -> str:
    return many_lines(text, path=("description",), most=DESCRIPTION)
