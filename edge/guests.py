"""Who is behind the sockets of this process, and the end of those whose session has ended."""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from domain.viewers import NOBODY
from edge.services import Services
from live.ties import Standing
from live.transport import Transport
from resolvers import api_keys
from resolvers.accounts import lost_sessions
from resolvers.caller import Caller
from resolvers.idempotency import Once

log = logging.getLogger(__name__)
SWEEP_SECONDS = 5
"""How long a socket may outlive its session where nothing tells us of the end."""


@dataclass(slots=True, eq=False)
class Guest:
    """Who is behind a socket, and the token that says so."""

    caller: Caller
    token: str | None

    async def still(self, services: Services, once: Once | None = None) -> Caller:
        """See `Services.still`; what is told before it is looked again is in the language that they have chosen by now.

        Who they are stays: whoever ends the sockets of lost sessions looks for that.
        """
        current = await services.still(self.caller, self.token, once)
        self.caller = self.caller._replace(locale=current.locale)
        return current

    def standing(self) -> Standing:
        """A guest with a token stays as long as that is good; nobody in particular may stay for ever."""
        viewer, until = self.caller.viewer, self.caller.expires_at
        if not viewer.signed_in:
            return Standing()
        key_id = self.caller.api_key_id
        shown = f"api_key:{key_id}" if key_id else f"session:{viewer.session_id}"
        names = (f"user:{viewer.user_id}", shown)
        return Standing(names, None if until is None else (until - self.caller.now()).total_seconds())


async def end_lost_sessions(
    transport: Transport[Guest], services: Services, names: Collection[str] | None = None
) -> None:
    """Closes the sockets of sessions and keys that have ended: of whoever hangs on any of `names`, or of everybody."""
    callers = [guest.caller for guest in transport.callers(names) if guest.token]
    if lost := await lost_credentials(callers, services.clock()):
        transport.end(lambda guest: guest.caller.credential_id in lost, "The session has ended", names=names)


async def lost_credentials(callers: Collection[Caller], now: datetime) -> set[UUID]:
    """The sessions and keys, of those by which the callers are known, that have ended."""
    sessions = {caller.viewer.session_id for caller in callers if caller.viewer.session_id != NOBODY}
    keys = {caller.api_key_id for caller in callers if caller.api_key_id is not None}
    return await lost_sessions(sessions, now) | await api_keys.lost(keys, now)


async def sweep_lost_sessions(transport: Transport[Guest], services: Services) -> NoReturn:
    """Closes them within seconds, for as long as the process runs, whether or not anything tells us of their end."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await end_lost_sessions(transport, services)
        except Exception:
            log.warning("sessions could not be looked at", exc_info=True)
