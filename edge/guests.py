"""Who is behind the sockets of this process, and the end of those whose session has ended."""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn

from edge.services import Services
from live.ties import Standing
from live.transport import Transport
from resolvers.accounts import lost_sessions
from resolvers.caller import Caller

log = logging.getLogger(__name__)
SWEEP_SECONDS = 5
"""How long a socket may outlive its session where nothing tells us of the end."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Who is behind a socket, and the token that says so."""

    caller: Caller
    token: str | None

    def standing(self) -> Standing:
        """A guest with a token stays as long as that is good; nobody in particular may stay for ever."""
        viewer, until = self.caller.viewer, self.caller.expires_at
        if not viewer.signed_in:
            return Standing()
        names = (f"user:{viewer.user_id}", f"session:{viewer.session_id}")
        return Standing(names, None if until is None else (until - self.caller.now()).total_seconds())


async def end_lost_sessions(
    transport: Transport[Guest], services: Services, names: Collection[str] | None = None
) -> None:
    """Closes the sockets of sessions that have ended: of whoever hangs on any of `names`, or of everybody."""
    sessions = {guest.caller.viewer.session_id for guest in transport.callers(names) if guest.token}
    if lost := await lost_sessions(sessions, services.clock()):
        transport.end(lambda guest: guest.caller.viewer.session_id in lost, "The session has ended", names=names)


async def sweep_lost_sessions(transport: Transport[Guest], services: Services) -> NoReturn:
    """Closes them within seconds, for as long as the process runs, whether or not anything tells us of their end."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await end_lost_sessions(transport, services)
        except Exception:
            log.warning("sessions could not be looked at", exc_info=True)
