"""How the processes are put together from their settings, run until they are told to stop, and taken apart."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
import uvloop

from domain.clock import utc_now
from domain.jobs import Queue
from domain.media import Limits
from domain.sealing import Keys
from domain.traces import Tracer
from gateways import outbound
from gateways.logs import configure
from gateways.mail import Mailer, open_mailer
from gateways.storage import open_storage
from gateways.traces import open_traces
from models.database import database, require_database
from workers.attempts import Attempts
from workers.consumers import CONSUMERS, Tools
from workers.deliveries import Carrier, Dispatcher, Pace, Teller
from workers.health import beat
from workers.jobs import Means, Rules
from workers.logs import LogKeeper
from workers.queue import QueueListener
from workers.relay import Relay, Rhythm
from workers.scratch import process_folder
from workers.sweeper import Sweeper
from workers.wakes import open_queues

if TYPE_CHECKING:
    from settings import Settings

log = structlog.stdlib.get_logger(__name__)


def run(process: "Coroutine[Any, Any, None]", settings: "Settings") -> None:
    """Runs a process to its end; what it cannot start without is a sentence and status 1."""
    configure(settings.log_level, people=settings.environment == "development")
    try:
        uvloop.run(process)
    except (OSError, ValueError) as error:
        sys.exit(f"This process cannot start: {error or type(error).__name__}")


async def relay(settings: "Settings") -> None:
    """The relay, until SIGTERM or SIGINT."""
    sweep_seconds, jobs_kept = settings.job_sweep_seconds, timedelta(days=settings.job_days)
    rhythm = Rhythm(settings.relay_poll_seconds, sweep_seconds)
    async with AsyncExitStack() as opened:
        tools = Tools(
            open_queues(settings.redis_url),
            utc_now,
            app_url=settings.app_url or settings.public_url,
            api_url=settings.public_url,
            tracer=opened.enter_context(_traces(settings, "relay")),
        )
        sweeper = Sweeper(tools.redis, utc_now, settings.job_attempts, timedelta(seconds=sweep_seconds), jobs_kept)
        chores = (sweeper, sweeper.keep_house, LogKeeper(utc_now))
        relay = Relay(settings.session_url, list(CONSUMERS.values()), tools, rhythm, *chores)
        opened.push_async_callback(tools.redis.aclose)
        await opened.enter_async_context(_database(settings))
        await require_database()
        await _until_stopped(relay.run(), beat(settings.work_dir, "relay"))


async def worker(settings: "Settings", queue: Queue, at_start: Callable[[], Awaitable[None]] | None = None) -> None:
    """A worker of one queue, until SIGTERM or SIGINT; its jobs are then given back, and another takes them on."""
    if at_start is not None:
        await at_start()
    most = {Queue.MEDIA: settings.media_jobs, Queue.IO: settings.io_jobs}[queue]
    async with _means(settings, queue) as means:
        with process_folder(settings.work_dir, queue.value) as scratch:
            listener = QueueListener(queue, means.redis, Attempts(means, _rules(settings), scratch, most), most)
            log.info("worker.ready", queue=queue.value, jobs=most)
            try:
                async with _dispatcher(settings, queue, means) as dispatchers:
                    beside = [dispatcher.run() for dispatcher in dispatchers]
                    stops = [listener.stop, *(dispatcher.stop for dispatcher in dispatchers)]
                    alive = beat(settings.work_dir, queue.value)
                    await _until_stopped(listener.run(), alive, *beside, before_end=partial(_all, stops))
            finally:
                log.info("worker.stopped", queue=queue.value)


@asynccontextmanager
async def _dispatcher(settings: "Settings", queue: Queue, means: Means) -> AsyncIterator[list[Dispatcher]]:
    """What carries deliveries of webhooks, in workers that wait for other services."""
    if queue is not Queue.IO:
        yield []
        return
    rules = outbound.Rules(
        ports=settings.webhook_ports,
        loopback=settings.webhooks_to_itself,
        seconds=settings.webhook_seconds,
        connections=settings.webhook_connections,
        ca_file=settings.webhook_ca_file,
    )
    async with outbound.open_sender(rules) as sender:
        carrier, teller = Carrier(sender, means.keys), Teller(means.redis)
        pace = Pace(settings.webhook_connections, _rules(settings).lease, settings.job_heartbeat_seconds)
        yield [Dispatcher(settings.session_url, carrier, teller, means.clock, pace)]


async def _all(stops: Sequence[Callable[[], Awaitable[None]]]) -> None:
    await asyncio.gather(*(stop() for stop in stops))


def _database(settings: "Settings") -> AbstractAsyncContextManager[None]:
    pooler = settings.database_pooler == "transaction"
    return database(settings.database_url, connections=settings.database_connections, pooler=pooler)


def _traces(settings: "Settings", process: str) -> AbstractContextManager[Tracer]:
    return open_traces(settings.otel_exporter_otlp_endpoint, process=process, ratio=settings.traces_ratio)


def _rules(settings: "Settings") -> Rules:
    return Rules(
        lease=timedelta(seconds=settings.job_lease_seconds),
        heartbeat=timedelta(seconds=settings.job_heartbeat_seconds),
        attempts=settings.job_attempts,
    )


def _mailer(settings: "Settings") -> Mailer:
    return open_mailer(
        settings.smtp_url,
        settings.mail_from,
        bounces_to=settings.mail_bounces_to,
        ca_file=settings.mail_ca_file,
        connections=settings.mail_connections,
    )


@asynccontextmanager
async def _means(settings: "Settings", queue: Queue) -> AsyncIterator[Means]:
    async with AsyncExitStack() as opened:
        tracer = opened.enter_context(_traces(settings, queue.value))
        secret = settings.secret_key.get_secret_value()
        storage = open_storage(settings.storage_url, public_url=settings.public_url, secret=secret, clock=utc_now)
        redis = open_queues(settings.redis_url)
        opened.push_async_callback(redis.aclose)
        await opened.enter_async_context(_database(settings))
        await require_database()
        mailer = _mailer(settings)
        opened.push_async_callback(mailer.close)
        yield Means(
            storage=await opened.enter_async_context(storage),
            mailer=mailer,
            redis=redis,
            clock=utc_now,
            limits=Limits(
                max_pixels=settings.video_max_pixels,
                max_seconds=settings.video_max_seconds,
                threads=settings.media_threads,
                memory_bytes=settings.media_memory_bytes,
                wall_seconds=settings.media_wall_seconds,
            ),
            public_url=settings.app_url or settings.public_url,
            api_url=settings.public_url,
            keys=Keys(secret),
            tracer=tracer,
        )


async def _until_stopped(
    *forever: Coroutine[Any, Any, Any], before_end: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Runs these side by side until SIGTERM or SIGINT. What one of them raises ends all, and is raised."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    told = asyncio.create_task(stopped.wait())
    tasks = {asyncio.create_task(coroutine) for coroutine in forever}
    done, _ = await asyncio.wait({told, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    if before_end is not None:
        await before_end()
    for task in (told, *tasks):
        task.cancel()
    await asyncio.wait({told, *tasks})
    for task in done - {told}:
        task.result()
