"""Telling whoever watches how far a job has come."""

import asyncio
from contextlib import suppress
from typing import NoReturn

from domain.jobs import JobState
from live.message import Message
from live.publish import publish
from workers.jobs import Work
from workers.outages import OUTAGES

SECONDS = 0.25
"""Least time between two messages about one job."""


async def publish_progress(work: Work) -> NoReturn:
    """Publishes step and percent whenever they have changed, on the topic `job:<id>`.

    The row is written first: whoever reads it afterwards never finds the job less far than somebody was told.
    """
    written = told = None
    while True:
        news = (work.job.step, work.job.percent)
        if news != told and work.job.step and not (work.committing or work.finished):
            # A service being away is no reason to end the work, and the next message says it all again.
            with suppress(*OUTAGES):
                if news != written:
                    await work.job.write_progress()
                    written = news
                await publish(work.means.redis, [f"job:{work.job.id}"], _message(work))
                told = news
        await asyncio.sleep(SECONDS)


def _message(work: Work) -> Message:
    progress = {
        "type": "job.progress",
        "job_id": str(work.job.id),
        "state": JobState.RUNNING.value,
        "step": work.job.step,
        "percent": work.job.percent,
    }
    return Message(progress)
