"""Telling whoever watches a webhook's log what has come into it."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from arq.connections import ArqRedis
from asyncpg import Record

from live.message import Message
from live.publish import publish_batch
from workers.outages import OUTAGES

TYPE = "webhook.attempted"
_MOST = 10_000
"""Who watches more than that in a moment has it from the log."""


class Teller:
    """Tells on the topic `webhook:<id>` of each attempt that has ended, for whoever is there to hear it.

    Deliveries do not wait for that, however long Redis takes.
    """

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis
        self._ended: deque[Record] = deque(maxlen=_MOST)
        self._some = asyncio.Event()

    def tell(self, ended: Sequence[Record]) -> None:
        """These attempts are written down."""
        self._ended.extend(ended)
        self._some.set()

    async def run(self) -> NoReturn:
        """Tells for ever."""
        while True:
            await self._some.wait()
            self._some.clear()
            ended = list(self._ended)
            self._ended.clear()
            with suppress(*OUTAGES):  # the log has it all
                topics = ((f"webhook:{each['webhook_id']}", each) for each in ended)
                await publish_batch(self._redis, (([topic], _message(each)) for topic, each in topics))


def _message(ended: Record) -> Message:
    return Message({"type": TYPE, "delivery_id": str(ended["delivery_id"]), "attempt_id": str(ended["attempt_id"])})
