"""Versions: restoring one, and the links to their files."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.events import VersionCreated
from domain.text import many_lines
from models import Version, Video
from models.database import transaction
from models.finding import Hold
from resolvers.caller import Caller, find_within, write_and_tell


async def restore(caller: Caller, *, version_id: UUID, change_description: str | None) -> Version:
    """Makes an older version the newest again, as a new version that shares the old one's file."""
    described = many_lines(change_description or "", path=("changeDescription",), most=1000)
    async with transaction():
        old, video = await find_within(caller, "version:create", Version, version_id, Video, Hold.ALONE)
        video.require_live()
        number = video.next_version(caller.now())
        new = old.restored(number=number, by=caller.viewer.user_id, change_description=described)
        new.created_at = caller.now()
        await video.save()
        await write_and_tell(caller, new, VersionCreated, video_id=video.id, version_id=new.id, number=number)
    return new


async def poster_urls(caller: Caller, rows: Sequence[Any]) -> list[str]:
    """Signed links to the posters (JPEG)."""
    return await _urls(caller, [(row["poster_key"], "image/jpeg", None) for row in rows])


async def proxy_urls(caller: Caller, rows: Sequence[Any]) -> list[str]:
    """Signed links to the proxies (MP4)."""
    return await _urls(caller, [(row["proxy_key"], "video/mp4", None) for row in rows])


async def original_urls(caller: Caller, rows: Sequence[Any]) -> list[str]:
    """Signed links that download the originals under the names they came with."""
    return await _urls(caller, [(row["file_key"], "application/octet-stream", row["file_name"]) for row in rows])


async def _urls(caller: Caller, files: list[tuple[str, str, str | None]]) -> list[str]:
    valid = int(caller.rules.link.total_seconds())
    return [
        await caller.storage.read_url(key, expires_in=valid, content_type=content_type, file_name=file_name)
        for key, content_type, file_name in files
    ]
