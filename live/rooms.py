"""Rooms: whoever follows the same with the same rights sits in one, which runs and encodes each event once for all.

An event costs a room one execution, and each of its seats no more than putting bytes on a line. No seat waits for
another, and none has a task of its own while it is up to date.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Hashable, Sequence
from contextlib import aclosing
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from live.feed import Forgotten, History, Resync, Source, feed
from live.message import Message
from live.operations import INTERNAL, OperationError
from live.seats import Errors, Seat, Told

log = logging.getLogger(__name__)
Guest = TypeVar("Guest")
PAGE = 200
"""Messages that somebody who has missed some reads from the history at a time."""
SLICE = 250
"""Seats that are told in one go; then everybody else has a turn."""
REPLAYED = 20
"""Of these, how many are made at a time, before it is looked whether they may be told."""
READING = 20
"""Seats that read what they have missed at a time: the others wait for their turn."""
BEGINNING = 20
"""States that are told at a time: after a gap it is that of every room, and who waited for a connection to the database
for too long would be ended."""
REVIEWING = 10
"""Rooms in which rights are looked at, at a time, for the same doubt."""
FRESH_SECONDS = 1.0
"""How long those who replay a message may share what was made of it, unless something new happens before."""


class Play(Protocol[Guest]):
    """What is told in a room, and to whom: the application's part."""

    @property
    def topics(self) -> Collection[str]:
        """What is followed."""

    @property
    def state_first(self) -> bool:
        """Whether it begins with a state, and so does who may have missed some of what is kept nowhere."""

    def wants(self, message: Message) -> bool:
        """Whether it is told of this message at all."""

    async def still(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Of what somebody has missed, that which would be told today."""

    async def state(self) -> Message | None:
        """The present state as a message that tells of it; None where `tell` finds it by itself."""

    async def tell(self, message: Message | Resync | None) -> tuple[bytes, bool]:
        """The payload, encoded, the same for all, of the state for None; and whether nothing will follow.

        OperationError ends the room.
        """

    def charge(self, guest: Guest) -> None:
        """Somebody is about to be told; OperationError where they cannot pay."""

    async def stands(self, seats: Sequence[Seat[Guest]]) -> bool:
        """Whether it is sure, as of now, that all of these still have the right by which they sit here."""

    async def review(self, seats: Sequence[Seat[Guest]]) -> None:
        """Looks at today's rights of all of these, and tells each seat: `keep`, `move` or `end`."""


@dataclass(slots=True)
class Figures:
    """What has happened in all rooms since the process started."""

    executions: int = 0
    deliveries: int = 0
    """Of which all but one for each execution were shared."""


class Rooms(Generic[Guest]):
    """All rooms of this process. `bound` is how many bytes may wait for a seat that is being looked at."""

    def __init__(self, hub: Source, history: History, *, bound: int = 256 * 1024, page: int = PAGE) -> None:
        self.hub = hub
        self.history = history
        self.bound = bound
        self.page = page
        self.figures = Figures()
        self.reading = asyncio.Semaphore(READING)
        self.beginning = asyncio.Semaphore(BEGINNING)
        self._rooms: dict[Hashable, Room[Guest]] = {}
        self._reviews: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._rooms)

    @property
    def seats(self) -> list[Seat[Guest]]:
        """All that are taken."""
        return [seat for room in self._rooms.values() for seat in room.seats]

    def room(self, key: Hashable, play: Callable[[], Play[Guest]]) -> Room[Guest]:
        """The room of `key`; where there is none it is opened, with what `play` makes."""
        room = self._rooms.get(key)
        if room is None:
            room = self._rooms[key] = Room(self, key, play())
            room.open()
        return room

    def doubt(self, seats: Collection[Seat[Guest]]) -> None:
        """Somebody may have lost a right: from now on nothing is told them until it is known.

        To be called in the order of events, see `Hub.watch`: what is told then was before the loss.
        """
        by_room = dict[Room[Guest], list[Seat[Guest]]]()
        for seat in seats:
            seat.doubt()
            if seat.room is not None:
                by_room.setdefault(seat.room, []).append(seat)
        turns = asyncio.Semaphore(REVIEWING)
        for room, doubted in by_room.items():
            self._keep(asyncio.get_running_loop().create_task(_reviewed(room, doubted, turns), context=Context()))

    def _keep(self, review: asyncio.Task[None]) -> None:
        self._reviews.add(review)
        review.add_done_callback(self._reviews.discard)

    def _closed(self, room: Room[Guest]) -> None:
        if self._rooms.get(room.key) is room:
            del self._rooms[room.key]


class Room(Generic[Guest]):
    """All who follow the same with the same rights."""

    def __init__(self, rooms: Rooms[Guest], key: Hashable, play: Play[Guest]) -> None:
        self.rooms = rooms
        self.key = key
        self.play = play
        self.seats: dict[Seat[Guest], None] = {}
        self.listening = asyncio.Event()
        """Set when nothing that happens from now on is missed."""
        self._known: int | None = None
        """Whatever happens after this position is told to all seats; None as long as that is not known of any."""
        self._telling: dict[int, asyncio.Task[tuple[bytes, bool]]] = {}
        self._beginning: asyncio.Task[Told] | None = None
        """That which nobody has begun to make yet."""
        self._begins = asyncio.Lock()
        self._task: asyncio.Task[None]

    def open(self) -> None:
        """Begins to follow."""
        # In a context of its own: it outlives whoever came first.
        self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())

    def enter(self, guest: Guest, after: int | None) -> Seat[Guest]:
        """A seat for somebody who knows all up to `after`; with None, all until now."""
        position = self.rooms.hub.position
        seat = Seat(guest, position if after is None else after)
        # What happens until we listen is missed by all, so that the first to come reads it, too.
        seat.behind = not (self.listening.is_set() if after is None else self._tells_all_after(after))
        self.take_in(seat)
        return seat

    async def beginning(self) -> Told:
        """The state, for who has a seat here already and misses nothing that follows.

        It is made once for all who come while another one is being made.
        """
        await self.listening.wait()
        if self._beginning is None:
            self._beginning = asyncio.get_running_loop().create_task(self._begin(), context=Context())
            self._beginning.add_done_callback(_heard)
        self.rooms.figures.deliveries += 1
        return await asyncio.shield(self._beginning)

    async def _begin(self) -> Told:
        async with self._begins:
            self._beginning = None  # who comes from now on may have missed something
            self.rooms.figures.executions += 1
            state = await self.play.state()
            async with self.rooms.beginning:
                payload, last = await self.play.tell(state)
            return Told(payload, None, order=None if state is None else state.order, last=last)

    def take_in(self, seat: Seat[Guest]) -> None:
        """From now on the seat is told, or keeps, what happens here."""
        seat.room = self
        self.seats[seat] = None

    def let_go(self, seat: Seat[Guest]) -> None:
        """The seat is no longer here. The last one closes the room."""
        self.seats.pop(seat, None)
        if not self.seats:
            self._close()

    def charge(self, guest: Guest) -> None:
        """See `Play`."""
        self.play.charge(guest)
        self.rooms.figures.deliveries += 1

    async def review(self, seats: Sequence[Seat[Guest]]) -> None:
        """Has the rights of these seats looked at; whose cannot be, are ended."""
        try:
            await self.play.review(seats)
        except Exception as fault:  # noqa: BLE001 - whatever it is, nobody may stay who was not looked at
            errors = _errors(fault)
            for seat in seats:
                seat.end(errors)

    async def missed(self, seat: Seat[Guest]) -> bool:
        """Tells a seat what it has missed, as fast as it reads; whether it still sits here then, up to date.

        What the history tells may be ahead of what we were told of rights: they are looked at after it was read.
        """
        rooms, behind = self.rooms, True
        await self.listening.wait()
        while behind and seat.room is self:
            newest = rooms.hub.position
            async with rooms.reading:
                found = await rooms.history.since(self.play.topics, seat.position, rooms.page)
            if isinstance(found, Forgotten):
                behind = False
                await seat.tell_alone(await self._resync(newest))
                continue
            behind = len(found) == rooms.page
            for begin in range(0, len(found), REPLAYED):
                if not await self._replay(seat, found[begin : begin + REPLAYED]):
                    return False
        if seat.room is self and not behind:
            self._known = max(self._known or 0, seat.position)
            return not (self.play.state_first and seat.lacks_state) or await self._renew(seat)
        return seat.room is self

    async def _renew(self, seat: Seat[Guest]) -> bool:
        """Tells the state to a seat that may have missed some of what is kept nowhere; whether it still sits here."""
        state = await self.beginning()
        if not await seat.is_confirmed() or seat.room is not self:
            return False
        is_news = not seat.knows_later_than(state)
        seat.begin(state)
        if is_news:
            await seat.tell_alone(state)
        return seat.room is self

    async def _replay(self, seat: Seat[Guest], messages: Sequence[Message]) -> bool:
        """Tells a seat some of what it has missed; whether it still may be told.

        What is made of a message shows the present: so the right is looked at after that, and before any of it is told.
        """
        missed = [each for each in messages if (each.position or 0) > seat.position]
        told = [await self._told(each) for each in await self.play.still(missed)]
        if told and not await seat.is_confirmed():
            return False
        for each in told:
            if seat.room is not self or seat.is_doubted:
                return False
            await seat.tell_alone(each)
        if missed and seat.room is self:
            seat.position = missed[-1].position or seat.position
        return seat.room is self

    def _tells_all_after(self, position: int) -> bool:
        return self._known is not None and self._known <= position <= self.rooms.hub.position

    async def _run(self) -> None:
        rooms, errors = self.rooms, None
        following = feed(
            rooms.hub,
            rooms.history,
            self.play.topics,
            None,
            page=rooms.page,
            began=self.listening.set,
            looked_up=self._looked_up,
            caught_up=self._caught_up,
        )
        try:
            async with aclosing(following) as happenings:
                async for happening in happenings:
                    if await self._happened(happening):
                        self.rooms._closed(self)  # noqa: SLF001 - who is still held, or behind, hears of it, too
                        return
        except asyncio.CancelledError:
            raise
        except Exception as fault:  # noqa: BLE001 - it ends the room, whatever it is
            errors = _errors(fault)
        self._end(errors)

    async def _looked_up(self, found: Sequence[Message]) -> Sequence[Message]:
        """There has been a gap, and the history may be ahead of what we were told of rights."""
        await self.review([*self.seats])
        return await self.play.still(found)

    async def _caught_up(self) -> None:
        """There has been a gap, and what is kept nowhere was perhaps told in it; or that somebody has lost a right."""
        if self.play.state_first:
            state = await self._begin()
            await self._confirm()
            await self._tell_all(state)

    async def _happened(self, happening: Message | Resync) -> bool:
        """Tells everybody; whether nothing follows."""
        if happening.position is not None:
            self._known = happening.position
            self._forget()
        if isinstance(happening, Message) and not self.play.wants(happening):
            return False
        told = await (self._resync(happening.position) if isinstance(happening, Resync) else self._told(happening))
        if happening.position is not None:
            await self._confirm()
        await self._tell_all(told)
        return told.last

    async def _confirm(self) -> None:
        """Nobody is told who has lost the right by the time at which it was read what is told."""
        seats = [*self.seats]
        if seats and not await self.play.stands(seats):
            await self.review(seats)

    async def _tell_all(self, told: Told) -> None:
        for number, seat in enumerate([*self.seats], 1):
            if seat.room is self:
                _tell(seat, told)
            if not number % SLICE:
                await asyncio.sleep(0)

    async def _resync(self, position: int) -> Told:
        payload, last = await self.play.tell(Resync(position))
        return Told(payload, position, last=last)

    async def _told(self, message: Message) -> Told:
        """What is made of the message: once for all who are told it at the same time."""
        if message.position is None:
            self.rooms.figures.executions += 1
            payload, last = await self.play.tell(message)
            return Told(payload, None, order=message.order, last=last)
        telling = self._telling.get(message.position)
        if telling is None:
            self.rooms.figures.executions += 1
            loop = asyncio.get_running_loop()
            telling = loop.create_task(_plainly(self.play, message), context=Context())
            telling.add_done_callback(_heard)
            self._telling[message.position] = telling
            loop.call_later(FRESH_SECONDS, self._telling.pop, message.position, None)
        payload, last = await asyncio.shield(telling)
        return Told(payload, message.position, last=last)

    def _forget(self) -> None:
        """What was made of earlier messages may not be true any more."""
        self._telling.clear()

    def _end(self, errors: Errors | None) -> None:
        for seat in [*self.seats]:
            seat.end(errors)
        self._close()

    def _close(self) -> None:
        self.rooms._closed(self)  # noqa: SLF001 - they are one
        # Who has moved away may still be about to read here, or wait for what is being made: it must not wait for ever.
        self.listening.set()
        self._task.cancel()  # also where it is by what it tells that the last one goes


def _heard(telling: asyncio.Task[Any]) -> None:
    """What has failed is told by whoever waits for it; if nobody does any more, it is nobody's business."""
    if not telling.cancelled():
        telling.exception()


async def _reviewed(room: Room[Guest], seats: Sequence[Seat[Guest]], turns: asyncio.Semaphore) -> None:
    async with turns:
        await room.review(seats)


def _tell(seat: Seat[Any], told: Told) -> None:
    try:
        seat.tell(told)
    except Exception as fault:  # noqa: BLE001 - whatever it is, it ends this seat alone
        seat.end(_errors(fault))


async def _plainly(play: Play[Guest], message: Message) -> tuple[bytes, bool]:
    return await play.tell(message)


def _errors(fault: Exception) -> Errors:
    if isinstance(fault, OperationError):
        return fault.errors
    log.error("A subscription failed.", exc_info=fault)
    return [INTERNAL]
