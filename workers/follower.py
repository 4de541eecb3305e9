"""Following the events for one consumer: in order, from its cursor on, past whatever it cannot take."""

import asyncio
from collections.abc import Sequence
from typing import NoReturn

import structlog

from models import ConsumerCursor, EventRecord, ParkedEvent
from models.database import transaction
from workers.consumers import Consumer, Tools
from workers.outages import OUTAGES, Backoff
from workers.traced import handled

log = structlog.stdlib.get_logger(__name__)

PAGE = 500
"""Most events handed to a consumer at a time."""
MOST_FAILURES = 5
"""An event that fails so often is parked."""


class Tide:
    """How far the events have got their positions; followers wait here for more."""

    def __init__(self) -> None:
        self.position = 0
        self._risen = asyncio.Event()

    def rise(self, position: int) -> None:
        """Everything up to `position` is there to be read."""
        if position > self.position:
            self.position = position
            self._risen.set()
            self._risen = asyncio.Event()

    async def above(self, position: int) -> None:
        """Waits until there is something behind `position`."""
        while self.position <= position:
            await self._risen.wait()


class CursorTaken(Exception):
    """Another relay moves this cursor: we are not the active one any more."""


class Follower:
    """Takes one consumer through the events. Several run side by side, and none waits for another."""

    def __init__(self, consumer: Consumer, tools: Tools) -> None:
        self._consumer = consumer
        self._tools = tools
        self._log = log.bind(consumer=consumer.name)
        self._backoff = Backoff(0.05, 1)
        self._position = 0
        self._failures = 0
        self._page_size = PAGE

    async def run(self, tide: Tide) -> NoReturn:
        """Follows for ever. Raises CursorTaken, and what the database raises when it is away."""
        cursor, _ = await ConsumerCursor.get_or_create(consumer=self._consumer.name)
        self._position, self._failures = cursor.position, cursor.failures
        while True:
            await tide.above(self._position)
            behind = EventRecord.filter(position__gt=self._position).order_by("position")
            if page := await behind.limit(self._page_size):
                await self._step(page)

    async def _step(self, page: Sequence[EventRecord]) -> None:
        try:
            await self._take(page)
        except CursorTaken:
            raise
        except OUTAGES as error:  # not the events' fault: they wait until it is over
            self._log.warning("relay.consumer_waits", position=self._position, error=repr(error))
            await asyncio.sleep(self._backoff.pause())
        except Exception as error:  # noqa: BLE001 - a consumer may fail in any way, and must not hold up what follows
            await self._failed(page, error)
        else:
            self._backoff.reset()
            self._page_size = min(2 * self._page_size, PAGE)

    async def _take(self, page: Sequence[EventRecord]) -> None:
        wanted = [event for event in page if self._consumer.wants(event)]
        with handled(self._tools.tracer, self._consumer.name, wanted):
            await self._handle(wanted, page)
        self._moved(page)

    async def _handle(self, wanted: Sequence[EventRecord], page: Sequence[EventRecord]) -> None:
        if wanted and self._consumer.in_transaction:
            async with transaction():
                await self._consumer.handle(wanted, self._tools)
                await self._move_cursor(page)
        else:
            if wanted:
                await self._consumer.handle(wanted, self._tools)
            await self._move_cursor(page)

    async def _move_cursor(self, page: Sequence[EventRecord]) -> None:
        # Only from where we left it: a relay that has lost its lock without knowing it cannot undo another's work.
        mine = ConsumerCursor.filter(consumer=self._consumer.name, position=self._position)
        if not await mine.update(position=page[-1].position, failures=0):
            raise CursorTaken(self._consumer.name)

    def _moved(self, page: Sequence[EventRecord]) -> None:
        assert page[-1].position is not None
        self._position, self._failures = page[-1].position, 0

    async def _failed(self, page: Sequence[EventRecord], error: Exception) -> None:
        if len(page) > 1:
            self._page_size = 1  # one by one now, to find the event that it is
            return
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            await self._park(page, error)
            return
        self._log.warning("relay.consumer_failed", event_id=str(page[0].id), failures=self._failures, exc_info=error)
        await ConsumerCursor.filter(consumer=self._consumer.name).update(failures=self._failures)
        await asyncio.sleep(self._backoff.pause())

    async def _park(self, page: Sequence[EventRecord], error: Exception) -> None:
        (event,) = page
        async with transaction():
            await ParkedEvent.create(
                consumer=self._consumer.name, event_id=event.id, error=repr(error), parked_at=self._tools.clock()
            )
            await self._move_cursor(page)
        self._moved(page)
        self._backoff.reset()
        self._log.error("relay.event_parked", event_id=str(event.id), type=event.type, exc_info=error)
