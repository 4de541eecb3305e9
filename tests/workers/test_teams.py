"""The end of a team: found in time, whole, and nothing beside it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tortoise import Tortoise
from tortoise.fields.base import OnDelete
from tortoise.fields.relational import ForeignKeyFieldInstance

from domain.clock import utc_now
from domain.comments import ReactionKind
from domain.events import WebhookPaused
from domain.frame_tables import packed
from domain.ids import new_id
from domain.jobs import JobKind, JobState
from domain.links import LinkKind
from domain.notifications import NotificationKind
from domain.permissions import Role
from gateways.storage import Storage, UploadGone
from models import (
    AuditEntry,
    Comment,
    CommentEdit,
    EventRecord,
    FrameTable,
    Invitation,
    Job,
    Lane,
    MailedLink,
    Member,
    Mention,
    Notification,
    ParkedEvent,
    Reaction,
    Session,
    Team,
    Upload,
    User,
    Version,
    Video,
    Webhook,
    WebhookAttempt,
    WebhookBody,
    WebhookDelivery,
    WebhookDiscard,
    tenancy,
)
from models.database import raw_connection, transaction
from models.events import record
from models.tenancy import owned
from tests.api.test_team_races import waits_for
from tests.waiting import until
from tests.workers.conftest import enqueue
from workers import teams  # noqa: F401 - declares what it handles
from workers.attempts import Attempts
from workers.jobs import Means
from workers.sweeper import Sweeper

BEYOND = timedelta(seconds=1)


@pytest.fixture
def sweep(means: Means) -> Sweeper:
    return Sweeper(means.redis, utc_now, attempts=2, patience=timedelta(seconds=1), jobs_kept=timedelta(days=30))


async def a_team(name: str, **values: Any) -> Team:
    """A team with a row in every table that belongs to teams, and in those beside them."""
    user = await User.create(name="Ada", email=f"{new_id()}@example.com", password_hash="none")
    team = await Team.create(name=name, **values)
    made = {"team_id": team.id, "created_by_id": user.id}
    await Member.create(team_id=team.id, user_id=user.id, role=Role.OWNER)
    await Session.create(user_id=user.id, token_hash=str(new_id()), expires_at=utc_now(), team_id=team.id)
    video = await Video.create(title="A cut", **made)
    version = await _version(video, made)
    await Version.filter(id=version.id).update(restored_from_id=(await _version(video, made, number=2)).id)
    about = made | {"video_id": video.id}
    await Version.filter(id=version.id).update(frame_table_id=(await FrameTable.create(packed=packed([0]), **about)).id)
    thread = await Comment.create(version_id=version.id, body="Hm", start_ms=0, **about)
    await Comment.create(version_id=version.id, body="Yes", start_ms=0, parent_id=thread.id, **about)
    await Notification.create(
        user_id=user.id, kind=NotificationKind.COMMENT, about_id=video.id, team_id=team.id, video_id=video.id,
        comment_id=thread.id, people=[str(user.id)], count=1, latest_at=utc_now(), position=1,
    )  # fmt: skip
    await CommentEdit.of(thread, utc_now()).save(force_create=True)
    await Mention.create(user_id=user.id, comment_id=thread.id, **made)
    await Reaction.by(user.id, thread, ReactionKind.EYES, utc_now()).save(force_create=True)
    async with transaction():
        job = await Job.enqueue(JobKind.INGEST, utc_now(), payload={"upload_id": "x"}, team_id=team.id)
    await Upload.create(
        job_id=job.id, version_id=version.id, file_name="a", size=1, part_size=1, storage_key="k",
        storage_upload_id="u", expires_at=utc_now(), **about,
    )  # fmt: skip
    invitation = await Invitation.create(
        email="grace@example.com", role=Role.EDITOR, sent_at=utc_now(), expires_at=utc_now(), **made
    )
    await MailedLink.create(
        kind=LinkKind.INVITATION, email="grace@example.com", locale="en", expires_at=utc_now(), subject_id=invitation.id
    )
    await AuditEntry.create(
        team_id=team.id, actor_id=made["created_by_id"], type="video.edited", subjects=[], details={}, position=0
    )
    webhook = await Webhook.create(url="https://receiver.example/", edition=1, sealed_secret="", **made)
    await Lane.of(webhook.id, team.id, utc_now()).save(force_create=True)
    sent = {"team_id": team.id, "webhook_id": webhook.id}
    body = await WebhookBody.create(team_id=team.id, event_id=new_id(), edition=1, body="{}")
    what = {"event_id": body.event_id, "body_id": body.id, "queue_id": webhook.id}
    delivery = await WebhookDelivery.create(event_type="a.b", position=1, **what, **sent)
    await WebhookDiscard.create(**sent)
    await WebhookAttempt.create(delivery_id=delivery.id, number=1, **sent)
    event = await EventRecord.get(team_id=team.id, type="job.queued")
    await ParkedEvent.create(consumer="live", event_id=event.id, error="no luck")
    return team


async def _version(video: Video, made: dict[str, Any], number: int = 1) -> Version:
    numbers = dict.fromkeys(
        ("size", "duration_ms", "width", "height", "rotation", "frame_rate_numerator", "frame_rate_denominator",
         "frame_count", "bit_rate"), 1,
    )  # fmt: skip
    texts = dict.fromkeys(
        ("file_name", "file_key", "proxy_key", "poster_key", "sha256", "container", "video_codec"), "x"
    )
    return await Version.create(video_id=video.id, number=number, variable_frame_rate=False, **numbers, **texts, **made)


async def purge(attempts: Attempts, team: Team) -> Job:
    job = await enqueue(JobKind.PURGE_TEAM, team_id=str(team.id))
    await attempts.wake({}, str(job.id), 1)
    return await Job.get(id=job.id)


async def mentions(needle: str) -> dict[str, int]:
    """In how many rows of each table the text is found."""
    async with raw_connection() as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = {
            name: await connection.fetchval(f'SELECT count(*) FROM "{name}" t WHERE strpos(t::text, $1) > 0', needle)
            for (name,) in tables
        }
    return {name: rows for name, rows in found.items() if rows}


async def test_nothing_of_a_team_is_left_and_nothing_else_is_touched(
    attempts: Attempts, means: Means, folder: Path
) -> None:
    gone, other = await a_team("Gone", deletion_at=utc_now() - BEYOND), await a_team("Other")
    (folder / "file").write_bytes(b"abc")
    for team in (gone, other):
        await means.storage.store(folder / "file", f"teams/{team.id}/videos/1/original", content_type="video/mp4")
    ours = {model._meta.db_table for model in owned()}
    everything = await mentions(str(gone.id))
    assert ours <= everything.keys(), "a new table of teams wants a row in `a_team`"
    kept = await mentions(str(other.id))
    rows = {name: await _rows(name) for name in ("users", "mailed_links", "parked_events", "sessions")}

    assert (await purge(attempts, gone)).state is JobState.SUCCEEDED
    assert await mentions(str(gone.id)) == {"events": 1, "jobs": 1}
    assert await mentions(str(other.id)) == kept
    event = await EventRecord.get(team_id=gone.id)
    assert (event.type, event.payload, event.event().revokes) == ("team.deleted", {}, True)
    assert (await Job.get(kind=JobKind.PURGE_TEAM)).team_id is None
    assert await means.storage.keys(f"teams/{gone.id}/") == []
    assert await means.storage.keys(f"teams/{other.id}/") == [f"teams/{other.id}/videos/1/original"]
    after = {name: await _rows(name) for name in rows}
    assert after == rows | {"mailed_links": rows["mailed_links"] - 1, "parked_events": rows["parked_events"] - 1}
    assert await Session.filter(team_id__isnull=True).count() == 1


async def _rows(table: str) -> int:
    async with raw_connection() as connection:
        return int(await connection.fetchval(f'SELECT count(*) FROM "{table}"'))


async def test_what_was_being_uploaded_into_it_is_thrown_away(attempts: Attempts, means: Means) -> None:
    """Parts are no files: nothing finds them by their key's beginning."""
    gone, other = await a_team("Gone", deletion_at=utc_now() - BEYOND), await a_team("Other")
    begun = {team.id: await _begun(means.storage, team) for team in (gone, other)}
    assert [await means.storage.parts(*each) for each in begun.values()] == [[], []]
    assert (await purge(attempts, gone)).state is JobState.SUCCEEDED
    with pytest.raises(UploadGone):
        await means.storage.parts(*begun[gone.id])
    assert await means.storage.parts(*begun[other.id]) == []


async def _begun(storage: Storage, team: Team) -> tuple[str, str]:
    """An upload of which the storage has heard: its key and id."""
    key = f"teams/{team.id}/open/original"
    upload_id = await storage.start_upload(key)
    before = await Upload.get(team_id=team.id)
    await Upload.create(
        team_id=team.id, video_id=before.video_id, created_by_id=before.created_by_id, version_id=new_id(),
        file_name="a", size=1, part_size=1, storage_key=key, storage_upload_id=upload_id, expires_at=utc_now(),
    )  # fmt: skip
    return key, upload_id


async def test_a_purge_that_broke_off_goes_on(attempts: Attempts, means: Means) -> None:
    team = await a_team("Gone", deletion_at=utc_now() - BEYOND)
    for model in (CommentEdit, Reaction, Mention, Comment, Upload):
        await model.filter(team_id=team.id).delete()
    assert (await purge(attempts, team)).state is JobState.SUCCEEDED
    assert (await purge(attempts, team)).state is JobState.SUCCEEDED
    assert not await Team.exists(id=team.id)
    assert await EventRecord.filter(type="team.deleted").count() == 1


async def test_what_a_worker_stores_while_it_goes_goes_too(
    attempts: Attempts, means: Means, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is under way may end well until its row is gone; a team that goes with an account may be busy."""
    team = await a_team("Gone", deletion_at=utc_now() - BEYOND)
    (folder / "file").write_bytes(b"abc")

    async def stores_first(team_id: UUID) -> None:
        await means.storage.store(folder / "file", f"teams/{team_id}/videos/1/proxy.mp4", content_type="video/mp4")
        await tenancy.delete_owned(team_id)

    monkeypatch.setattr("workers.teams.delete_owned", stores_first)
    assert (await purge(attempts, team)).state is JobState.SUCCEEDED
    assert await means.storage.keys(f"teams/{team.id}/") == []


async def test_what_happens_to_something_of_it_while_it_goes_is_forgotten_too(
    attempts: Attempts, database_url: str
) -> None:
    """Its webhooks are paused by whoever finds that the keys with which they were made went with an account."""
    team = await a_team("Gone", deletion_at=utc_now() - BEYOND)
    webhook, elsewhere = await Webhook.get(team_id=team.id), await asyncpg.connect(database_url)
    async with elsewhere.transaction():
        await elsewhere.execute("SELECT FROM webhooks WHERE id = $1 FOR UPDATE", webhook.id)
        purging = asyncio.create_task(purge(attempts, team))
        await until(lambda: waits_for("webhooks"))
        paused = WebhookPaused(team_id=team.id, actor_id=None, webhook_id=webhook.id, reason="key_ended")
        async with transaction():
            await record(paused, utc_now())
    await elsewhere.close()
    assert (await purging).state is JobState.SUCCEEDED
    assert [event.type for event in await EventRecord.filter(team_id=team.id)] == ["team.deleted"]


async def test_of_two_purges_at_once_one_tells_that_it_is_gone(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = await a_team("Gone", deletion_at=utc_now() - BEYOND)

    async def comes_late(team_id: UUID) -> None:
        monkeypatch.undo()
        await tenancy.delete_owned(team_id)
        assert (await purge(attempts, team)).state is JobState.SUCCEEDED

    monkeypatch.setattr("workers.teams.delete_owned", comes_late)
    assert (await purge(attempts, team)).state is JobState.SUCCEEDED
    assert await EventRecord.filter(type="team.deleted").count() == 1


@pytest.mark.parametrize("deletion_at", [None, timedelta(days=1)])
async def test_a_team_that_lasts_or_was_brought_back_stays(attempts: Attempts, deletion_at: timedelta | None) -> None:
    team = await a_team("Stays", deletion_at=deletion_at and utc_now() + deletion_at)
    before = await mentions(str(team.id))
    assert (await purge(attempts, team)).state is JobState.SUCCEEDED
    assert await mentions(str(team.id)) == before | {"jobs": before["jobs"] + 1}


async def test_a_team_whose_time_has_come_is_purged_once(sweep: Sweeper) -> None:
    old = await Team.create(name="Old", deletion_at=utc_now() - BEYOND)
    await Team.create(name="Waits", deletion_at=utc_now() + timedelta(minutes=1))
    await Team.create(name="Lasts")
    await sweep.keep_house()
    await sweep.keep_house()
    job = await Job.get(kind=JobKind.PURGE_TEAM)
    assert job.payload == {"team_id": str(old.id)}
    # One that failed is tried again, a day later.
    await Job.filter(id=job.id).update(ended_at=utc_now(), created_at=utc_now() - timedelta(days=2))
    await sweep.keep_house()
    assert await Job.filter(kind=JobKind.PURGE_TEAM).count() == 2


async def test_nobody_begins_to_send_anything_of_which_parts_are_about_to_go(
    models: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what a team owns its lanes go first."""
    asked = list[str]()

    class Asked:
        async def execute(self, statement: str, *_: Any, **__: Any) -> None:
            asked.append(statement)

    @asynccontextmanager
    async def connection() -> AsyncIterator[Asked]:
        yield Asked()

    monkeypatch.setattr(tenancy, "raw_connection", connection)
    await tenancy.delete_owned(new_id())
    assert "FROM webhook_lanes" in asked[0]
    assert sum("FROM webhook_deliveries" in each for each in asked) == 1


async def test_whatever_refers_to_what_a_team_owns_is_owned_by_a_team(models: None) -> None:
    """Else a new table would keep a team from going: it needs a `team_id`, or lets go of what it refers to."""
    ours = {Team, *owned()}
    for model in Tortoise.apps["models"].values():
        for field in model._meta.fields_map.values():
            if isinstance(field, ForeignKeyFieldInstance) and field.related_model in ours:
                assert model in ours or field.on_delete is OnDelete.SET_NULL, (model, field.model_field_name)


async def test_nothing_goes_before_what_refers_to_it(models: None) -> None:
    order = owned()
    for place, model in enumerate(order):
        for field in model._meta.fields_map.values():
            if isinstance(field, ForeignKeyFieldInstance) and field.on_delete is not OnDelete.SET_NULL:
                assert field.related_model not in order[:place], (model, field.model_field_name)
