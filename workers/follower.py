"""Following the events for one consumer: in order, from its cursor on, past whatever it cannot take."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from typing import NoReturn

import structlog

from models import ConsumerCursor, EventRecord, ParkedEvent
from models.database import DEADLOCK, row_of, transaction
from workers.consumers import Consumer, Tools
from workers.outages import OUTAGES, Backoff, has_changed
from workers.tide import Tide
from workers.traced import handled

log = structlog.stdlib.get_logger(__name__)

PAGE = 500
"""Most events handed to a consumer at a time."""
MOST_FAILURES = 5
"""An event that fails so often is parked."""
LAZY_SECONDS = 0.5
"""How long what is done may be ahead of the cursor: after a crash so much is passed over, or done, once more."""
PARTING_SECONDS = 1
LULL_SECONDS = 0.01
"""How long a consumer that nobody waits for lets pass what people watch, and gathers what comes meanwhile."""
_MOVE = """
UPDATE consumer_cursors SET position = $3, failures = $4 WHERE consumer = $1 AND position = $2 RETURNING position
"""


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
        self._written = 0
        """Where the cursor is: here, or a little behind."""
        self._write_at = 0.0
        self._failures = 0
        self._page_size = PAGE

    async def run(self, tide: Tide) -> NoReturn:
        """Follows for ever. Raises CursorTaken, and what the database raises when it is away."""
        cursor, _ = await ConsumerCursor.get_or_create(consumer=self._consumer.name)
        self._position, self._written, self._failures = cursor.position, cursor.position, cursor.failures
        try:
            while True:
                await self._news(tide)
                if page := await self._page(tide):
                    await self._step(page)
                if self._written < self._position and _now() >= self._write_at:
                    await self._catch_cursor_up()  # not before: somebody may watch what has come
        finally:
            with suppress(Exception):  # whoever follows next does a little again
                async with asyncio.timeout(PARTING_SECONDS):  # and must not wait for us: we still hold the lock
                    await self._catch_cursor_up()

    async def _news(self, tide: Tide) -> None:
        """Waits for what follows. Where nothing comes for long enough, a cursor that is behind is written meanwhile."""
        while not await self._more_comes(tide):
            await self._catch_cursor_up()

    async def _more_comes(self, tide: Tide) -> bool:
        """Whether something follows before it is time to write the cursor."""
        if tide.position > self._position:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._write_at if self._written < self._position else None):
                await tide.above(self._position)
                if not self._consumer.at_once:
                    await asyncio.sleep(LULL_SECONDS)
                return True
        return False

    async def _catch_cursor_up(self) -> None:
        if self._written < self._position:
            await self._move_cursor(self._position)
            self._written = self._position

    async def _page(self, tide: Tide) -> Sequence[EventRecord]:
        known = tide.behind(self._position, self._page_size)
        if known is not None:
            return known
        behind = EventRecord.filter(position__gt=self._position).order_by("position")
        return await behind.limit(self._page_size)

    async def _step(self, page: Sequence[EventRecord]) -> None:
        try:
            await self._take(page)
        except CursorTaken:
            raise
        except (DEADLOCK, *OUTAGES) as error:  # who was undone so that another can go on is no more at fault
            await self._wait(page, error)
        except Exception as error:  # noqa: BLE001 - a consumer may fail in any way, and must not hold up what follows
            await (self._wait if has_changed(error) else self._failed)(page, error)
        else:
            self._backoff.reset()
            self._page_size = min(2 * self._page_size, PAGE)

    async def _take(self, page: Sequence[EventRecord]) -> None:
        # Copies: the other consumers have the same, and their traces go on from what is noted there.
        wanted = [copy(event) for event in page if self._consumer.wants(event)]
        if wanted:
            with handled(self._tools.tracer, self._consumer.name, wanted):
                await self._handle(wanted, page)
        self._moved(page, written=bool(wanted) and self._consumer.in_transaction)

    async def _handle(self, wanted: Sequence[EventRecord], page: Sequence[EventRecord]) -> None:
        if not self._consumer.in_transaction:
            await self._consumer.handle(wanted, self._tools)
            return
        async with transaction():
            await self._consumer.handle(wanted, self._tools)
            await self._move_cursor(_end(page))

    async def _move_cursor(self, position: int, *, failures: int = 0) -> None:
        # Only from where we left it: a relay that has lost its lock without knowing it cannot undo another's work.
        if await row_of(_MOVE, (self._consumer.name, self._written, position, failures)) is None:
            raise CursorTaken(self._consumer.name)

    def _moved(self, page: Sequence[EventRecord], *, written: bool) -> None:
        if self._written == self._position:
            self._write_at = _now() + LAZY_SECONDS
        self._position, self._failures = _end(page), 0
        if written:
            self._written = self._position

    async def _wait(self, page: Sequence[EventRecord], error: Exception) -> None:
        """It is not the events' fault: they wait until it is over."""
        self._log.warning("relay.consumer_waits", position=self._position, error=repr(error))
        self._page_size = max(1, len(page) // 2)  # or they were too many for the time that a statement has
        await asyncio.sleep(self._backoff.pause())

    async def _failed(self, page: Sequence[EventRecord], error: Exception) -> None:
        if len(page) > 1:
            self._page_size = 1  # one by one now, to find the event that it is
            return
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            await self._park(page, error)
            return
        self._log.warning("relay.consumer_failed", event_id=str(page[0].id), failures=self._failures, exc_info=error)
        await self._move_cursor(self._position, failures=self._failures)
        self._written = self._position
        await asyncio.sleep(self._backoff.pause())

    async def _park(self, page: Sequence[EventRecord], error: Exception) -> None:
        (event,) = page
        async with transaction():
            await ParkedEvent.create(
                consumer=self._consumer.name, event_id=event.id, error=repr(error), parked_at=self._tools.clock()
            )
            await self._move_cursor(_end(page))
        self._moved(page, written=True)
        self._backoff.reset()
        self._log.error("relay.event_parked", event_id=str(event.id), type=event.type, exc_info=error)


def _end(page: Sequence[EventRecord]) -> int:
    position: int | None = page[-1].position
    assert position is not None, "what is followed has positions"
    return position


def _now() -> float:
    return asyncio.get_running_loop().time()
