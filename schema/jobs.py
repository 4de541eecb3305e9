"""Jobs: work that outlives a request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import strawberry

import models
from domain.errors import Conflict, NotFound
from domain.jobs import JobKind, JobState
from domain.media import IngestStep, told
from i18n import translate
from live.message import Message
from plan import Depends, Node, batch, column, load, node, reference, to_one
from resolvers import jobs
from resolvers.caller import Following
from schema.context import Context, Info
from schema.enums import Action, FailureCode
from schema.fields import mutation, subscription
from schema.ids import uuid_of
from schema.rights import rights

if TYPE_CHECKING:
    from schema.accounts import User
    from schema.videos import Video


@strawberry.type(description="Why a job has failed.")
class JobFailure:
    """A failure in the terms of the job's kind."""

    code: FailureCode = strawberry.field(description="For programs.")
    message: str = strawberry.field(description="For people, in the viewer's language.")


async def _failures(context: Any, rows: Sequence[Any]) -> list[JobFailure | None]:
    return [_failure(row["failure_code"], orjson.loads(row["failure_params"]), context.caller.locale) for row in rows]


def _failure(code: str | None, params: dict[str, Any], locale: str) -> JobFailure | None:
    if not code:
        return None
    return JobFailure(code=FailureCode(code), message=translate(locale, f"failure.{code}", **told(params)))


@node(table=models.Job, visible=models.Job.visible_to)
class Job(Node):
    """Work that outlives a request. Follow it with `jobProgress`."""

    viewer_can: list[Action] = rights("job")
    kind: JobKind = column(description="What it does.")
    state: JobState = column(description="Where it stands.")
    step: IngestStep | None = column(description="What it is at; null when it is not running, or has no steps.")
    percent: int = column(description="How far it has come, 0–100.")
    attempt: int = column(description="1, and one more each time it went back into the queue.")
    failure: JobFailure | None = batch(
        "failure_code",
        "failure_params",
        by=_failures,
        depends=Depends.NOTHING,
        description="Why it has failed; null if it has not.",
    )
    video: Video | None = to_one("video_id", description="The video it works on.")
    created_by: User | None = to_one("created_by_id", description="Who asked for it.")
    created_at: datetime = column(description="When it was asked for.")
    started_at: datetime | None = column(description="When a worker last took it.")
    ended_at: datetime | None = column(description="When it ended.")


@strawberry.type
class JobMutations:
    """The mutations of jobs."""

    @mutation(
        "job:cancel",
        answers=Job,
        fails=(Conflict,),
        description="Ends a job that has not ended; what it made so far is thrown away.",
    )
    async def cancel_job(self, info: Info, id: strawberry.ID) -> models.Job:
        return await jobs.cancel(info.context.caller, job_id=uuid_of(Job, id, "id"))


@strawberry.type(description="How far a job has come.")
class JobProgress:
    """Event of `jobProgress`."""

    job_id: strawberry.Private[Any]
    state: JobState = strawberry.field(description="Where it stands now.")
    step: IngestStep | None = strawberry.field(description="What it is at; null when it is not running.")
    percent: int = strawberry.field(description="0–100; never falls while an attempt runs.")
    job: Job = reference(
        lambda progress, _context: progress.job_id, depends=Depends.NOTHING, description="The job as it is stored."
    )


async def _watch(context: Context, id: str) -> Following:
    return await jobs.watch(context.caller, job_id=uuid_of(Job, id, "id"))


async def _has_ended(context: Context, id: str) -> bool:
    return await jobs.has_ended(context.caller, job_id=uuid_of(Job, id, "id"))


def _progress(job_id: UUID, told: Any) -> JobProgress:
    step = told["step"]
    return JobProgress(
        job_id=job_id,
        state=JobState(told["state"]),
        step=IngestStep(step) if step else None,
        percent=told["percent"],
    )


@strawberry.type
class JobSubscriptions:
    """The subscriptions of jobs."""

    @subscription(
        "job:view",
        topics=_watch,
        state_first=True,
        ended=_has_ended,
        depends=Depends.ROLE,
        description="Begins with where the job stands, tells of its progress, and completes when the job has ended.",
    )
    async def job_progress(self, root: Message | None, info: Info, id: strawberry.ID) -> JobProgress:
        job_id = uuid_of(Job, id, "id")
        if root is not None and root.position is None:
            return _progress(job_id, root.body)
        row = await load(info, Job, job_id)
        if row is None:
            raise NotFound
        return _progress(job_id, row)
