"""`python -m local.seed`: a demo team to begin with, and a sample clip. Run again, it changes nothing."""

import asyncio
from pathlib import Path
from typing import Any

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobKind
from domain.uploads import UploadState
from gateways.storage import Storage, open_storage
from local.people import PEOPLE, TEAM, password_of
from local.samples import make_sample
from models import Job, Member, Team, Upload, User, Video
from models.database import database, require_database, transaction
from resolvers.passwords import hash_password
from settings import Settings, load, run

SAMPLE = "sample.mp4"


async def seed(settings: Settings) -> Path:
    """Makes what is missing; answers where the sample clip lies."""
    secret = settings.secret_key.get_secret_value()
    sample = settings.work_dir.parent / SAMPLE
    if not sample.exists():
        await asyncio.to_thread(_make_sample, sample)
    async with (
        database(settings.database_url),
        open_storage(settings.storage_url, public_url=settings.public_url, secret=secret, clock=utc_now) as storage,
    ):
        await require_database()
        if not await User.exists(email__in=[email for _, email in PEOPLE.values()]):
            await _first_video(await _team(secret), storage, sample)
    return sample


async def _team(secret: str) -> User:
    """Makes the team and its people; answers its owner."""
    hashes = {email: await hash_password(password_of(email, secret), path=()) for _, email in PEOPLE.values()}
    async with transaction():
        team = await Team.create(name=TEAM)
        for role, (name, email) in PEOPLE.items():
            user = await User.create(name=name, email=email, password_hash=hashes[email])
            await Member.create(team_id=team.id, user_id=user.id, role=role)
    return await User.get(email=PEOPLE[next(iter(PEOPLE))][1])


async def _first_video(owner: User, storage: Storage, sample: Path) -> None:
    """A video in the library, whose first version the media worker makes as soon as it runs."""
    member = await Member.get(user_id=owner.id)
    video_id, version_id, now = new_id(), new_id(), utc_now()
    key = f"teams/{member.team_id}/videos/{video_id}/versions/{version_id}/original"
    copy = await asyncio.to_thread(_copy, sample)
    await storage.store(copy, key, content_type="video/mp4")
    await asyncio.to_thread(copy.unlink)
    size = (await asyncio.to_thread(sample.stat)).st_size
    ours: dict[str, Any] = {"team_id": member.team_id, "created_by_id": owner.id}
    async with transaction():
        video = await Video.create(id=video_id, title="Sample clip", tags=["sample"], **ours)
        job = await Job.enqueue(JobKind.INGEST, now, payload={}, video_id=video.id, **ours)
        upload = await Upload.create(
            video_id=video.id,
            version_id=version_id,
            job_id=job.id,
            state=UploadState.COMPLETED,
            file_name=SAMPLE,
            change_description="Made by the set-up",
            size=size,
            part_size=size,
            storage_key=key,
            storage_upload_id="none",
            expires_at=now,
            **ours,
        )
        job.payload = {"upload_id": str(upload.id)}
        await job.save()


def _make_sample(sample: Path) -> None:
    sample.parent.mkdir(parents=True, exist_ok=True)
    unfinished = sample.with_suffix(".new")
    make_sample(unfinished)
    unfinished.replace(sample)


def _copy(sample: Path) -> Path:
    """The store may keep the very file that it is given, and ours is the user's to write to."""
    copy = sample.with_suffix(".copy")
    copy.write_bytes(sample.read_bytes())
    return copy


def main() -> None:
    """The command: prints the sign-ins."""
    settings = load()
    sample = run(seed(settings))
    secret = settings.secret_key.get_secret_value()
    print("Sign in as")
    for role, (_, email) in PEOPLE.items():
        print(f"  {role.value:7} {email:20} {password_of(email, secret)}")
    print(f"Sample clip: {sample}")


if __name__ == "__main__":
    main()
