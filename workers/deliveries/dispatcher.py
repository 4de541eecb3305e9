"""The dispatcher: takes lanes in which something is due, sends it, and writes down how that went.

All that it knows is in PostgreSQL, and nothing else has to be there for a delivery to leave. It works in turns, each of
a few statements over all lanes: the busier it is, the more deliveries each turn has.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn
from uuid import UUID, uuid4

import structlog
from asyncpg import Record

from domain.clock import Clock
from domain.webhooks.faults import Fault
from domain.webhooks.retries import PATIENCE
from domain.webhooks.shares import shared
from domain.webhooks.states import PauseReason
from gateways.outbound import Answer
from models import lanes
from models.database import DEADLOCK
from models.lanes import Outcome
from models.maintenance import is_on
from workers.deliveries.carrying import Carrier, outcome_of
from workers.deliveries.held import Held
from workers.deliveries.log import Teller
from workers.deliveries.wakes import Wakes
from workers.outages import OUTAGES, Backoff
from workers.pausing import pause

log = structlog.stdlib.get_logger(__name__)

POLL_SECONDS = 0.5
"""How often it looks without being told to: what is tried again is due at a time of its own."""
LEASE = timedelta(seconds=15)
_RENEW_SECONDS = 5
_IDLE_SECONDS = 1
"""How long a lane is kept in which nothing is left: what comes next need not be taken first."""
_MOST_LANES = 1000
_LAST_SECONDS = 11
"""How long it waits for answers when it has to go: each comes within ten."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that has its answer."""

    lane: Held
    begun: Record
    outcome: Outcome


class Dispatcher:
    """Sends what is due, at most `most` requests at the same time."""

    def __init__(self, session_url: str, carrier: Carrier, teller: Teller, clock: Clock, most: int) -> None:
        self._carrier = carrier
        self._teller = teller
        self._clock = clock
        self._most = most
        self._token = uuid4()
        self._held: dict[UUID, Held] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._ended: list[Ended] = []
        self._woken = asyncio.Event()
        self._looks = True
        self._closed = False
        self._stopping = False
        self._wakes = Wakes(session_url, self._heard)

    async def run(self) -> NoReturn:
        """Works for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._wakes.listen(), name="deliveries listen")
            tasks.create_task(self._keep(), name="deliveries keep")
            await self._work()

    async def stop(self) -> None:
        """Begins nothing more, waits for the answers that are to come, and lets go of its lanes."""
        self._stopping = True
        if self._sending:
            await asyncio.wait(self._sending, timeout=_LAST_SECONDS)
        with suppress(*OUTAGES):  # then whoever takes the lanes on finds out by the lease
            await self._write()
            await lanes.release([each for each, lane in self._held.items() if not lane.under_way], self._token)
            # What had no answer has to be seen to: whoever takes these on does that, at once.
            await lanes.renew(list(self._held), self._token, self._clock())

    def _heard(self, webhook_ids: Collection[UUID]) -> None:
        for webhook_id in webhook_ids or self._held:
            if webhook_id in self._held:
                self._held[webhook_id].hungry = True
        self._looks = self._looks or not webhook_ids or any(each not in self._held for each in webhook_ids)
        self._woken.set()

    async def _work(self) -> NoReturn:
        backoff = Backoff(0.05, 2)
        while True:
            self._woken.clear()
            try:
                await self._turn()
                backoff.reset()
            except (DEADLOCK, *OUTAGES) as error:
                log.warning("deliveries.waits", error=repr(error))
                await asyncio.sleep(backoff.pause())
                self._woken.set()
            except Exception:  # it must go on after every fault, its own included
                log.exception("deliveries.interrupted")
                await asyncio.sleep(backoff.pause())
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()
                    continue
            self._looks = True
            if self._wakes.is_deaf:
                self._heard(())

    async def _turn(self) -> None:
        await self._write()
        if self._stopping:
            return
        if not self._closed:
            now = self._clock()
            await self._take(now)
            await self._begin(now)
        await self._release()

    async def _take(self, now: datetime) -> None:
        room = min(_MOST_LANES - len(self._held), self._most - len(self._sending))
        if not self._looks or room <= 0:
            return
        self._looks = False
        taken = await lanes.take(room, self._token, now, LEASE)
        self._held |= {lane["webhook_id"]: Held.of(lane) for lane in taken}
        if len(taken) == room:
            self._looks = True
            self._woken.set()

    async def _begin(self, now: datetime) -> None:
        wanted = self._shares(now)
        if not wanted:
            return
        begun = await lanes.claim(wanted, self._token, now)
        for webhook_id, most in wanted.items():
            self._held[webhook_id].hungry = sum(each["webhook_id"] == webhook_id for each in begun) >= most
        for each in begun:
            lane = self._held[each["webhook_id"]]
            lane.under_way += 1
            lane.idle_since = None
            task = asyncio.create_task(self._carry(lane, each), name="delivery")
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def _shares(self, now: datetime) -> dict[UUID, int]:
        """How many requests may begin in which lanes."""
        wanted: defaultdict[UUID, list[tuple[UUID, int]]] = defaultdict(list)
        for lane in self._held.values():
            if lane.is_open(now):
                wanted[lane.team_id].append((lane.webhook_id, lane.room))
        given = shared(self._most - len(self._sending), wanted)
        for webhook_id in given:  # who was served now is last next time
            self._held[webhook_id] = self._held.pop(webhook_id)
        return given

    async def _carry(self, lane: Held, begun: Record) -> None:
        try:
            answer = await self._carrier.carry(begun, self._clock())
        except Exception:  # a fault of ours must not keep the delivery, or its lane, for ever
            log.exception("deliveries.not_carried", delivery_id=str(begun["delivery_id"]))
            answer = Answer(None, Fault.REQUEST_IMPOSSIBLE, "", 0, None, None)
        now = self._clock()
        lane.under_way -= 1
        if answer.fault is None:
            lane.arrived()
        else:
            lane.missed(now)
        self._ended.append(Ended(lane, begun, outcome_of(begun, answer, now, random.random)))
        self._woken.set()

    async def _write(self) -> None:
        """Writes down what has ended. What cannot be written now is kept for the next time."""
        ended, now = list(self._ended), self._clock()
        if not ended:
            return
        over = {each.lane.webhook_id: each.lane for each in ended}
        await lanes.write([each.outcome for each in ended], [lane.standing() for lane in over.values()], now)
        del self._ended[: len(ended)]
        for each in ended:
            each.lane.hungry = each.lane.hungry or each.begun["in_order"]  # the next of its video may have its turn
        await self._teller.tell([each.begun for each in ended])
        await self._pause(ended, now)

    async def _pause(self, ended: list[Ended], now: datetime) -> None:
        """Pauses the webhooks whose receivers want no more, and those that nothing has reached for days."""
        for each in ended:
            if each.outcome.fault is Fault.GONE:
                await pause(each.lane.webhook_id, PauseReason.GONE, now)
            elif each.lane.failing_since and now - each.lane.failing_since >= PATIENCE:
                await pause(each.lane.webhook_id, PauseReason.FAILING, now)

    async def _release(self) -> None:
        """Lets go of the lanes in which nothing has been under way for a while, and of those that rest."""
        now, time = self._clock(), asyncio.get_running_loop().time()
        over = [each for each, lane in self._held.items() if self._is_over(lane, now, time)]
        if over:
            await lanes.release(over, self._token)
            for webhook_id in over:
                del self._held[webhook_id]

    def _is_over(self, lane: Held, now: datetime, time: float) -> bool:
        if lane.under_way:
            return False
        if lane.rests(now):
            return True
        if lane.hungry:
            return False
        lane.idle_since = lane.idle_since or time
        return time - lane.idle_since >= _IDLE_SECONDS

    async def _keep(self) -> NoReturn:
        """Keeps the leases, and knows whether nothing may be begun, because of maintenance."""
        since_renewed = 0.0
        while True:
            with suppress(*OUTAGES):
                self._closed = await is_on()
                if self._held and since_renewed >= _RENEW_SECONDS:
                    since_renewed = 0
                    kept = await lanes.renew(list(self._held), self._token, self._clock() + LEASE)
                    for webhook_id in set(self._held) - kept:
                        del self._held[webhook_id]
            await asyncio.sleep(1)
            since_renewed += 1
