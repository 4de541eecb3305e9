"""Who is in the room of a video, and where they are in it. Nothing of it is written to the database."""

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple
from uuid import UUID

from domain.errors import Invalid, Unavailable
from domain.presence import PresenceActivity
from models import Version, Video
from resolvers.caller import Caller, Following, find, follow, require_somebody

_ROOM = "presence"
_MOST_LENGTHS = 10_000


class _Length(NamedTuple):
    """What of a version counts here. A version never changes."""

    video_id: UUID
    ms: int


_lengths: OrderedDict[UUID, _Length] = OrderedDict()


async def watch(caller: Caller, *, video_id: UUID) -> Following:
    """Where it is told who is in a video's room."""
    return await follow(caller, "video:view", Video, video_id, _ROOM)


def attend(caller: Caller, *, video_id: UUID, watch_only: bool) -> AbstractContextManager[None]:
    """In the room while this is open; an API key is nobody who could be, and looks on."""
    if watch_only or caller.api_key_id is not None:
        return caller.presence.watching(_room(video_id))
    return caller.presence.attending(_room(video_id), str(require_somebody(caller)))


async def look(caller: Caller, *, video_id: UUID) -> Mapping[str, Any]:
    """The room as it is now; whoever asks must be permitted already."""
    return await caller.presence.look(_room(video_id))


async def update(caller: Caller, *, version_id: UUID, playhead_ms: int, activity: PresenceActivity) -> float:
    """Tells the others in the room where the caller is; answers in how many seconds the next would be told."""
    member = str(require_somebody(caller))
    video_id, length = await _length(caller, version_id, member)
    if not 0 <= playhead_ms <= length:
        raise Invalid("problem.moment", path=("playheadMs",), most=length)
    where = {"version": str(version_id), "ms": playhead_ms, "activity": activity.value}
    pause = caller.presence.say(_room(video_id), member, where)
    if pause is None:
        raise Unavailable
    return pause


async def _length(caller: Caller, version_id: UUID, member: str) -> _Length:
    """The version's, for who may see it.

    Who is in the room by this process may: their subscription ends with the right to it. That takes no look.
    """
    known = _lengths.get(version_id)
    if known is None or not caller.presence.is_here(_room(known.video_id), member):
        version = await find(caller, "presence:update", Version, version_id)
        known = _lengths[version_id] = _Length(version.video_id, version.duration_ms)
        if len(_lengths) > _MOST_LENGTHS:
            _lengths.popitem(last=False)
    return known


def _room(video_id: UUID) -> str:
    return f"{_ROOM}:{video_id}"
