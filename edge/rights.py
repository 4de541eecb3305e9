"""Whoever may have lost a right is looked at again at once, in every API process: see docs/live.md."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from domain.events import CONCERNED
from live.message import Gap, Message
from live.ties import Doubt, Ties

log = logging.getLogger(__name__)
LOOKS, EVERY_SECONDS = 50, 0.05
"""After a gap everybody is looked at again, so many at a time: 5,000 subscriptions within 5 seconds."""

EndSessions = Callable[[Collection[str] | None], Awaitable[None]]
"""Ends the sockets of lost sessions: of who hangs on any of these names, or of everybody."""


class Rights:
    """Raises doubts about the subscriptions of this process that hang on what an event tells of."""

    def __init__(self) -> None:
        self.heard = 0
        """How often rights were told to have changed."""
        self._doubts: Ties[Doubt] = Ties()
        self._everybody: asyncio.Task[None] | None = None

    @contextmanager
    def doubting(self, *names: str) -> Iterator[Doubt]:
        """A doubt for somebody who hangs on `names`. Begin this before they are first looked at."""
        doubt = Doubt()
        self._doubts.tie(doubt, names)
        try:
            yield doubt
        finally:
            self._doubts.untie(doubt)

    def tie(self, doubt: Doubt, name: str, *, heard: int) -> None:
        """Ties to one more name, which was found out by looking.

        `heard` is what was heard before the look: what was told since then may have been about it.
        """
        self._doubts.tie(doubt, (name,))
        if self.heard != heard:
            doubt.raise_()

    async def follow(self, told: AsyncIterator[Message | Gap], end_sessions: EndSessions) -> None:
        """Raises the doubts that the messages and gaps of the topic of rights give, until that ends."""
        async for message in told:
            self.heard += 1
            name = None if isinstance(message, Gap) else concerned(message.body)
            if name is None:
                self._doubt_everybody()
            else:
                for doubt in self._doubts.tied_to((name,)):
                    doubt.raise_()
            try:
                await end_sessions(None if name is None else (name,))
            except Exception:  # whatever it was, what comes next must be heard; the sweep looks again
                log.warning("sessions could not be looked at", exc_info=True)

    def _doubt_everybody(self) -> None:
        if self._everybody is not None:
            self._everybody.cancel()
        self._everybody = asyncio.create_task(self._spread(self._doubts.everybody()))

    async def _spread(self, doubts: list[Doubt]) -> None:
        for place in range(0, len(doubts), LOOKS):
            for doubt in doubts[place : place + LOOKS]:
                doubt.raise_()
            await asyncio.sleep(EVERY_SECONDS)


def concerned(body: Mapping[str, Any]) -> str | None:
    """Whom an event that revokes concerns, as the name that they hang on; None where it names nobody: everybody."""
    named = {**body["payload"], "team_id": body["team_id"]}
    return next((f"{noun}:{row}" for noun in CONCERNED if (row := named.get(f"{noun}_id"))), None)
