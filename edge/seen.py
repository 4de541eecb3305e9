"""When sessions were last seen: noted in memory with each request, written down together now and then."""

import asyncio
from typing import NoReturn
from uuid import UUID

import structlog

from domain.clock import Clock
from domain.viewers import NOBODY, Viewer
from models import Session
from models.database import is_outage

log = structlog.get_logger("edge.seen")
WRITE_SECONDS = 30


class Seen:
    """The sessions that have asked for something since the last time it was written down.

    They are those of the database, so there are no more than that has. What a crash forgets is half a minute.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: set[UUID] = set()

    def note(self, viewer: Viewer) -> None:
        """The viewer has asked for something."""
        self._sessions.add(viewer.session_id)

    async def write(self) -> None:
        """Writes down what was noted. Where that fails it is forgotten: who goes on asking is noted again."""
        noted, self._sessions = self._sessions - {NOBODY}, set()
        if not noted:
            return
        try:
            await Session.were_seen(noted, self._clock())
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("seen.not_written", error=repr(error))

    async def keep_writing(self) -> NoReturn:
        """For as long as the process runs."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            try:
                await self.write()
            except Exception:
                log.exception("seen.failed")
