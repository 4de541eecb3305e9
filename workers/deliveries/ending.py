"""What becomes of attempts that have ended: they are written down and told of, and some end their webhook's work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog
from asyncpg import Record

from domain.webhooks.faults import Fault
from domain.webhooks.retries import PATIENCE
from domain.webhooks.states import PauseReason
from models import lanes
from models.database import DEADLOCK
from models.lanes import Outcome
from workers.deliveries.held import Held
from workers.deliveries.log import Teller
from workers.outages import OUTAGES
from workers.pausing import pause

log = structlog.stdlib.get_logger(__name__)

_UNWRITABLE = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What no second try mends: something in it is none of what the table takes."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that has its answer."""

    lane: Held
    begun: Record
    outcome: Outcome


class Ends:
    """Keeps what has ended until it is written down."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._ended: list[Ended] = []
        self._pausing: dict[UUID, PauseReason] = {}

    def add(self, ended: Ended) -> None:
        """One more."""
        ended.lane.unwritten += 1
        self._ended.append(ended)

    async def write(self, held: Mapping[UUID, Held], token: UUID, now: datetime) -> list[UUID]:
        """Writes down all that has ended, and how the receivers of the lanes that are `held` are doing.

        Answers the attempts. One at a time, since what is being written is still in the list.
        """
        if ended := list(self._ended):
            await self._written(ended, held, token, now)
            del self._ended[: len(ended)]
            for each in ended:
                each.lane.unwritten -= 1
                each.lane.hungry = each.lane.hungry or each.begun["in_order"]  # the next of its video may have its turn
                self._judge(each, now)
            self._teller.tell([each.begun for each in ended])
        await self._pause(now)
        return [each.outcome.attempt_id for each in ended]

    async def _written(self, ended: Sequence[Ended], held: Mapping[UUID, Held], token: UUID, now: datetime) -> None:
        over = {each.lane.webhook_id: each.lane for each in ended if held.get(each.lane.webhook_id) is each.lane}
        standings = [lane.standing() for lane in over.values()]
        try:
            await lanes.write([each.outcome for each in ended], standings, token, now)
        except _UNWRITABLE as error:
            if len(ended) > 1:
                for each in ended:
                    await self._written([each], held, token, now)
            else:
                log.error("deliveries.unwritable", attempt_id=str(ended[0].outcome.attempt_id), exc_info=error)
                await lanes.write([_bare(ended[0].outcome)], standings, token, now)

    def _judge(self, ended: Ended, now: datetime) -> None:
        """Notes webhooks whose receivers want no more, and those that nothing has reached for days."""
        lane = ended.lane
        if ended.outcome.fault is Fault.GONE:
            self._pausing[lane.webhook_id] = PauseReason.GONE
        elif lane.failing_since and now - lane.failing_since >= PATIENCE:
            self._pausing.setdefault(lane.webhook_id, PauseReason.FAILING)

    async def _pause(self, now: datetime) -> None:
        """Pauses them. Where that goes wrong by itself, the next attempt that fails has it tried again."""
        for webhook_id, reason in list(self._pausing.items()):
            try:
                await pause(webhook_id, reason, now)
            except (DEADLOCK, *OUTAGES):
                raise
            except Exception:  # the others' deliveries must go on
                log.exception("deliveries.not_paused", webhook_id=str(webhook_id))
            del self._pausing[webhook_id]


def _bare(outcome: Outcome) -> Outcome:
    """The same without what came from the receiver."""
    return replace(outcome, status=None, excerpt="", duration_ms=0)
