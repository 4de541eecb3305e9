"""Listening to a queue: arq hears the wakes, and we keep it hearing."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn, cast

import orjson
import structlog
from arq import func
from arq.connections import ArqRedis
from arq.worker import Worker
from redis.exceptions import RedisError

from domain.jobs import Queue
from workers.attempts import Attempts
from workers.outages import Backoff
from workers.wakes import FUNCTION, queue_name

if TYPE_CHECKING:
    from arq.typing import WorkerCoroutine

log = structlog.stdlib.get_logger(__name__)

POLL_SECONDS = 0.1
_NO_TIMEOUT = timedelta(days=7)
"""arq's own limit must never end a job: the wall clock of its kind does."""
_LAST_SECONDS = 10


class QueueListener:
    """Runs an attempt for each wake of a queue, at most `most` at a time."""

    def __init__(self, queue: Queue, redis: ArqRedis, attempts: Attempts, most: int) -> None:
        self._queue = queue
        self._redis = redis
        self._attempts = attempts
        self._most = most
        self._workers: list[Worker] = []

    async def run(self) -> NoReturn:
        """Listens for ever. While Redis is away the running jobs go on, and no new ones begin."""
        backoff = Backoff(0.05, 2)
        while True:
            worker = self._worker()
            # A failed poll leaves arq's counters wrong, so it begins anew; the old one's jobs go on until they end.
            self._workers = [*(old for old in self._workers if any(not t.done() for t in old.tasks.values())), worker]
            try:
                await worker.main()
            except (RedisError, OSError) as error:
                log.warning("queue.redis_away", queue=self._queue.value, error=repr(error))
            await asyncio.sleep(backoff.pause())

    async def stop(self) -> None:
        """Gives the running jobs back, and waits until that is written."""
        self._attempts.stop()
        tasks = {task for worker in self._workers for task in worker.tasks.values()}
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_SECONDS)

    def _worker(self) -> Worker:
        return Worker(
            functions=[func(cast("WorkerCoroutine", self._attempts.wake), name=FUNCTION)],
            queue_name=queue_name(self._queue),
            redis_pool=self._redis,
            handle_signals=False,
            max_jobs=self._most,
            job_timeout=_NO_TIMEOUT,
            keep_result=0,
            max_tries=1,
            retry_jobs=False,
            poll_delay=POLL_SECONDS,
            job_serializer=orjson.dumps,
            job_deserializer=orjson.loads,
            log_results=False,
        )
