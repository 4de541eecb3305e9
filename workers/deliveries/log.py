"""Telling whoever watches a webhook's log what has come into it."""

from collections.abc import Sequence
from contextlib import suppress

from arq.connections import ArqRedis
from asyncpg import Record

from live.message import Message
from live.publish import publish_batch
from workers.outages import OUTAGES

TYPE = "webhook.attempted"


class Teller:
    """Tells on the topic `webhook:<id>` of each attempt that has ended, for whoever is there to hear it."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def tell(self, ended: Sequence[Record]) -> None:
        """These attempts are written down."""
        with suppress(*OUTAGES):  # the log has it all
            await publish_batch(self._redis, [([f"webhook:{each['webhook_id']}"], _message(each)) for each in ended])


def _message(ended: Record) -> Message:
    return Message({"type": TYPE, "delivery_id": str(ended["delivery_id"]), "attempt_id": str(ended["attempt_id"])})
