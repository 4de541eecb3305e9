"""The questions of the relay, of its consumers, of the sweeper, of the workers and of `/metrics`."""

from datetime import timedelta
from uuid import uuid4

from domain.clock import utc_now
from domain.jobs import JobState
from domain.viewers import Viewer
from local.large.keys import LASTING
from models import (
    AuditEntry,
    Comment,
    ConsumerCursor,
    EventRecord,
    FrameTable,
    Job,
    Lane,
    Mention,
    Notification,
    Upload,
    User,
    Version,
    Video,
    Webhook,
    WebhookDelivery,
    WebhookDiscard,
    lanes,
)
from models.discards import discard
from models.events import backlog, parked
from models.forgetting import forget_of, forget_old
from models.jobs import waiting
from models.remarks import remarks
from models.tenancy import delete_owned
from tests.large.cases import World, case, undone
from workers.consumers import Tools, discard_failed_uploads, wake_workers
from workers.deletions import forget
from workers.follower import PAGE
from workers.relay import number
from workers.sweeper import Sweeper
from workers.tide import Tide

POSITION = "events_position_key"
NUMBERING = "relay: numbering"
REFERENCES = {
    "api_keys": ("user_id",),
    "comments": ("team_id", "video_id", "version_id", "parent_id"),
    "members": ("team_id",),
    "notifications": ("user_id", "team_id", "video_id"),
    "sessions": ("user_id", "team_id"),
    "uploads": ("team_id", "video_id", "job_id"),
    "versions": ("team_id", "video_id", "restored_from_id", "frame_table_id"),
}
"""What may be deleted, or will be, is looked for in these columns first."""


@case(NUMBERING, POSITION)
async def _number(world: World) -> None:
    tide = Tide()
    await number(world.connection, tide)
    assert tide.position >= world.library.sizes.events


@case("relay: following", POSITION, "consumer_cursors_pkey")
async def _follow(world: World) -> None:
    cursor = await ConsumerCursor.get(consumer="live")
    assert await EventRecord.filter(position__gt=cursor.position - 1000).order_by("position").limit(PAGE)
    async with undone():
        await ConsumerCursor.filter(consumer="live", position=cursor.position).update(position=0, failures=0)


@case("relay: consumers", "jobs_pkey", "idx_uploads_job")
async def _consume(world: World) -> None:
    tools = Tools(None, utc_now)  # no job of these waits, so nobody is to be woken
    told = await EventRecord.filter(position__gt=100, type="job.succeeded").order_by("position").limit(1)
    await wake_workers(told, tools)
    async with undone():
        await discard_failed_uploads(told, tools)
        await AuditEntry.keep([event.id for event in told])


@case("sweeper: jobs", "idx_jobs_running", "idx_jobs_queued", by_value=True)
async def _sweep_jobs(world: World) -> None:
    sweeper, now = _sweeper(), utc_now()
    await sweeper.take_back_lost_jobs(now)
    await sweeper.wake_forgotten_jobs(now)


@case("sweeper: uploads", "idx_uploads_state_expires", by_value=True)
async def _sweep_uploads(world: World) -> None:
    await _sweeper().close_expired_uploads(utc_now())


@case("sweeper: videos", "idx_videos_deleted_at", "idx_jobs_purges", by_value=True)
async def _sweep_videos(world: World) -> None:
    await _sweeper().purge_old_videos(utc_now())


@case("sweeper: accounts that shall go", "idx_users_deletion", "idx_jobs_own", by_value=True)
async def _sweep_due_accounts(world: World) -> None:
    await _sweeper().delete_due_accounts(utc_now())


@case("sweeper: teams", "idx_teams_deletion_at", "idx_jobs_team_purges", by_value=True)
async def _sweep_teams(world: World) -> None:
    await _sweeper().purge_old_teams(utc_now())


@case(
    "sweeper: accounts",
    "idx_mailed_links_expires_at",
    "idx_sign_ups_expires_at",
    "idx_sessions_ended_at",
    "idx_sessions_expires_at",
    "idx_api_keys_expires_at",
    "idx_api_keys_revoked_at",
    by_value=True,
)
async def _sweep_accounts(world: World) -> None:
    await _sweeper().forget_old_accounts(utc_now())


@case("sweeper: jobs of no team", "idx_jobs_ended", "jobs_pkey")
async def _sweep_old_jobs(world: World) -> None:
    await _sweeper().forget_old_jobs(utc_now())


@case("sweeper: what deleted comments said", "idx_comment_edits_withdrawn", "idx_comments_deleted_images")
async def _sweep_deleted_comments(world: World) -> None:
    await _sweeper().forget_deleted_comments(utc_now())


@case("sweeper: idempotency keys", "idx_idempotency_keys_created_at")
async def _sweep_old_keys(world: World) -> None:
    await _sweeper().forget_old_keys(utc_now())


@case("sweeper: mails of what is new", "idx_users_mail_at", by_value=True)
async def _sweep_mails(world: World) -> None:
    await _sweeper().mail_what_is_new(utc_now())


@case("sweeper: notifications", "idx_notifications_read")
async def _sweep_notifications(world: World) -> None:
    await _sweeper().forget_old_notifications(utc_now())


@case(
    "relay: whom a comment concerns",
    *("comments_pkey", "idx_comments_parent_created", "uid_notifications_unread", "uid_mentions_comment_1f61af"),
)
async def _concern(world: World) -> None:
    room = await Comment.filter(version_id=world.places.room_version_id, parent_id__isnull=False).limit(1)
    (remark,) = await remarks([each.id for each in room])
    assert len(remark.talkers) > 1
    async with undone():
        await Mention.told({each.id: [world.places.owner_id] for each in room}, utc_now())
    await Notification.unmailed(Viewer(world.places.owner_id))


@case(
    "workers: removing an account",
    "idx_invitations_email",
    "idx_events_subjects",
    "idx_mailed_links_email",
    "idx_sign_ups_email",
    "idx_sessions_user",
    "idx_api_keys_user_created",
)
async def _delete_account(world: World) -> None:
    async with undone():
        await forget(await User.get(id=world.places.owner_id), utc_now())


@case("workers: a job's life", "jobs_pkey")
async def _work(world: World) -> None:
    job_id, now = world.work.ids[world.job(JobState.QUEUED)], utc_now()
    async with undone():
        await Job.claim(job_id, 1, now + timedelta(days=365_00), timedelta(seconds=15))
    job = await Job.get(id=job_id)
    job.lease_token = uuid4()
    assert not await job.renew(now)
    await Upload.get(id=world.work.upload_ids[0])


@case(
    "workers: removing a video",
    "idx_notifications_video",
    "idx_uploads_video",
    "idx_comments_video_created",
    "idx_comment_edits_comment_created",
    "idx_frame_tables_video",
)
async def _purge(world: World) -> None:
    drafts = [place for place, versions in enumerate(world.library.videos.versions.tolist()) if not versions]
    draft_id = world.library.videos.ids[drafts[0]]
    async with undone():
        await Upload.filter(video_id=world.places.video_id).delete()
        await Notification.filter(video_id=world.places.video_id).delete()
        await Comment.purge(world.places.video_id)
        await Version.filter(
            video_id=draft_id
        ).delete()  # with no comments on them, so that each can be asked by itself
        await FrameTable.filter(video_id=draft_id).delete()
        await Video.filter(id=draft_id).delete()


@case(
    "workers: removing a team",
    "idx_jobs_team",
    "idx_comments_team",
    "idx_versions_team",
    "idx_notifications_team",
    "idx_events_subjects",
    "idx_webhook_deliveries_team",
    "idx_webhook_attempts_team",
    "idx_webhook_lanes_team",
    "idx_webhook_bodies_team",
    "idx_webhook_discards_team",
)
async def _purge_team(world: World) -> None:
    async with undone():
        await delete_owned(uuid4())


@case(
    "looking for references",
    "idx_comments_team", "idx_comments_video_created", "idx_comments_version_start", "idx_comments_parent_created",
    "idx_api_keys_user_created", "idx_members_team", "idx_sessions_user", "idx_sessions_team",
    "idx_uploads_team", "idx_uploads_video", "idx_uploads_job",
    "idx_versions_team", "idx_versions_restored_from", "idx_versions_frame_table",
)  # fmt: skip
async def _references(world: World) -> None:
    for table, columns in REFERENCES.items():
        for column in columns:
            # As PostgreSQL itself asks before it deletes what is referred to.
            text = f"SELECT 1 FROM ONLY {table} x WHERE $1 OPERATOR(pg_catalog.=) {column} FOR KEY SHARE OF x"
            await world.connection.fetch(text, uuid4())


@case(
    "workers: carrying deliveries",
    *("idx_webhook_lanes_due", "idx_webhook_deliveries_due", "idx_webhook_deliveries_order"),
    "idx_webhook_attempts_sending",
)
async def _carry(world: World) -> None:
    later, token = LASTING + timedelta(days=1), uuid4()
    async with undone():
        await Lane.all().update(lease_token=uuid4())  # as lost workers leave them
        taken = await lanes.take(3, token, later, timedelta(seconds=15))
        assert len(taken) == 3
        hooks = [lane["webhook_id"] for lane in taken]
        begun = await lanes.claim(dict.fromkeys(hooks, 4), token, later)
        assert begun
        await lanes.release(hooks, token)
        await lanes.stir(hooks, later)


@case("workers: from where on a new webhook hears", "idx_events_subjects", "idx_webhooks_team_created")
async def _hear(world: World) -> None:
    hook = await Webhook.get(team_id=world.places.big_team_id)
    async with undone():
        await Webhook.filter(id=hook.id).update(hears_from=None)
        (new,) = await Webhook.hearing([hook.team_id])
        assert new.hears_from is None, "the library has no event of its making"


@case(
    "workers: webhooks and their ends",
    *("idx_webhooks_api_key", "idx_webhooks_deleted_at", "idx_webhooks_older_until"),
    *("idx_webhook_bodies_created", "webhook_bodies_pkey"),
    *("uid_webhook_del_event_i_1720da", "idx_webhook_deliveries_due"),
)
async def _end_webhooks(world: World) -> None:
    now = utc_now()
    assert await Webhook.keyless(now) == []
    assert await Webhook.drop_ended_secrets(now, 10) == 0
    hook = await Webhook.get(team_id=world.places.big_team_id)
    async with undone():
        assert await WebhookDelivery.resend_failed(hook.id, now - timedelta(days=3), now)
        assert await discard(hook.id, now)
        (discarded,) = await WebhookDiscard.all().order_by("created_at").limit(10)
        since = await discarded.write(None, 2)
        assert since
        assert await discarded.write(since, 10_000) is None
    async with undone():
        assert await Webhook.ended(10) == []
        assert await forget_old(now - timedelta(days=29), None, 10)
        assert await forget_of(hook.id, None, 10)
        assert await Webhook.bury(10) == 0


@case("metrics", "idx_jobs_queued", POSITION)
async def _metrics(world: World) -> None:
    assert await waiting()
    assert await backlog()
    assert await parked() == {}


def _sweeper() -> Sweeper:
    """One that finds nothing to do, so that it asks nobody but the database."""
    return Sweeper(None, utc_now, 3, timedelta(seconds=10), timedelta(days=30))
