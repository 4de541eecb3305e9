"""The dispatcher: takes lanes in which something is due, sends it, and writes down how that went.

All that it knows is in PostgreSQL, and nothing else has to be there for a delivery to leave. It works in turns, each of
a few statements over all lanes: the busier it is, the more deliveries each turn has.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import NoReturn
from uuid import UUID, uuid4

import structlog
from asyncpg import Record

from domain.clock import Clock
from domain.webhooks.faults import Fault
from domain.webhooks.shares import shared
from gateways.outbound import Answer
from models import lanes
from models.database import DEADLOCK, is_outage
from models.maintenance import is_on
from workers.deliveries.carrying import Carrier, outcome_of
from workers.deliveries.ending import Ended, Ends
from workers.deliveries.held import Held
from workers.deliveries.log import Teller
from workers.deliveries.wakes import Wakes
from workers.outages import OUTAGES, Backoff

log = structlog.stdlib.get_logger(__name__)

POLL_SECONDS = 0.5
"""How often it looks without being told to: what is tried again is due at a time of its own."""
_MOST_LANES = 1000
_LAST_SECONDS = 11
"""How long it waits for answers when it has to go: each comes within ten."""
_LAST_STATEMENTS_SECONDS = 3
"""And then to write them down."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many requests at the same time, how long a lane is sure without a word, and how often such a word is said."""

    most: int
    lease: timedelta
    renew_seconds: float


class Dispatcher:
    """Sends what is due."""

    def __init__(self, session_url: str, carrier: Carrier, teller: Teller, clock: Clock, pace: Pace) -> None:
        self._carrier = carrier
        self._teller = teller
        self._clock = clock
        self._pace = pace
        self._token = uuid4()
        self._in_doubt: list[UUID] = []
        """Tokens of statements of which it is not known whether they have come to something."""
        self._held: dict[UUID, Held] = {}
        self._turns = count(1)
        self._served: dict[UUID, int] = {}
        """When teams were last given a request."""
        self._sending: set[asyncio.Task[None]] = set()
        self._open: set[UUID] = set()
        """Attempts that have begun, and of whose end nothing is written down."""
        self._ends = Ends(teller)
        self._turning = asyncio.Lock()
        self._woken = asyncio.Event()
        self._looks = True
        self._closed = False
        self._stopping = False
        self._wakes = Wakes(session_url, self._heard)

    async def run(self) -> NoReturn:
        """Works for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._wakes.listen(), name="deliveries listen")
            tasks.create_task(self._teller.run(), name="deliveries tell")
            tasks.create_task(self._keep(), name="deliveries keep")
            tasks.create_task(self._poll(), name="deliveries poll")
            await self._work()

    async def stop(self) -> None:
        """Begins nothing more, waits for the answers that are to come, and lets go of its lanes."""
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                async with self._turning:
                    pass  # whatever was being begun is under way now
                while self._sending:
                    await asyncio.wait(set(self._sending))
        # Whatever is left undone, whoever takes the lanes on finds out by the lease.
        with suppress(DEADLOCK, *OUTAGES):
            async with asyncio.timeout(_LAST_STATEMENTS_SECONDS), self._turning:
                await self._let_go()

    async def _let_go(self) -> None:
        await self._settle()
        await self._write()
        await lanes.release([each for each, lane in self._held.items() if lane.is_still], self._token)
        # What had no answer has to be seen to: whoever takes these on does that, at once.
        await lanes.renew(list(self._held), self._token, timedelta())
        self._held.clear()

    def _heard(self, webhook_ids: Collection[UUID]) -> None:
        for webhook_id in webhook_ids or self._held:
            if webhook_id in self._held:
                self._held[webhook_id].hungry = True
        self._looks = self._looks or not webhook_ids or any(each not in self._held for each in webhook_ids)
        self._woken.set()

    async def _poll(self) -> NoReturn:
        """However much there is to do, what is due by itself is looked for, too."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            self._heard(())

    async def _work(self) -> NoReturn:
        backoff = Backoff(0.05, 2)
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                async with self._turning:
                    await self._turn()
            except Exception as error:  # noqa: BLE001 - it must go on after every fault, its own included
                self._in_doubt.append(self._token)
                _say(error)
                await asyncio.sleep(backoff.pause())
                self._heard(())
            else:
                backoff.reset()

    async def _turn(self) -> None:
        await self._settle()
        if not self._closed and not self._stopping:  # first what somebody waits for
            now = self._clock()
            await self._take(now)
            await self._begin(now)
        await self._write()
        if not self._stopping:
            await self._release()

    async def _settle(self) -> None:
        """Finds out what is its own, after a fault: what a statement did whose answer was lost is not known."""
        if not self._in_doubt:
            return
        tokens, self._token = set(self._in_doubt), uuid4()
        self._in_doubt = [*tokens, self._token]
        known = list(self._open)
        ours = await lanes.settle(self._in_doubt, self._token, known, self._clock(), self._pace.lease)
        self._held = {lane["webhook_id"]: self._held.get(lane["webhook_id"]) or Held.of(lane) for lane in ours}
        self._in_doubt = []

    async def _take(self, now: datetime) -> None:
        room = min(_MOST_LANES - len(self._held), self._pace.most - len(self._sending))
        if not self._looks or room <= 0:
            return
        self._looks = False
        taken = await lanes.take(room, self._token, now, self._pace.lease)
        self._held |= {lane["webhook_id"]: Held.of(lane) for lane in taken}
        if len(taken) == room:
            self._looks = True
            self._woken.set()

    async def _begin(self, now: datetime) -> None:
        wanted = {} if self._stopping else self._shares(now)
        if not wanted:
            return
        asked = {webhook_id: self._held[webhook_id] for webhook_id in wanted}
        for lane in asked.values():
            lane.hungry = False  # before it is asked for: what is told of meanwhile is asked for once more
        begun = await lanes.claim(wanted, self._token, now)
        for each in begun:
            lane = asked[each["webhook_id"]]
            wanted[lane.webhook_id] -= 1
            self._start(lane, each)
        for lane in asked.values():
            lane.hungry = lane.hungry or not wanted[lane.webhook_id]

    def _start(self, lane: Held, begun: Record) -> None:
        self._open.add(begun["attempt_id"])
        lane.begins()
        task = asyncio.create_task(self._carry(lane, begun), name="delivery")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _shares(self, now: datetime) -> dict[UUID, int]:
        """How many requests may begin in which lanes: first where requests are known to arrive.

        A team has half of what there is at most. Of receivers of which nothing good is known, all together have half,
        and those of one team an eighth: however many there are that hang, they keep nobody waiting whose own answers.
        """
        free, half, eighth = (max(self._pace.most // part, 1) for part in (1, 2, 8))
        free -= len(self._sending)
        busy, doubtful = self._under_way(self._held.values()), self._under_way(self._doubtful())
        wanted = self._open_lanes(now, proven=True)
        given = shared(free, wanted, {team_id: half - busy[team_id] for team_id in wanted})
        wanted = self._open_lanes(now, proven=False)
        left = min(free - sum(given.values()), half - doubtful.total())
        given |= shared(left, wanted, {team_id: eighth - doubtful[team_id] for team_id in wanted})
        self._serve(given)
        return given

    def _doubtful(self) -> list[Held]:
        return [lane for lane in self._held.values() if not lane.is_proven]

    @staticmethod
    def _under_way(held: Iterable[Held]) -> Counter[UUID]:
        """How many requests each team has under way in these lanes."""
        counted = Counter[UUID]()
        for lane in held:
            counted[lane.team_id] += lane.under_way
        return counted

    def _open_lanes(self, now: datetime, *, proven: bool) -> dict[UUID, list[tuple[UUID, int]]]:
        """Of each team, whoever has waited longest first, its lanes and how many requests each would take."""
        wanted: defaultdict[UUID, list[tuple[UUID, int]]] = defaultdict(list)
        for lane in self._held.values():
            if lane.is_proven is proven and lane.is_open(now):
                wanted[lane.team_id].append((lane.webhook_id, lane.room))
        return {each: wanted[each] for each in sorted(wanted, key=lambda team_id: self._served.get(team_id, 0))}

    def _serve(self, webhook_ids: Collection[UUID]) -> None:
        """Who is served now is last next time, among its team's, and its team among teams."""
        for webhook_id in webhook_ids:
            lane = self._held[webhook_id] = self._held.pop(webhook_id)
            self._served[lane.team_id] = next(self._turns)
        if len(self._served) > _MOST_LANES:  # who waits longest now is as good as new
            self._served = {lane.team_id: self._served.get(lane.team_id, 0) for lane in self._held.values()}

    async def _carry(self, lane: Held, begun: Record) -> None:
        try:
            answer = await self._carrier.carry(begun, self._clock())
        except Exception:  # a fault of ours must not keep the delivery, or its lane, for ever
            log.exception("deliveries.not_carried", delivery_id=str(begun["delivery_id"]))
            answer = Answer(None, Fault.REQUEST_IMPOSSIBLE, "", 0, None, None)
        now = self._clock()
        lane.ends(now, arrived=answer.fault is None)
        self._ends.add(Ended(lane, begun, outcome_of(begun, answer, now, random.random)))
        self._woken.set()

    async def _write(self) -> None:
        """Writes down what has ended. What cannot be written now is kept for the next time."""
        over = await self._ends.write(self._held, self._token, self._clock())
        self._open.difference_update(over)

    async def _release(self) -> None:
        """Lets go of the lanes in which nothing has been under way for a while, and of those that rest."""
        now, time = self._clock(), asyncio.get_running_loop().time()
        over = [each for each, lane in self._held.items() if lane.is_over(now, time)]
        if over:
            for webhook_id in over:  # before they are let go of: what is told of meanwhile is looked for
                del self._held[webhook_id]
            await lanes.release(over, self._token)

    async def _keep(self) -> NoReturn:
        """Keeps the leases, and knows whether nothing may be begun, because of maintenance."""
        since_renewed = 0.0
        pause = min(1, self._pace.renew_seconds)
        while True:
            try:
                self._closed = await is_on()
                if since_renewed >= self._pace.renew_seconds:
                    since_renewed = 0
                    await self._renew()
            except Exception as error:  # noqa: BLE001 - as above
                _say(error)
            await asyncio.sleep(pause)
            since_renewed += pause

    async def _renew(self) -> None:
        asked, token = list(self._held), self._token
        kept = await lanes.renew(asked, token, self._pace.lease)
        if token == self._token:  # or it has been settled meanwhile
            for webhook_id in set(asked) - kept:
                self._held.pop(webhook_id, None)


def _say(error: Exception) -> None:
    if is_outage(error) or isinstance(error, (DEADLOCK, *OUTAGES)):
        log.warning("deliveries.waits", error=repr(error))
    else:
        log.error("deliveries.interrupted", exc_info=error)
