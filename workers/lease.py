"""Holding on to a job while it is worked on, and noticing when it is no longer ours."""

import asyncio
import time
from contextlib import suppress
from typing import NoReturn

import structlog
from redis.exceptions import RedisError

from live.message import channel, decode
from workers.jobs import Rules, Work
from workers.outages import OUTAGES

log = structlog.stdlib.get_logger(__name__)

_LISTEN_AGAIN_SECONDS = 1
_SILENCE_SECONDS = 60


async def until_lost(work: Work, rules: Rules) -> None:
    """Renews the lease; returns once it is lost.

    What is published about the job (that it was cancelled, say) makes us look at once; the heartbeat finds the rest.
    """
    nudge = asyncio.Event()
    listening = asyncio.create_task(_listen(work, nudge))
    try:
        await _renew(work, rules, nudge)
    finally:
        listening.cancel()
        await asyncio.wait({listening})


async def _renew(work: Work, rules: Rules, nudge: asyncio.Event) -> None:
    safe_until = time.monotonic() + rules.lease.total_seconds()
    while time.monotonic() < safe_until:
        with suppress(TimeoutError):
            async with asyncio.timeout(rules.heartbeat.total_seconds()):
                await nudge.wait()
        nudge.clear()
        began = time.monotonic()
        try:
            if not await work.job.renew(work.means.clock() + rules.lease):
                return
            safe_until = began + rules.lease.total_seconds()
        except OUTAGES as error:  # until the lease runs out, nobody else can have the job
            log.warning("job.lease_not_renewed", error=repr(error))


async def _listen(work: Work, nudge: asyncio.Event) -> NoReturn:
    while True:
        with suppress(RedisError, OSError):
            await _hear(work, nudge)
        await asyncio.sleep(_LISTEN_AGAIN_SECONDS)


async def _hear(work: Work, nudge: asyncio.Event) -> None:
    async with work.means.redis.pubsub() as messages:
        await messages.subscribe(channel(f"job:{work.job.id}"))
        while True:
            # With a timeout of its own: `listen` takes a silence of a few seconds for a failure.
            message = await messages.get_message(timeout=_SILENCE_SECONDS)
            # The confirmation counts too: something may have happened before we listened. Our own progress does not.
            if message and (message["type"] != "message" or decode(message["data"]).position is not None):
                nudge.set()
