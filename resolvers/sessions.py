"""Sessions: which there are, and putting an end to them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.errors import Unauthenticated
from domain.events import SessionEnded, SessionsEnded
from domain.viewers import Viewer
from models import Session
from models.database import transaction
from resolvers.caller import Caller, hold_asker, require_somebody, tell


async def sign_out(caller: Caller) -> None:
    """Ends the session that asks; Unauthenticated where it has ended already."""
    require_somebody(caller)
    async with transaction():
        own = Session.filter(id=caller.viewer.session_id, ended_at__isnull=True)
        session = await own.select_for_update().get_or_none()
        if session is None:
            raise Unauthenticated
        await _end(caller, session)


async def revoke(caller: Caller, *, session_id: UUID) -> Session:
    """Ends one of one's own sessions."""
    async with transaction():
        session = await Session.lock(session_id, caller.viewer)
        await _end(caller, session)
    return session


async def sign_out_everywhere(caller: Caller, *, keep_current: bool) -> int:
    """Ends all of one's sessions, or all others; answers how many."""
    async with transaction():
        user_id = (await hold_asker(caller)).id
        keep = caller.viewer.session_id if keep_current else None
        ended = await Session.end_all(user_id, caller.now(), keep=keep)
        if ended:
            await tell(caller, SessionsEnded, None, user_id=user_id, ended=ended)
    return ended


async def are_current(caller: Caller, rows: Sequence[Any]) -> list[bool]:
    """Of rows of sessions: whether each is the one that asks."""
    asking = caller.viewer.session_id if isinstance(caller.viewer, Viewer) else None
    return [row["id"] == asking for row in rows]


async def _end(caller: Caller, session: Session) -> None:
    session.end(caller.now())
    await session.save(update_fields=["ended_at"])
    await tell(caller, SessionEnded, None, user_id=session.user_id, session_id=session.id)
