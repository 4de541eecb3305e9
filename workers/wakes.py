"""Waking workers through Redis. Nothing here is remembered: the job's row is the truth, and a lost wake is repeated."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from redis.asyncio import ConnectionPool

from domain.jobs import Queue
from models import Job

FUNCTION = "wake"
"""The one function that workers offer to arq: of a job's id, its attempt, and a `traceparent` if there is one."""
ANSWER_SECONDS = 5
"""How long Redis may take to let us in, and to answer a command."""
_KEPT = timedelta(days=1)
"""A wake that nobody answers for so long is forgotten, and repeated by the sweeper."""


class _Prompt:
    """A connection that fails when an answer takes too long.

    redis-py's own `socket_timeout` would do that, but sends by way of `asyncio.wait_for`, which on Python 3.11 can
    swallow a cancellation: whoever publishes in a task could not be sure to end it.
    """

    async def read_response(self, disable_decoding: bool = False, timeout: float | None = None, **options: Any) -> Any:  # noqa: ASYNC109, FBT001, FBT002 - redis-py's own signature
        async with asyncio.timeout(ANSWER_SECONDS if timeout is None else None):
            return await super().read_response(disable_decoding, timeout, **options)  # type: ignore[misc]


def open_queues(redis_url: str) -> ArqRedis:
    """A client for wakes and for publishing. It connects when first used, and again after Redis was away."""
    pool = ConnectionPool.from_url(redis_url, socket_connect_timeout=ANSWER_SECONDS)
    pool.connection_class = type("PromptConnection", (_Prompt, pool.connection_class), {})
    redis = ArqRedis(pool, job_serializer=orjson.dumps, job_deserializer=orjson.loads)
    redis.auto_close_connection_pool = True  # the pool is this client's alone
    return redis


def queue_name(queue: Queue) -> str:
    """What the queue is called in Redis."""
    return f"jobs:{queue.value}"


def wake_id(job_id: UUID, attempt: int) -> str:
    """What an attempt's wake is called: arq keeps one of a name at a time, so that waking twice is waking once."""
    return f"{job_id}:{attempt}"


async def wake(redis: ArqRedis, job: Job, traceparent: str | None = None) -> None:
    """Tells a worker of the job's queue that it may be taken, once its time has come; and what it goes on from."""
    if job.attempt > 1:
        await forget(redis, job, job.attempt - 1)
    await redis.enqueue_job(
        FUNCTION,
        str(job.id),
        job.attempt,
        *([traceparent] if traceparent else []),  # workers of an older release take two arguments
        _job_id=wake_id(job.id, job.attempt),
        _queue_name=queue_name(job.queue),
        _defer_until=job.available_at,  # also the order of the queue: a repeated wake keeps its place
        _expires=_KEPT,
    )


async def forget(redis: ArqRedis, job: Job, attempt: int) -> None:
    """Removes the wake of an attempt whose worker was lost while it held it, which arq would keep for hours."""
    name = wake_id(job.id, attempt)
    async with redis.pipeline(transaction=True) as pipe:
        pipe.delete(*(prefix + name for prefix in (job_key_prefix, in_progress_key_prefix, retry_key_prefix)))
        pipe.zrem(queue_name(job.queue), name)
        await pipe.execute()


async def wake_again(redis: ArqRedis, jobs: Sequence[Job]) -> list[Job]:
    """Wakes those of `jobs`, all queued, whose wake is lost. Answers which these were.

    It is lost when Redis does not know it any more, or takes it for running: then a worker died between hearing it
    and taking the job.
    """
    async with redis.pipeline(transaction=False) as pipe:
        for job in jobs:
            name = wake_id(job.id, job.attempt)
            pipe.exists(job_key_prefix + name)
            pipe.exists(in_progress_key_prefix + name)
        answers = await pipe.execute()
    lost = [job for job, known, held in zip(jobs, answers[::2], answers[1::2], strict=True) if held or not known]
    for job in lost:
        await forget(redis, job, job.attempt)
        await wake(redis, job)
    return lost
