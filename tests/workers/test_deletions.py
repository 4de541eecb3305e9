"""The end of an account: what goes, what stays, and who hears of it."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from domain.clock import utc_now
from domain.events import MemberJoined
from domain.ids import new_id
from domain.jobs import JobKind, JobState
from domain.links import LinkKind
from domain.permissions import Role
from gateways.storage import UploadGone
from models import (
    Comment,
    EventRecord,
    Invitation,
    Job,
    MailedLink,
    Member,
    Session,
    SignUp,
    Team,
    Upload,
    User,
    Version,
    Video,
)
from models.database import transaction
from models.events import record
from tests.factories import Factory
from tests.workers.conftest import enqueue
from tests.workers.posting import endpoint
from workers import io  # noqa: F401 - declares what it handles
from workers.deletions import forget
from workers.sweeper import Sweeper

GONE = timedelta(seconds=1)
FREE = "SELECT count(*) FROM (SELECT FROM webhook_lanes FOR UPDATE SKIP LOCKED) AS free"


@pytest.fixture
def sweep(means) -> Sweeper:
    return Sweeper(means.redis, utc_now, attempts=2, patience=timedelta(seconds=1), jobs_kept=timedelta(days=30))


@pytest.fixture
async def ada(models) -> User:
    """Somebody whose time has come."""
    user = await User.create(
        name="Ada", email="ada@example.com", password_hash="x", deletion_at=utc_now() - GONE, time_zone="Asia/Tokyo",
        avatar_key="users/a/avatar.webp",
    )  # fmt: skip
    await Session.create(user_id=user.id, token_hash="1", expires_at=utc_now() + timedelta(days=1))
    link = {"email": user.email, "locale": "en", "user_id": user.id, "expires_at": utc_now() + timedelta(hours=1)}
    await MailedLink.create(kind=LinkKind.PASSWORD_RESET, **link)
    wish = {"name": "Ada", "team_name": "T", "password_hash": "x", "locale": "en"}
    await SignUp.create(email=user.email, expires_at=utc_now() + timedelta(hours=1), **wish)
    return user


async def team(name: str, **roles: tuple[User, Role]) -> Team:
    made = await Team.create(name=name)
    for user, role in roles.values():
        await Member.create(team_id=made.id, user_id=user.id, role=role)
    return made


async def swept(sweep: Sweeper, attempts) -> list[Job]:
    """The jobs that the sweeper has made, and theirs, done."""
    await sweep.keep_house()
    for kind in (JobKind.DELETE_ACCOUNT, JobKind.PURGE_TEAM, JobKind.DISCARD_FILES, JobKind.MAIL):
        for job in await Job.filter(kind=kind, state=JobState.QUEUED):
            await attempts.wake({}, str(job.id), job.attempt)
    return await Job.filter(kind=JobKind.DELETE_ACCOUNT)


async def filled(make: Factory, team: Team, by: User) -> Version:
    """A library of one video with a thread and an upload."""
    video = await Video.create(title="A cut", team_id=team.id, created_by_id=by.id)
    version = await make.version(video)
    thread = await make.comment(version)
    await make.comment(version, parent=thread)
    about: dict[str, Any] = {"team_id": team.id, "video_id": video.id, "created_by_id": by.id}
    await Upload.create(
        **about, version_id=version.id, file_name="a", size=1, part_size=1, storage_key="k", storage_upload_id="u",
        expires_at=utc_now(),
    )  # fmt: skip
    await Job.create(kind=JobKind.INGEST, queue="media", available_at=utc_now(), state=JobState.SUCCEEDED, **about)
    return version


def mails(folder) -> list[str]:
    return [file.read_text() for file in sorted((folder / "mailbox").glob("*.eml"))]


async def test_nothing_tells_any_more_who_it_was(ada, sweep, attempts, means, folder) -> None:
    eve = await User.create(name="Eve", email="eve@example.com", password_hash="x")
    shared = await team("Shared", ada=(ada, Role.EDITOR), eve=(eve, Role.OWNER))
    version = await filled(Factory("http://test"), shared, ada)
    (folder / "picture").write_bytes(b"x")
    await means.storage.store(folder / "picture", f"users/{ada.id}/avatars/1/1/avatar.webp", content_type="image/webp")
    (job,) = await swept(sweep, attempts)
    assert (job.state, job.created_by_id) == (JobState.SUCCEEDED, ada.id)
    gone = await User.get(id=ada.id)
    assert (gone.name, gone.email) == ("Deleted user", f"{ada.id}@deleted.invalid")
    assert (gone.password_hash, gone.avatar_key, gone.deletion_at, gone.time_zone) == (None, None, None, "UTC")
    for model in (Session, MailedLink, SignUp):
        assert await model.all().count() == 0, model
    assert [member.user_id for member in await Member.all()] == [eve.id]
    assert (await Version.get()).id == version.id, "what they made stays with the team"
    assert await means.storage.keys(f"users/{ada.id}/") == []
    told = await EventRecord.filter(type="account.deleted")
    assert {event.team_id for event in told} == {None, shared.id}
    (mail,) = mails(folder)
    assert "To: ada@example.com" in mail
    await swept(sweep, attempts)
    assert await Job.filter(kind=JobKind.DELETE_ACCOUNT).count() == 1


async def test_teams_in_which_they_were_alone_go_with_everything(ada, sweep, attempts, means, folder) -> None:
    eve = await User.create(name="Eve", email="eve@example.com", password_hash="x")
    make = Factory("http://test")
    alone, others = await team("Alone", ada=(ada, Role.OWNER)), await team("Others", eve=(eve, Role.OWNER))
    await filled(make, alone, ada)
    kept = await filled(make, others, eve)
    for owner in (alone, others):
        (folder / f"{owner.name}").write_bytes(b"x")
        await means.storage.store(folder / owner.name, f"teams/{owner.id}/file", content_type="video/mp4")
    await swept(sweep, attempts)
    for model in (Team, Video, Version, Upload, Member):
        assert await model.all().count() == 1, model
    assert await Comment.filter(team_id=alone.id).count() == 0
    assert (await Version.get()).id == kept.id
    assert [await means.storage.keys(f"teams/{owner.id}/") for owner in (alone, others)] == [
        [], [f"teams/{others.id}/file"],
    ]  # fmt: skip


async def test_an_address_that_they_had_when_they_were_invited_goes_too(ada, sweep, attempts) -> None:
    eve = await User.create(name="Eve", email="eve@example.com", password_hash="x")
    shared, now = await team("Shared", eve=(eve, Role.OWNER)), utc_now()
    values = {"team_id": shared.id, "created_by_id": eve.id, "role": Role.VIEWER, "sent_at": now, "expires_at": now}
    invitations = [
        await Invitation.create(email=f"{name}.former@example.com", accepted_at=now, **values)
        for name in ("ada", "eve")
    ]
    for user, invitation in zip((ada, eve), invitations, strict=True):
        member = await Member.get_or_create(team_id=shared.id, user_id=user.id, defaults={"role": Role.VIEWER})
        about = {"member_id": member[0].id, "user_id": user.id, "role": "viewer", "is_new": False}
        async with transaction():
            joined = MemberJoined(team_id=shared.id, actor_id=user.id, invitation_id=invitation.id, **about)
            await record(joined, now)
    await swept(sweep, attempts)
    kept = [(await Invitation.get(id=invitation.id)).email for invitation in invitations]
    assert kept == [f"{ada.id}@deleted.invalid", "eve.former@example.com"]


async def test_a_team_that_went_with_them_hears_nothing_more_than_that(ada, sweep, attempts) -> None:
    alone = await team("Alone", ada=(ada, Role.OWNER))
    await swept(sweep, attempts)
    assert [event.team_id for event in await EventRecord.filter(type="account.deleted")] == [None]
    assert [event.type for event in await EventRecord.filter(team_id=alone.id)] == ["team.deleted"]


async def test_what_was_being_uploaded_into_it_is_thrown_away(ada, sweep, attempts, means) -> None:
    alone = await team("Alone", ada=(ada, Role.OWNER))
    version = await filled(Factory("http://test"), alone, ada)
    key = f"teams/{alone.id}/open/source"
    begun = await means.storage.start_upload(key)
    about = {"team_id": alone.id, "video_id": version.video_id, "created_by_id": ada.id, "version_id": new_id()}
    await Upload.create(
        **about, file_name="a", size=1, part_size=1, storage_key=key, storage_upload_id=begun, expires_at=utc_now()
    )
    assert await means.storage.parts(key, begun) == []
    await swept(sweep, attempts)
    with pytest.raises(UploadGone):
        await means.storage.parts(key, begun)


async def test_what_the_release_before_wanted_to_have_thrown_away_is(attempts, means) -> None:
    """It deleted a team's rows at once, and left its files, and what was being uploaded, to a job that names them."""
    key = f"teams/{new_id()}/open/source"
    begun = await means.storage.start_upload(key)
    job = await enqueue(JobKind.DISCARD_FILES, prefix=key.removesuffix("open/source"), uploads=[[key, begun]])
    await attempts.wake({}, str(job.id), job.attempt)
    assert (await Job.get(id=job.id)).state is JobState.SUCCEEDED
    with pytest.raises(UploadGone):
        await means.storage.parts(key, begun)


async def test_who_sends_to_webhooks_waits_for_none_of_it(ada, sweep, attempts, database_url, monkeypatch) -> None:
    """A lane that is held is waited for by who drives it, and so by all others that they drive."""
    alone, free = await team("Alone", ada=(ada, Role.OWNER)), list[int]()
    await endpoint(alone)

    async def looks_first(user: User, now: datetime) -> None:
        elsewhere = await asyncpg.connect(database_url)
        free.append(await elsewhere.fetchval(FREE))
        await elsewhere.close()
        await forget(user, now)

    monkeypatch.setattr("workers.deletions.forget", looks_first)
    await swept(sweep, attempts)
    assert free == [1]
    assert not await Team.exists(id=alone.id)


async def test_no_invitation_and_no_mail_keeps_the_address(ada, sweep, attempts) -> None:
    eve = await User.create(name="Eve", email="eve@example.com", password_hash="x")
    others, now = await team("Others", eve=(eve, Role.OWNER)), utc_now()
    values: dict[str, Any] = {"team_id": others.id, "created_by_id": eve.id, "role": Role.VIEWER}
    values |= {"sent_at": now, "expires_at": now + timedelta(days=7)}
    waiting = await Invitation.create(email=ada.email, **values)
    accepted = await Invitation.create(email=ada.email, accepted_at=now, **values)
    other = await Invitation.create(email="grace@example.com", **values)
    link = {"locale": "en", "subject_id": waiting.id, "expires_at": now + timedelta(days=7)}
    await MailedLink.create(kind=LinkKind.INVITATION, email=ada.email, **link)
    await swept(sweep, attempts)
    for invitation in (waiting, accepted, other):
        await invitation.refresh_from_db()
    assert waiting.email == accepted.email == f"{ada.id}@deleted.invalid"
    assert (waiting.revoked_at is None, accepted.revoked_at) == (False, None)
    assert (other.email, other.revoked_at) == ("grace@example.com", None)
    assert await MailedLink.all().count() == 0
    (told,) = await EventRecord.filter(type="invitation.revoked")
    assert (told.team_id, told.payload["invitation_id"]) == (others.id, str(waiting.id))
    (mail,) = await Job.filter(kind=JobKind.MAIL)
    assert (mail.state, set(mail.payload)) == (JobState.SUCCEEDED, {"kind", "locale"})


async def test_who_has_become_the_last_owner_waits_and_hears_of_it(ada, sweep, attempts, folder) -> None:
    eve = await User.create(name="Eve", email="eve@example.com", password_hash="x")
    orphan = await team("Engines", ada=(ada, Role.OWNER), eve=(eve, Role.VIEWER))
    await swept(sweep, attempts)
    still = await User.get(id=ada.id)
    assert still.email == ada.email
    assert still.deletion_at > utc_now() + timedelta(days=13)
    (mail,) = mails(folder)
    assert "Engines" in mail
    await Member.filter(team_id=orphan.id, user_id=eve.id).update(role=Role.OWNER)
    await User.filter(id=ada.id).update(deletion_at=utc_now() - GONE)
    await Job.filter(kind=JobKind.DELETE_ACCOUNT).update(created_at=utc_now() - timedelta(days=2))
    await swept(sweep, attempts)
    assert (await User.get(id=ada.id)).name == "Deleted user"
    assert await Member.filter(team_id=orphan.id).count() == 1


async def test_who_thought_better_of_it_meanwhile_stays(ada, sweep, attempts, folder) -> None:
    await sweep.keep_house()
    await User.filter(id=ada.id).update(deletion_at=None)
    await swept(sweep, attempts)
    assert (await User.get(id=ada.id)).email == ada.email
    assert await Session.all().count() == 1
    assert mails(folder) == []


async def test_whose_time_has_not_come_is_left_alone(ada, sweep, attempts) -> None:
    await User.filter(id=ada.id).update(deletion_at=utc_now() + timedelta(minutes=1))
    assert await swept(sweep, attempts) == []


async def test_a_picture_that_is_being_made_is_withdrawn(ada, sweep, attempts) -> None:
    values = {"queue": "media", "available_at": utc_now() + timedelta(days=1), "payload": {"content": "x"}}
    job = await Job.create(kind=JobKind.AVATAR, created_by_id=ada.id, **values)
    await swept(sweep, attempts)
    await job.refresh_from_db()
    assert (job.state, job.payload) == (JobState.CANCELLED, {})


async def test_links_that_are_over_are_forgotten(ada, sweep) -> None:
    await MailedLink.all().update(expires_at=utc_now() - GONE)
    await sweep.forget_old_accounts(utc_now())
    assert await MailedLink.all().count() == 0
