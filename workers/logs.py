"""Webhooks' logs: what is discarded is written down, and what is old is forgotten. Run by the active relay.

Deliveries come by the thousands each second, and have to go as quickly. So this is no part of what the sweeper looks
for in turn: it goes on until nothing is left, in transactions of some milliseconds, and holds up nobody meanwhile.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from domain.clock import Clock
from models import Webhook, WebhookDiscard
from models.database import transaction
from models.deliveries import KEPT
from models.forgetting import forget_of, forget_old
from models.maintenance import is_on
from workers.outages import OUTAGES

log = structlog.stdlib.get_logger(__name__)

MOST = 1000
"""Deliveries that one transaction writes or deletes."""
MOST_WEBHOOKS = 200
"""Discards, or deleted webhooks, that are looked for at once; the rest is next."""

Step = Callable[[datetime | None, int], Awaitable[datetime | None]]
"""Does a bounded part from a moment on; from when on there is more."""


@dataclass(frozen=True, slots=True)
class LogKeeper:
    """Looks over all logs each time it is called, but in maintenance."""

    clock: Clock

    async def __call__(self) -> None:
        """What is wanted first: that the log says itself what is discarded. Then what nobody may see any more goes."""
        now = self.clock()
        discards = await WebhookDiscard.all().order_by("created_at").limit(MOST_WEBHOOKS)
        steps: list[Step] = [each.write for each in discards]
        steps += [partial(forget_of, webhook_id) for webhook_id in await Webhook.ended(MOST_WEBHOOKS)]
        steps.append(partial(forget_old, now - KEPT))
        for step in steps:
            await _whatever_comes(step)
        await Webhook.bury(MOST_WEBHOOKS)


async def _whatever_comes(step: Step) -> None:
    """What is at fault with one log is nothing to the others."""
    try:
        await _go_on(step)
    except OUTAGES:
        raise
    except Exception:  # it is tried again at the next pass
        log.exception("relay.log_not_kept")


async def _go_on(step: Step) -> None:
    """Step by step, each in a transaction of its own, until nothing is left or the product is in maintenance."""
    since: datetime | None = None
    while not await is_on():
        async with transaction():
            since = await step(since, MOST)
        if since is None:
            return
