"""From a file that somebody sent to their picture."""

import asyncio
from base64 import b64decode
from datetime import datetime
from pathlib import Path
from uuid import UUID

from domain.events import AccountEdited
from domain.jobs import JobKind
from domain.media import RefusedMedia
from domain.pictures import avatar_folder, avatar_key
from media import runner
from models import Job, User
from models.events import record
from workers.jobs import JobFailure, Work, handles


@handles(JobKind.AVATAR)
async def make_avatar(work: Work) -> None:
    """Makes and adopts a picture of the payload's `content`, a file in Base64."""
    user_id, content = _owner(work.job), work.job.payload["content"]
    key = avatar_key(user_id, work.job.id, work.job.attempt)
    work.leavings.append(avatar_folder(key))
    source = work.folder / "source"
    await asyncio.to_thread(source.write_bytes, b64decode(content))
    try:
        made = await runner.draw_avatar(source, work.folder, work.means.limits)
    except RefusedMedia as refused:
        raise JobFailure(refused.code, refused.params) from refused
    await _store(work, made, key)
    await _finish(work, key)


async def _store(work: Work, made: Path, key: str) -> None:
    await work.means.storage.store(made, key, content_type="image/webp")


async def _finish(work: Work, key: str) -> None:
    now = work.means.clock()
    async with work.finishing() as job:
        wanted = await _is_wanted(job)
        await (_adopt(_owner(job), key, now) if wanted else Job.discard(avatar_folder(key), now))
        await job.succeed(now)


async def _adopt(user_id: UUID, key: str, now: datetime) -> None:
    user = await User.hold(user_id)
    if user.avatar_key is not None:
        await Job.discard(avatar_folder(user.avatar_key), now)
    user.avatar_key = key
    await user.save(update_fields=["avatar_key"])
    await record(AccountEdited(team_id=None, actor_id=user.id, user_id=user.id, changed=["avatar"]), now)


async def _is_wanted(job: Job) -> bool:
    """Whether the person has not sent another file since."""
    return not await Job.filter(Job.own(_owner(job)), kind=JobKind.AVATAR, id__gt=job.id).exists()


def _owner(job: Job) -> UUID:
    assert job.created_by_id is not None, "somebody has sent a picture of theirs"
    return job.created_by_id
