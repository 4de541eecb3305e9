"""Signing up, in and out."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.errors import Conflict, Unauthenticated
from domain.jobs import JobKind
from domain.permissions import Role
from domain.text import email_address, one_line
from domain.tokens import SIGN_IN_LINK, new_token, token_hash
from domain.viewers import ANONYMOUS, Viewer
from models import Job, Member, Session, SignUp, Team, User
from models.database import transaction
from models.lines import Fetch
from resolvers.caller import Caller
from resolvers.passwords import hash_password, password_matches


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session. `token` is told this once; we keep its hash."""

    token: str
    session_id: UUID
    user_id: UUID
    expires_at: datetime


async def sign_up(caller: Caller, *, email: str, password: str, name: str, team_name: str | None) -> None:
    """Notes the wish and has the link mailed. Does the same work whether or not the address is known."""
    address = email_address(email, path=("email",))
    person = one_line(name, path=("name",), most=100)
    team = one_line(team_name or person, path=("teamName",), most=100)
    hashed = await hash_password(password, path=("password",))
    now = caller.now()
    async with transaction():
        wish = await SignUp.create(
            email=address,
            name=person,
            team_name=team,
            password_hash=hashed,
            locale=caller.locale,
            created_at=now,
            expires_at=now + SIGN_IN_LINK,
        )
        await Job.enqueue(JobKind.SIGN_IN_MAIL, now, payload={"sign_up_id": str(wish.id)})


async def confirm_sign_up(caller: Caller, *, token: str) -> SignedIn:
    """Follows the mailed link: makes the person and their team, or signs in whoever has the address already."""
    now = caller.now()
    async with transaction():
        wish = await _wish_behind(token, now)
        user = await User.get_or_none(email=wish.email) or await _welcome(wish, now)
        await wish.delete()
        return await _open_session(caller, user, now)


async def sign_in(caller: Caller, *, email: str, password: str) -> SignedIn:
    """Opens a session. An unknown address and a wrong password are one and the same refusal."""
    user = await User.get_or_none(email=email.strip().lower()[:254]) if "\x00" not in email else None
    if not await password_matches(password, user.password_hash if user else None) or user is None:
        raise Unauthenticated("problem.wrong_credentials")
    async with transaction():
        return await _open_session(caller, user, caller.now())


async def sign_out(caller: Caller) -> None:
    """Ends the session that asks."""
    if not caller.viewer.signed_in:
        raise Unauthenticated
    await Session.filter(id=caller.viewer.session_id, ended_at__isnull=True).update(ended_at=caller.now())


async def viewer_of(fetch: Fetch, token: str | None, now: datetime) -> tuple[Viewer, int]:
    """Who holds this session token, and `Caller.written`.

    Nobody for a token that is missing, wrong, expired or signed out.
    """
    session = await Session.current(fetch, token_hash(token), now) if token else None
    return (Viewer(session["user_id"], session["id"]), session["written_lsn"]) if session else (ANONYMOUS, 0)


async def has_written(viewer: Viewer) -> None:
    """Notes that the viewer's session has written: what it reads from now on must show it."""
    if viewer.signed_in:
        await Session.has_written(viewer.session_id)


async def lost_sessions(session_ids: Collection[UUID], now: datetime) -> set[UUID]:
    """Those of the sessions that have ended, or are gone altogether."""
    if not session_ids:
        return set()
    alive = Session.filter(id__in=list(session_ids), ended_at__isnull=True, expires_at__gt=now)
    return set(session_ids) - {session.id for session in await alive.only("id")}


async def _wish_behind(token: str, now: datetime) -> SignUp:
    """What the link is for, held together with all wishes of that address: two of its links at once take turns."""
    wish = await SignUp.get_or_none(token_hash=token_hash(token), expires_at__gt=now)
    held = await SignUp.filter(email=wish.email).order_by("id").select_for_update() if wish else []
    if wish is None or wish not in held:
        raise Conflict("problem.link_used", path=("token",))
    return wish


async def _welcome(wish: SignUp, now: datetime) -> User:
    user = await User.create(
        email=wish.email, name=wish.name, password_hash=wish.password_hash, locale=wish.locale, created_at=now
    )
    team = await Team.create(name=wish.team_name, created_at=now)
    await Member.create(team_id=team.id, user_id=user.id, role=Role.OWNER, created_at=now)
    return user


async def _open_session(caller: Caller, user: User, now: datetime) -> SignedIn:
    token, expires_at = new_token(), now + caller.rules.session
    session = await Session.create(
        user_id=user.id,
        token_hash=token_hash(token),
        device=caller.device[:200],
        address=caller.address[:45],
        created_at=now,
        seen_at=now,
        expires_at=expires_at,
    )
    return SignedIn(token, session.id, user.id, expires_at)
