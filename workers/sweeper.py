"""What nobody reports: lost workers, lost wakes, things whose time has run out. Run by the active relay."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from arq.connections import ArqRedis
from tortoise.expressions import Q, Subquery

from domain import comments
from domain.clock import Clock
from domain.idempotency import KEPT
from domain.jobs import JobFault, JobKind, JobState, Queue
from domain.notifications import KEPT as NOTIFICATIONS_KEPT
from domain.uploads import UploadState
from domain.videos import RESTORABLE
from models import (
    ApiKey,
    Comment,
    CommentEdit,
    IdempotencyKey,
    Invitation,
    Job,
    MailedLink,
    Notification,
    Session,
    SignUp,
    Team,
    Upload,
    User,
    Video,
    Webhook,
)
from models.database import transaction
from models.maintenance import is_on
from workers.notifications import mail_if_due
from workers.pausing import pause_keyless
from workers.wakes import wake_again

log = structlog.stdlib.get_logger(__name__)

MOST = 200
"""Rows that one sweep takes of a kind; the next one takes the next."""
MOST_FORGOTTEN = 1000
"""Jobs, or idempotency keys, that are deleted by one statement, which has to end before its time is up."""
SESSION_KEPT = timedelta(days=30)
"""How long a session or an API key that has ended is kept."""
INVITATION_KEPT = timedelta(days=30)
"""How long an invitation that led to nothing is kept: its address is of somebody who may never have heard of us, or who
has another one by now, so that it would not go with their account."""
PURGE_AGAIN = timedelta(days=1)
"""A purge that has failed is tried anew after this long."""


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Looks over everything once each time it is called, but in maintenance: what it would begin can wait.

    `patience` is how long a wake may go unanswered, `jobs_kept` how long jobs of no team stay once they have ended.
    """

    redis: ArqRedis
    clock: Clock
    attempts: int
    patience: timedelta
    jobs_kept: timedelta

    async def __call__(self) -> None:
        """What must be found within seconds. The parts are independent: errors are raised after all have been tried."""
        if await is_on():
            return
        lost = (self.take_back_lost_jobs, self.wake_forgotten_jobs, self.close_expired_uploads)
        await _all((*lost, self.mail_what_is_new), self.clock())

    async def keep_house(self) -> None:
        """What can wait for some minutes."""
        if await is_on():
            return
        due = (self.purge_old_videos, self.purge_old_teams, self.delete_due_accounts, self.pause_keyless_webhooks)
        old = (self.forget_old_accounts, self.forget_old_invitations, self.forget_old_jobs, self.forget_old_keys)
        forgotten = (*old, self.forget_old_notifications, self.forget_deleted_comments, self.forget_ended_secrets)
        await _all((*due, *forgotten), self.clock())

    async def take_back_lost_jobs(self, now: datetime) -> None:
        """Jobs whose lease has run out go back to the queue, or have failed when that has happened too often."""
        lost = Job.filter(state=JobState.RUNNING, lease_until__lt=now).order_by("lease_until").limit(MOST)
        for job_id in await _ids(lost.values_list("id", flat=True)):
            async with transaction():
                still = Job.filter(id=job_id, state=JobState.RUNNING, lease_until__lt=now)
                job = await still.select_for_update(skip_locked=True).get_or_none()
                if job is not None:
                    await self._take_back(job, now)

    async def _take_back(self, job: Job, now: datetime) -> None:
        log.warning("job.worker_lost", job_id=str(job.id), kind=job.kind.value, attempt=job.attempt)
        if job.failures + 1 >= self.attempts:
            await job.fail(JobFault.WORKER_LOST, {"attempts": self.attempts}, now)
        else:
            await job.try_again(now, now)

    async def wake_forgotten_jobs(self, now: datetime) -> None:
        """Queued jobs that nobody took although they could have been: their wake may be lost."""
        for queue in Queue:
            waiting = Job.filter(queue=queue, state=JobState.QUEUED, available_at__lt=now - self.patience)
            jobs = await waiting.order_by("available_at").limit(MOST)
            if jobs and (lost := await wake_again(self.redis, jobs)):
                log.info("job.woken_again", queue=queue.value, jobs=len(lost))

    async def close_expired_uploads(self, now: datetime) -> None:
        """Uploads that were not completed in time are thrown away."""
        expired = Upload.filter(state=UploadState.OPEN, expires_at__lt=now).limit(MOST)
        for upload_id in await _ids(expired.values_list("id", flat=True)):
            async with transaction():
                still = Upload.filter(id=upload_id, state=UploadState.OPEN, expires_at__lt=now)
                upload = await still.select_for_update(skip_locked=True).get_or_none()
                if upload is not None:
                    upload.discard()
                    await upload.save()
                    await Job.enqueue(JobKind.DISCARD_UPLOAD, now, payload={"upload_id": str(upload.id)})

    async def mail_what_is_new(self, now: datetime) -> None:
        """Who is due is mailed once, however long ago that was: the mail has all that is new by then."""
        due = User.filter(mail_at__lte=now).order_by("mail_at").limit(MOST)
        for user_id in await _ids(due.values_list("id", flat=True)):
            async with transaction():
                still = User.filter(id=user_id, mail_at__lte=now)
                user = await still.select_for_update(skip_locked=True, no_key=True).get_or_none()
                if user is not None:
                    await mail_if_due(user, now)
                    await user.save(update_fields=["mail_at", "mailed_at"])

    async def purge_old_videos(self, now: datetime) -> None:
        """Videos that nobody can bring back any more are removed for good."""
        known = Job.filter(_tried(now), kind=JobKind.PURGE_VIDEO, video_id__isnull=False).values("video_id")
        old = Video.filter(deleted_at__lt=now - RESTORABLE).exclude(id__in=Subquery(known)).limit(MOST)
        for video_id in await _ids(old.values_list("id", flat=True)):
            async with transaction():
                payload = {"video_id": str(video_id)}
                await Job.enqueue(JobKind.PURGE_VIDEO, now, payload=payload, video_id=video_id)

    async def delete_due_accounts(self, now: datetime) -> None:
        """Accounts whose owners wanted them to go, some time ago."""
        own = Job.filter(_tried(now), team_id__isnull=True, created_by_id__isnull=False, kind=JobKind.DELETE_ACCOUNT)
        due = User.filter(deletion_at__lt=now).exclude(id__in=Subquery(own.values("created_by_id"))).limit(MOST)
        for user_id in await _ids(due.values_list("id", flat=True)):
            async with transaction():
                await Job.enqueue(JobKind.DELETE_ACCOUNT, now, payload={}, created_by_id=user_id)

    async def purge_old_teams(self, now: datetime) -> None:
        """Teams whose deletion was asked for, and was not called off in time, are removed for good."""
        known = await Job.filter(_tried(now), kind=JobKind.PURGE_TEAM)
        old = Team.filter(deletion_at__lt=now).limit(MOST)
        for team_id in await _ids(old.values_list("id", flat=True)):
            payload = {"team_id": str(team_id)}
            if payload not in [job.payload for job in known]:
                async with transaction():
                    await Job.enqueue(JobKind.PURGE_TEAM, now, payload=payload)

    async def forget_old_accounts(self, now: datetime) -> None:
        """Sign-ups and mailed links that are no longer good, and sessions and API keys that ended long ago."""
        await SignUp.filter(expires_at__lt=now).delete()
        await MailedLink.filter(expires_at__lt=now).delete()
        long_ago = now - SESSION_KEPT
        ended = Q(Q(ended_at__lt=long_ago), Q(expires_at__lt=long_ago), join_type=Q.OR)
        await Session.filter(ended).delete()
        over = Q(Q(revoked_at__lt=long_ago), Q(expires_at__lt=long_ago), join_type=Q.OR)
        await ApiKey.filter(over).delete()

    async def forget_old_invitations(self, now: datetime) -> None:
        """Those that nobody accepted while they were good; who could, has a membership that tells of it."""
        await Invitation.filter(accepted_at__isnull=True, expires_at__lt=now - INVITATION_KEPT).delete()

    async def forget_deleted_comments(self, now: datetime) -> None:
        """What comments said and showed that nobody can bring back any more."""
        await CommentEdit.forget(now - comments.RESTORABLE)
        forgotten = Comment.with_forgotten_image(now - comments.RESTORABLE)
        for comment_id in await _ids(Comment.filter(forgotten).limit(MOST).values_list("id", flat=True)):
            async with transaction():
                comment = await Comment.filter(forgotten, id=comment_id).select_for_update().get_or_none()
                if comment is not None:
                    await comment.drop_image(now)

    async def forget_old_jobs(self, now: datetime) -> None:
        """Jobs of no team that ended long ago: mails, mostly. Whatever looks for an ended one looks at the last day."""
        while await Job.forget(now - self.jobs_kept, MOST_FORGOTTEN) == MOST_FORGOTTEN:
            pass

    async def forget_old_notifications(self, now: datetime) -> None:
        """What was read long ago."""
        while await Notification.forget(now - NOTIFICATIONS_KEPT, MOST_FORGOTTEN) == MOST_FORGOTTEN:
            pass

    async def pause_keyless_webhooks(self, now: datetime) -> None:
        """Webhooks whose API keys have expired."""
        await pause_keyless(now)

    async def forget_ended_secrets(self, now: datetime) -> None:
        """Webhooks' secrets that were replaced, and with which nothing is signed any more."""
        while await Webhook.drop_ended_secrets(now, MOST_FORGOTTEN) == MOST_FORGOTTEN:
            pass

    async def forget_old_keys(self, now: datetime) -> None:
        """Idempotency keys that stand for nothing any more."""
        while await IdempotencyKey.forget(now - KEPT, MOST_FORGOTTEN) == MOST_FORGOTTEN:
            pass


def _tried(now: datetime) -> Q:
    """Purges that are still to end, or that are too young to be tried anew."""
    return Q(Q(ended_at__isnull=True), Q(created_at__gt=now - PURGE_AGAIN), join_type=Q.OR)


async def _ids(query: Awaitable[object]) -> list[UUID]:
    found = await query
    assert isinstance(found, list)
    return found


async def _all(parts: Sequence[Callable[[datetime], Awaitable[None]]], now: datetime) -> None:
    errors: list[Exception] = []
    for part in parts:
        try:
            await part(now)
        except Exception as error:  # noqa: BLE001 - Redis being away must not keep lost jobs from being taken back
            errors.append(error)
    if errors:
        raise ExceptionGroup("a sweep was not complete", errors)
