"""Jobs: work that outlives a request. The row is the truth; Redis only wakes whoever does it."""

from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

from structlog.contextvars import get_contextvars
from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index
from tortoise.queryset import QuerySet

from domain import traces
from domain.comments import CommentVisibility
from domain.errors import Conflict
from domain.events import JobCancelled, JobFailed, JobQueued, JobStarted, JobSucceeded
from domain.jobs import QUEUE_OF, JobKind, JobState, Queue
from domain.viewers import AnyViewer, ScopeViewer
from models.base import Row, choice, shown_in_teams_of
from models.database import raw_connection, transaction
from models.events import record
from models.indexes import PartialIndex
from models.maintenance import is_on

CLOCK_SKEW = timedelta(seconds=1)
"""How far the clocks of two machines may be apart: a job is taken so much before its time rather than missed."""


_FORGET = """
DELETE FROM jobs WHERE id = ANY(ARRAY(
    SELECT id FROM jobs WHERE team_id IS NULL AND ended_at < $1 ORDER BY ended_at LIMIT $2
))
"""
OWN = frozenset({"content", "to", "user_id", "values", "link", "unsubscribe"})
"""What a payload holds of a person: a file of theirs, which may be large, or a mail to them. Nobody needs it later."""


class LeaseLost(Exception):
    """The job is no longer this worker's: it was cancelled, or given to another."""


class Job(Row):
    """A job. Seen by its team, or by the person who has asked for it, if it is about them alone.

    Those of neither (mails) are seen by nobody. What of the payload is somebody's own (see `OWN`) goes when it ends.
    """

    kind = choice(JobKind)
    queue = choice(Queue)
    state = choice(JobState, default=JobState.QUEUED)
    visibility = choice(CommentVisibility, default=CommentVisibility.OPEN, there=True)
    """Of the comment that it makes something for, if it does."""
    team_id = fields.UUIDField(null=True)
    video_id = fields.UUIDField(null=True)
    created_by_id = fields.UUIDField(null=True)
    payload: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict)
    attempt = fields.IntField(default=1)
    failures = fields.IntField(default=0)
    available_at = fields.DatetimeField()
    lease_token = fields.UUIDField(null=True)
    lease_until = fields.DatetimeField(null=True)
    step = fields.CharField(30, null=True)
    percent = fields.SmallIntField(default=0)
    failure_code = fields.CharField(50, null=True)
    failure_params: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict)
    request_id = fields.CharField(64, null=True)
    traceparent = fields.CharField(traces.LONGEST, null=True)
    started_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "jobs"
        indexes = [
            Index(fields=["video_id"], name="idx_jobs_video"),
            Index(fields=["team_id"], name="idx_jobs_team"),
            PartialIndex(fields=["available_at"], name="idx_jobs_queued", where="state = 'queued'"),
            PartialIndex(fields=["lease_until"], name="idx_jobs_running", where="state = 'running'"),
            PartialIndex(fields=["video_id"], name="idx_jobs_purges", where="kind = 'purge_video'"),
            PartialIndex(
                fields=["created_by_id"],
                name="idx_jobs_own",
                where="team_id IS NULL AND created_by_id IS NOT NULL",
            ),
            PartialIndex(fields=["created_at"], name="idx_jobs_team_purges", where="kind = 'purge_team'"),
            PartialIndex(fields=["ended_at"], name="idx_jobs_ended", where="team_id IS NULL AND ended_at IS NOT NULL"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        of_teams = shown_in_teams_of(viewer)
        return of_teams if isinstance(viewer, ScopeViewer) else of_teams | cls.own(viewer.user_id)

    @classmethod
    def own(cls, user_id: UUID) -> Q:
        """Those that a person has asked for and that are about them alone."""
        return Q(team_id__isnull=True, created_by_id=user_id)

    @classmethod
    async def withdraw(cls, kind: JobKind, user_id: UUID, now: datetime, **origin: Any) -> int:
        """Cancels those of a person's own jobs of a kind that have not ended; how many.

        Before the person is held: a worker that ends its job has that first. `origin` is as for `cancel`.
        """
        unended = cls.filter(cls.own(user_id), kind=kind, state__in=[JobState.QUEUED, JobState.RUNNING])
        jobs = await unended.order_by("id").select_for_update()
        for job in jobs:
            await job.cancel(now, by=user_id, **origin)
        return len(jobs)

    @classmethod
    async def is_under_way(cls, kind: JobKind, **payload: str) -> bool:
        """Whether one of that kind that holds this in its payload has yet to end."""
        unended = Q(Q(state=JobState.QUEUED), Q(state=JobState.RUNNING), join_type=Q.OR)  # each has an index
        return await cls.filter(unended, kind=kind, payload__contains=payload).exists()

    @classmethod
    async def discard(cls, prefix: str, now: datetime) -> None:
        """Has the files whose keys begin with `prefix` thrown away, once the running transaction has committed."""
        await cls.enqueue(JobKind.DISCARD_FILES, now, payload={"prefix": prefix})

    @classmethod
    async def forget(cls, before: datetime, most: int) -> int:
        """Deletes jobs of no team that ended before that moment, the oldest first; how many. A team's go with it."""
        async with raw_connection() as connection:
            return int((await connection.execute(_FORGET, before, most)).rpartition(" ")[2])

    @classmethod
    async def enqueue(
        cls,
        kind: JobKind,
        now: datetime,
        *,
        payload: dict[str, Any],
        team_id: UUID | None = None,
        video_id: UUID | None = None,
        created_by_id: UUID | None = None,
        visibility: CommentVisibility = CommentVisibility.OPEN,
    ) -> Self:
        """A new job, in the running transaction; it is woken once that has committed."""
        job = await cls.create(
            kind=kind,
            queue=QUEUE_OF[kind],
            created_at=now,
            available_at=now,
            payload=payload,
            team_id=team_id,
            video_id=video_id,
            created_by_id=created_by_id,
            visibility=visibility,
            request_id=get_contextvars().get("request_id"),
            traceparent=traces.traceparent(),
        )
        await job.announce(now)
        return job

    @classmethod
    async def claim(cls, job_id: UUID, attempt: int, now: datetime, lease: timedelta) -> Self | None:
        """Takes a queued job for `lease`; None if it is not there to be taken (any more, or yet), or in maintenance."""
        if await is_on():
            return None
        async with transaction():
            due = Q(available_at__lte=now + CLOCK_SKEW)
            waiting = cls.filter(due, id=job_id, attempt=attempt, state=JobState.QUEUED)
            job = await waiting.select_for_update(skip_locked=True).get_or_none()
            if job is None:
                return None
            job.state, job.started_at = JobState.RUNNING, now
            job.lease_token, job.lease_until = uuid4(), now + lease
            await job.save()
            started = JobStarted(team_id=job.team_id, actor_id=None, job_id=job.id, attempt=attempt)
            await record(started, now, **job.led_by)
        return job

    @classmethod
    async def held(cls, job_id: UUID, lease_token: UUID) -> Self:
        """The job, locked in the running transaction, if the lease is still this worker's; otherwise LeaseLost."""
        running = cls.filter(id=job_id, lease_token=lease_token, state=JobState.RUNNING)
        job = await running.select_for_update().get_or_none()
        if job is None:
            raise LeaseLost(str(job_id))
        return job

    async def renew(self, until: datetime) -> bool:
        """Keeps the lease to `until`; False if it is lost."""
        return bool(await self._mine().update(lease_until=until))

    async def write_progress(self) -> None:
        """Writes step and percent down, while the lease is held."""
        await self._mine().update(step=self.step, percent=self.percent)

    async def succeed(self, now: datetime) -> None:
        """Ends a held job well."""
        self.percent, self.step = 100, None
        await self._end(JobState.SUCCEEDED, now)
        await record(self._about(JobSucceeded), now, **self.led_by)

    async def fail(self, code: str, params: dict[str, Any], now: datetime) -> None:
        """Ends a held job without its result: `code` and `params` say why, in the terms of its kind."""
        self.failure_code, self.failure_params = code, params
        await self._end(JobState.FAILED, now)
        await record(self._about(JobFailed, code=code, params=params), now, **self.led_by)

    async def cancel(self, now: datetime, *, by: UUID, **origin: Any) -> None:
        """Ends a locked job because the person `by` asked for it; Conflict if it has ended already.

        `origin` says from where, as for `record`.
        """
        if self.state.ended:
            raise Conflict("problem.job_ended")
        await self._end(JobState.CANCELLED, now)
        cancelled = self._about(JobCancelled, actor_id=by)
        await record(cancelled, now, **self.led_by, **origin)

    async def try_again(self, at: datetime, now: datetime) -> None:
        """Back to the queue after an attempt that went wrong, not before `at`."""
        self.failures += 1
        await self._requeue(at, now)

    async def give_back(self, at: datetime, now: datetime) -> None:
        """Back to the queue, not before `at`: the worker has to go, or a service is away. It does not count."""
        await self._requeue(at, now)

    async def _requeue(self, at: datetime, now: datetime) -> None:
        self.state, self.attempt, self.available_at = JobState.QUEUED, self.attempt + 1, at
        self.lease_token = self.lease_until = self.step = None
        self.percent = 0
        await self.save()
        await self.announce(now)

    @property
    def led_by(self) -> dict[str, Any]:
        """The request that has led to it, as for `record`."""
        return {"request_id": self.request_id, "traceparent": self.traceparent}

    def _mine(self) -> "QuerySet[Job]":
        return Job.filter(id=self.id, lease_token=self.lease_token, state=JobState.RUNNING)

    async def _end(self, state: JobState, now: datetime) -> None:
        self.state, self.ended_at = state, now
        self.lease_token = self.lease_until = None
        self.payload = {name: value for name, value in self.payload.items() if name not in OWN}
        await self.save()

    async def announce(self, now: datetime) -> None:
        """Records that the job waits for a worker: that is what wakes one."""
        queued = JobQueued(
            team_id=self.team_id,
            actor_id=None,
            job_id=self.id,
            queue=self.queue.value,
            attempt=self.attempt,
        )
        await record(queued, now, **self.led_by)

    def _about(self, kind: type[Any], *, actor_id: UUID | None = None, **more: Any) -> Any:
        about = {"job_id": self.id, "video_id": self.video_id, "visibility": self.visibility.value}
        return kind(team_id=self.team_id, actor_id=actor_id, **about, **more)


async def waiting() -> dict[str, int]:
    """How many jobs wait in each queue."""
    async with raw_connection() as connection:
        rows = await connection.fetch("SELECT queue, count(*) FROM jobs WHERE state = 'queued' GROUP BY queue")
    return {queue.value: 0 for queue in Queue} | dict(rows)
