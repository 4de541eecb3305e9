"""One subscriber's place in a room: what they were told last, and what waits while it is not known whether they may."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from live.operations import INTERNAL, OperationError

if TYPE_CHECKING:
    from live.rooms import Room

log = logging.getLogger(__name__)
Guest = TypeVar("Guest")
Errors = Sequence[Mapping[str, Any]]


class Told:
    """What is told of one thing: the payload, its position or order where it has one, and whether it is the last."""

    __slots__ = ("last", "order", "payload", "position")

    def __init__(self, payload: bytes, position: int | None, *, order: int | None = None, last: bool = False) -> None:
        self.payload = payload
        self.position = position
        self.order = order
        self.last = last


class Outlet(Protocol):
    """Where a seat's client is reached."""

    def tell(self, payload: bytes, *, lasting: bool) -> None:
        """Puts a payload on the client's line; of those that are not `lasting` only the latest need wait."""

    async def send(self, payload: bytes) -> None:
        """As `tell`, when there is room for it."""

    def ended(self, errors: Errors | None) -> None:
        """Nothing follows; with `errors` it has failed."""


class Seat(Generic[Guest]):
    """A place in a room, from `Room.enter` on; `sit` says where its client is, `leave` gives it up.

    It is *held* until it sits, and while there is a doubt: what happens then waits. Where more happens than may wait,
    or the seat moves to another room, it is *behind*: it reads what it has missed from the history.
    """

    __slots__ = (
        "_catching_up",
        "_doubts",
        "_errors",
        "_held",
        "_held_bytes",
        "_order",
        "_outlet",
        "_settled",
        "_upon_leaving",
        "behind",
        "guest",
        "lacks_state",
        "position",
        "room",
    )

    def __init__(self, guest: Guest, position: int) -> None:
        self.guest = guest
        self.position = position
        """All up to it has been told, or was known before."""
        self.room: Room[Guest] | None = None
        """None when it is given up."""
        self.behind = False
        self.lacks_state = False
        """Whether it has missed something that the history does not have."""
        self._order: int | None = None
        """Of the state that was told last, if any: an earlier one must not replace it."""
        self._upon_leaving: tuple[Callable[[Seat[Guest]], None], ...] = ()
        self._errors: Errors | None = None
        self._outlet: Outlet | None = None
        self._doubts = self._settled = 0
        self._held: list[Told] | None = []
        self._held_bytes = 0
        self._catching_up: asyncio.Task[None] | None = None

    @property
    def doubts(self) -> int:
        """How often there was a doubt: who looks says to `keep` which of them they have looked after."""
        return self._doubts

    @property
    def is_doubted(self) -> bool:
        """Whether there is a doubt that nobody has looked after yet."""
        return self._settled < self._doubts

    @property
    def is_taken(self) -> bool:
        """Whether somebody sits here."""
        return self._outlet is not None

    @property
    def is_held(self) -> bool:
        """Whether what happens waits."""
        return self._held is not None

    def upon_leaving(self, then: Callable[[Seat[Guest]], None]) -> None:
        """What is to be done, too, when the place is given up."""
        self._upon_leaving = (*self._upon_leaving, then)

    def sit(self, outlet: Outlet) -> None:
        """From now on the client is told; of a room that has ended meanwhile, that."""
        self._outlet = outlet
        if self.room is None:
            outlet.ended(self._errors)
        self._go_on()

    def doubt(self) -> None:
        """Nothing is told until somebody has looked."""
        self._doubts += 1
        if self._held is None:
            self._held = []

    def keep(self, doubts: int) -> None:
        """The right is still there, as of a look that began after so many `doubts`."""
        self._settled = max(self._settled, doubts)
        self._go_on()

    def move(self, room: Room[Guest], doubts: int) -> None:
        """The right is another one now: what follows is told in `room`, without loss."""
        old = self.room
        if old is None or old is room:
            self.keep(doubts)
            return
        self._hold_nothing()
        room.take_in(self)
        old.let_go(self)
        self.keep(doubts)

    def begin(self, told: Told) -> None:
        """The client is told the state: what waits may be about an earlier one."""
        self._order, self.lacks_state = max(self._order or 0, told.order or 0), False

    def knows_later_than(self, told: Told) -> bool:
        """Whether the client knows a later state already; of one that is perhaps not whole, whether they know any."""
        if told.order is None or self._order is None:
            return False
        return told.order < self._order or not told.order

    def tell(self, told: Told) -> None:
        """Something has happened in the room."""
        position = told.position
        if position is not None and position <= self.position:
            return
        if self.knows_later_than(told):
            return
        if self._held is not None:
            self._hold(told)
            return
        if self.room is None or self._outlet is None or not self._charged():
            return
        if position is not None:
            self.position = position
        self._order = self._order if told.order is None else told.order
        self._outlet.tell(told.payload, lasting=position is not None)
        if told.last:
            self.end(None)

    async def tell_alone(self, told: Told) -> None:
        """Tells what the client has missed, when there is room for it."""
        if self._outlet is None or not self._charged():
            return
        await self._outlet.send(told.payload)
        self.position = told.position or self.position
        if told.last:
            self.end(None)

    async def is_confirmed(self) -> bool:
        """Has the right looked at now; whether it is still the same as when the seat was taken."""
        room = self.room
        if room is not None:
            self.doubt()
            await room.review([self])
        return room is not None and self.room is room and not self.is_doubted

    def end(self, errors: Errors | None) -> None:
        """Gives the place up, and tells the client that nothing follows."""
        if self.room is None:
            return
        self.leave()
        self._errors = errors
        if self._outlet is not None:
            self._outlet.ended(errors)

    def leave(self) -> asyncio.Task[None] | None:
        """Gives the place up; answers what has still to unwind, if anything."""
        room, self.room = self.room, None
        self._held = None
        if room is not None:
            room.let_go(self)
            for then in self._upon_leaving:
                then(self)
        catching_up, self._catching_up = self._catching_up, None
        if catching_up is None or catching_up is asyncio.current_task():
            return None
        catching_up.cancel()
        return catching_up

    def _charged(self) -> bool:
        try:
            if self.room is not None:
                self.room.charge(self.guest)
        except OperationError as error:
            self.end(error.errors)
        return self.room is not None

    def _hold(self, told: Told) -> None:
        assert self._held is not None, "it is asked before"
        if told.position is None:
            self._held = [each for each in self._held if each.position is not None]
        elif self.behind:
            return  # the history has it
        else:
            self._held_bytes += len(told.payload)
        self._held.append(told)
        if self.room is not None and self._held_bytes > self.room.rooms.bound:
            self._hold_nothing()

    def _hold_nothing(self) -> None:
        """What waits is in the history, which is read in the end; but for states, which are told anew."""
        self._held, self._held_bytes, self.behind, self.lacks_state = [], 0, True, True

    def _go_on(self) -> None:
        """Tells what has waited, or begins to read what was missed, unless something still stands against it."""
        if self._held is None or self._outlet is None or self.is_doubted or self.room is None:
            return
        if self._catching_up is not None:
            return
        if self.behind:
            loop = asyncio.get_running_loop()
            self._catching_up = loop.create_task(self._catch_up(), context=Context())
            return
        waiting, self._held, self._held_bytes = self._held, None, 0
        for told in waiting:
            self.tell(told)

    async def _catch_up(self) -> None:
        """Reads what was missed; what happens meanwhile waits, and where that is too much it is read, too."""
        try:
            while self.behind and self.room is not None:
                self.behind = False
                if not await self.room.missed(self):
                    self.behind = True
                    break
        except Exception as fault:  # whatever it is, it ends this seat alone
            if not isinstance(fault, OperationError):
                log.exception("What was missed could not be told.")
            self.end(fault.errors if isinstance(fault, OperationError) else [INTERNAL])
            return
        self._catching_up = None
        self._go_on()
