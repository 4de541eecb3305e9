"""What every kind of job shares: how a kind is declared, and what its function is given."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from arq.connections import ArqRedis

from domain.clock import Clock
from domain.jobs import JobFault, JobKind
from domain.media import Limits, Refusal
from domain.sealing import Keys
from domain.traces import Tracer, Untraced
from gateways.mail import Mailer
from gateways.storage import Storage
from models import Job
from models.database import transaction


class JobFailure(Exception):
    """The job cannot give its result, now or later: `code` and `params` say why, in the terms of its kind."""

    def __init__(self, code: JobFault | Refusal, params: dict[str, Any] | None = None) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params or {}


@dataclass(frozen=True, slots=True)
class Means:
    """The outside world as jobs see it, the same for all jobs of a process."""

    storage: Storage
    mailer: Mailer
    redis: ArqRedis
    clock: Clock
    limits: Limits
    public_url: str
    """Where people use the product: links in mails lead there."""
    api_url: str
    """Where we are reached ourselves."""
    keys: Keys
    tracer: Tracer = field(default_factory=Untraced)


@dataclass(frozen=True, slots=True)
class Rules:
    """How long a lease is good for, how often it is renewed, and how often a job may go wrong."""

    lease: timedelta
    heartbeat: timedelta
    attempts: int


@dataclass(slots=True)
class Work:
    """One attempt at a job, as its function sees it. `folder` is a private scratch folder, removed afterwards.

    Objects that the attempt stores under one of its `leavings` (prefixes of keys) are deleted unless it ends well.
    """

    job: Job
    means: Means
    folder: Path
    leavings: list[str] = field(default_factory=list)
    committing: bool = False
    finished: bool = False

    def report(self, step: str, percent: int) -> None:
        """Says how far the attempt has come: `percent` of the whole, in a named step. It never goes back."""
        self.job.step = step
        self.job.percent = max(self.job.percent, min(percent, 100))

    @contextmanager
    def unbroken(self) -> Iterator[None]:
        """What is done in it cannot be undone: a worker that has to stop waits from here until the job has finished."""
        self.committing = True
        try:
            yield
        except BaseException:
            self.committing = False
            raise

    @asynccontextmanager
    async def finishing(self) -> AsyncIterator[Job]:
        """The transaction that ends the job: what is written in it, `job.succeed` included, is one commit.

        Yields the job, locked. Raises LeaseLost if it is not this worker's any more.
        """
        token = self.job.lease_token
        assert token is not None
        self.committing = True
        try:
            async with transaction():
                yield await Job.held(self.job.id, token)
            self.finished = True
        finally:
            self.committing = False


JobFunction = Callable[[Work], Awaitable[None]]

HANDLERS: dict[JobKind, JobFunction] = {}


def handles(kind: JobKind) -> Callable[[JobFunction], JobFunction]:
    """Declares the function that does jobs of this kind.

    It ends with `work.finishing()`, or raises JobFailure for a final reason. Anything else it raises is a fault of ours
    or of a service, and the job is tried again. It must be able to run twice.
    """

    def register(function: JobFunction) -> JobFunction:
        if kind in HANDLERS:
            raise TypeError(f"two functions handle {kind}")
        HANDLERS[kind] = function
        return function

    return register
