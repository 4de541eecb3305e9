"""Attempts at jobs: from the wake to success, failure, or back into the queue."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from structlog.contextvars import bound_contextvars

from domain.jobs import JobFault, JobState
from domain.traces import current, within
from gateways.mail import MailRefused
from models import Job
from models.database import transaction
from models.jobs import LeaseLost
from workers.jobs import HANDLERS, JobFailure, Means, Rules, Work
from workers.lease import until_lost
from workers.outages import OUTAGES, passes
from workers.patience import pause, retry_after, too_late
from workers.progress import publish_progress
from workers.scratch import attempt_folder
from workers.traced import attempted

log = structlog.stdlib.get_logger(__name__)

_LAST_WORDS_SECONDS = 5
"""How long a function that has finished its job may go on tidying up when it is told to stop."""


class Attempts:
    """Runs attempts side by side, at most `most`, with their scratch folders under `scratch`."""

    def __init__(self, means: Means, rules: Rules, scratch: Path, most: int) -> None:
        self._means = means
        self._rules = rules
        self._scratch = scratch
        self._most = most
        self._running = 0
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Gives every job back to the queue and takes no more: this process has to go."""
        self._stopping.set()

    async def wake(self, context: dict[Any, Any], job_id: str, attempt: int, traceparent: str | None = None) -> None:
        """The function that arq calls. It returns when the attempt has ended, and raises nothing on its behalf."""
        del context
        # More than `most` only happens after Redis was away: then the sweeper repeats this wake.
        if self._stopping.is_set() or self._running >= self._most:
            return
        self._running += 1
        try:
            await self._claim_and_run(UUID(job_id), attempt, traceparent)
        except OUTAGES as error:  # nothing is lost: the sweeper repeats the wake, or takes the job back
            log.warning("job.not_settled", job_id=job_id, error=repr(error))
        finally:
            self._running -= 1

    async def _claim_and_run(self, job_id: UUID, attempt: int, traceparent: str | None) -> None:
        job = await Job.claim(job_id, attempt, self._means.clock(), self._rules.lease)
        if job is None:
            return
        request = {"request_id": job.request_id} if job.request_id else {}
        about = {"job_id": str(job.id), "kind": job.kind.value, "attempt": attempt, **request}
        with bound_contextvars(**about), within(attempted(self._means.tracer, job, traceparent)):
            async with attempt_folder(self._scratch, f"{job.id}-{attempt}") as folder:
                await self._run(Work(job, self._means, folder))

    async def _run(self, work: Work) -> None:
        log.info("job.started")
        function = asyncio.ensure_future(HANDLERS[work.job.kind](work))
        lost = asyncio.create_task(until_lost(work, self._rules))
        try:
            async with _running(publish_progress(work)), _running(self._stopping.wait()) as stopping:
                await asyncio.wait({function, lost, stopping}, return_when=asyncio.FIRST_COMPLETED)
                await _end(function, work)
            await self._settle(work, function, lost=lost.done())
        finally:
            function.cancel()
            lost.cancel()
            await asyncio.wait({function, lost})
            await self._delete_leavings(work)

    async def _settle(self, work: Work, function: asyncio.Future[None], *, lost: bool) -> None:
        """Writes down how the attempt ended."""
        error = None if function.cancelled() else function.exception()
        if error is not None and not work.finished and (span := current()) is not None:
            span.fail(type(error).__qualname__)
        if work.finished:
            log.info("job.finished", exc_info=error)
        elif isinstance(error, LeaseLost) or (function.cancelled() and lost):
            log.info("job.lost")
        elif function.cancelled():
            await self._give_back(work, self._means.clock())
        elif error is not None and passes(error):
            await self._wait_for_better_times(work, error)
        elif isinstance(error, JobFailure):
            await self._fail(work, error)
        elif isinstance(error, MailRefused):
            await self._refuse_mail(work, error)
        else:
            await self._try_again(work, error)

    async def _give_back(self, work: Work, at: datetime) -> None:
        log.info("job.given_back")
        await _write(work, lambda job: job.give_back(at, self._means.clock()))

    async def _wait_for_better_times(self, work: Work, error: BaseException) -> None:
        """A service is away, or the disk full: that costs nobody their upload, however long it lasts."""
        now = self._means.clock()
        if too_late(error, now - work.job.created_at):
            await self._refuse_mail(work, error)
            return
        log.warning("job.waits", error=repr(error))
        await self._give_back(work, now + pause(error, work.job.attempt))

    async def _refuse_mail(self, work: Work, error: BaseException) -> None:
        log.info("job.mail_refused", reason=str(error))
        await self._fail(work, JobFailure(JobFault.MAIL_REFUSED))

    async def _fail(self, work: Work, failure: JobFailure) -> None:
        log.info("job.failed", code=failure.code, params=failure.params)
        await _write(work, lambda job: job.fail(failure.code, failure.params, self._means.clock()))

    async def _try_again(self, work: Work, error: BaseException | None) -> None:
        failures, now = work.job.failures + 1, self._means.clock()
        log.error("job.went_wrong", failures=failures, exc_info=error or RuntimeError("its function did not finish it"))
        if failures >= self._rules.attempts:
            await _write(work, lambda job: job.fail(JobFault.INTERNAL, {}, now))
        else:
            await _write(work, lambda job: job.try_again(now + retry_after(failures), now))

    async def _delete_leavings(self, work: Work) -> None:
        """What the attempt stored is of no use, unless it is adopted: then another attempt's files would be lost."""
        if work.finished or not work.leavings:
            return
        try:
            # A connection lost at the commit leaves us not knowing; the row knows.
            adopted = Job.filter(id=work.job.id, state=JobState.SUCCEEDED, attempt=work.job.attempt)
            if not await adopted.exists():
                for prefix in work.leavings:
                    await self._means.storage.delete_prefix(prefix)
        except Exception:  # the next attempt, or the clean-up after the last, deletes them too
            log.exception("job.leavings_not_deleted")


async def _end(function: asyncio.Future[None], work: Work) -> None:
    """Stops a function that still runs: at once, but never in the middle of its commit, and gently after it."""
    while work.committing and not function.done():
        await asyncio.wait({function}, timeout=0.02)
    if work.finished:
        await asyncio.wait({function}, timeout=_LAST_WORDS_SECONDS)
    function.cancel()
    await asyncio.wait({function})


async def _write(work: Work, verb: Callable[[Job], Any]) -> None:
    assert work.job.lease_token is not None
    with contextlib.suppress(LeaseLost):  # somebody else has it already, or it was cancelled: they wrote how it goes on
        async with transaction():
            job = await Job.held(work.job.id, work.job.lease_token)
            job.percent, job.step = max(job.percent, work.job.percent), work.job.step  # fresher than what was written's
            await verb(job)


@asynccontextmanager
async def _running(work: Any) -> AsyncIterator[asyncio.Future[Any]]:
    """Runs something beside the block, and ends it with the block."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})
