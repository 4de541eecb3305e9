"""Whoever may have lost a right is looked at again at once, in every API process: see docs/live.md."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, NoReturn

from domain.events import BESIDES, CONCERNED
from live.message import Gap, Message
from live.rooms import Rooms
from live.seats import Seat
from live.ties import Ties

log = logging.getLogger(__name__)

EndSessions = Callable[[Collection[str] | None], Awaitable[None]]
"""Ends the sockets of lost sessions: of who hangs on any of these names, or of everybody."""


class Rights:
    """Raises doubts about the seats of this process that hang on what an event tells of."""

    def __init__(self, rooms: Rooms[Any]) -> None:
        self.heard = 0
        """How often rights were told to have changed."""
        self._rooms = rooms
        self._ties: Ties[Seat[Any]] = Ties()
        self._told: asyncio.Queue[tuple[str, ...] | None] = asyncio.Queue()

    def tie(self, seat: Seat[Any], names: Iterable[str], *, heard: int) -> None:
        """The seat hangs on `names` until it is left.

        `heard` is what was heard before its rights were looked at: what was told since then may have been about it.
        """
        self._ties.tie(seat, names)
        seat.upon_leaving(self._ties.untie)
        if self.heard != heard:
            self._rooms.doubt([seat])

    def hear(self, message: Message | Gap) -> None:
        """Raises the doubts that a message on the topic of rights gives: before anything that was published later.

        After a gap everybody is doubted.
        """
        self.heard += 1
        names = None if isinstance(message, Gap) else concerned(message.body) or None
        self._rooms.doubt(self._ties.everybody() if names is None else self._ties.tied_to(names))
        self._told.put_nowait(names)

    async def follow(self, end_sessions: EndSessions) -> NoReturn:
        """Has the sessions ended that were lost by what was heard, for as long as the process runs."""
        while True:
            names = await self._told.get()
            try:
                await end_sessions(names)
            except Exception:  # whatever it was, what comes next must be heard; the sweep looks again
                log.warning("sessions could not be looked at", exc_info=True)


def concerned(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Whom an event that revokes concerns, as the names that they hang on; none where it names nobody: everybody."""
    named = {**body["payload"], "team_id": body["team_id"]}
    noun = next((noun for noun in CONCERNED if named.get(f"{noun}_id")), None)
    if noun is None:
        return ()
    rows = [named.get(field) for field in (f"{noun}_id", *BESIDES.get(noun, ()))]
    return tuple(f"{noun}:{row}" for row in rows if row)
