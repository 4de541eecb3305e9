"""How far the events have got their positions, and the latest of them, for those who follow."""

import asyncio
from collections.abc import Sequence

from models import EventRecord

KEPT = 500
"""Events that are kept at least, once so many were told of."""


class Tide:
    """Followers wait here for more. Who is up to date need not read what has just been numbered."""

    def __init__(self) -> None:
        self.position = 0
        self._latest: list[EventRecord] = []
        self._risen = asyncio.Event()

    def rise(self, position: int, events: Sequence[EventRecord] = ()) -> None:
        """Everything up to `position` is there to be read; `events`, if given, are all that are new."""
        if position <= self.position:
            return
        if position - len(events) == self.position:
            self._keep(events)
        else:
            self._latest = []
        self.position = position
        self._risen.set()
        self._risen = asyncio.Event()

    async def above(self, position: int) -> None:
        """Waits until there is something behind `position`."""
        while self.position <= position:
            await self._risen.wait()

    def behind(self, position: int, limit: int) -> Sequence[EventRecord] | None:
        """The first events behind `position`, where they are still known here. They are everybody's."""
        begin = len(self._latest) - (self.position - position)
        return self._latest[begin : begin + limit] if begin >= 0 else None

    def _keep(self, events: Sequence[EventRecord]) -> None:
        if len(self._latest) > KEPT:
            del self._latest[:-KEPT]
        self._latest += events
