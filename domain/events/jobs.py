"""How work goes on."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.comments import CommentVisibility
from domain.events.base import Event, register

OPEN = CommentVisibility.OPEN.value


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class JobQueued(Event):
    """A job waits for a worker: it is new, or back in the queue after an attempt that did not end it."""

    type = "job.queued"
    job_id: UUID
    queue: str
    attempt: int


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted(Event):
    """A worker took the job."""

    type = "job.started"
    job_id: UUID
    attempt: int


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class JobSucceeded(Event):
    """The job did what it was for."""

    type = "job.succeeded"
    job_id: UUID
    video_id: UUID | None = None
    visibility: str = OPEN
    """Of the comment that it is for, if it is for one."""


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed(Event):
    """The job ended without its result; `code` says why in the terms of its kind, `params` with which figures."""

    type = "job.failed"
    job_id: UUID
    code: str
    params: dict[str, Any]
    video_id: UUID | None = None
    visibility: str = OPEN
    """Of the comment that it is for, if it is for one."""


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class JobCancelled(Event):
    """Somebody cancelled the job before it ended."""

    type = "job.cancelled"
    job_id: UUID
    video_id: UUID | None = None
    visibility: str = OPEN
    """Of the comment that it is for, if it is for one."""
