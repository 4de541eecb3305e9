"""Signing up and in."""

import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError

from domain.errors import Conflict, Unauthenticated
from domain.events import AccountCreated
from domain.ids import new_id
from domain.jobs import JobKind
from domain.proofs import ProofKind, proof_in
from domain.text import email_address, one_line
from domain.throttling import CODE_OF_CHALLENGE, MAIL_FROM_ADDRESS, MAIL_TO_ADDRESS
from domain.tokens import SIGN_IN_LINK, token_hash
from domain.viewers import Viewer
from models import Job, Session, SignUp, Team, User
from models.database import transaction
from models.lines import Fetch
from resolvers.caller import Caller, Holder, tell
from resolvers.passwords import hash_password
from resolvers.signing_in import SignedIn, knows_password, open_session, with_code

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


async def sign_up(caller: Caller, *, email: str, name: str, team_name: str | None) -> None:
    """Notes the wish and has the link mailed. Does the same work whether or not the address is known.

    Throttled where the address, or whoever asks, has had too many mails.
    """
    address = email_address(email, path=("email",))
    person = one_line(name, path=("name",), most=100)
    team = one_line(team_name or person, path=("teamName",), most=100)
    await caller.throttle.hit_all([(MAIL_TO_ADDRESS, address), (MAIL_FROM_ADDRESS, caller.address)])
    now = caller.now()
    async with transaction():
        wish = await SignUp.create(
            email=address,
            name=person,
            team_name=team,
            locale=caller.locale,
            created_at=now,
            expires_at=now + SIGN_IN_LINK,
        )
        await Job.enqueue(JobKind.SIGN_IN_MAIL, now, payload={"sign_up_id": str(wish.id)})


async def confirm_sign_up(caller: Caller, *, token: str, password: str) -> SignedIn:
    """Follows the mailed link: makes the person, with the password that they choose now, and their team.

    Whoever asked for the link had no say in the password, so that nobody opens an account for a stranger. Conflict for
    a link that is used or over, and for an address that has an account by now: the link does not open it.
    """
    now = caller.now()
    wish = await SignUp.get_or_none(token_hash=token_hash(token), expires_at__gt=now)
    if wish is None:
        raise Conflict("problem.link_used", path=("token",))
    hashed = await hash_password(password, path=("password",), person=(wish.name, wish.email))
    async with transaction():
        wish = await _wish_behind(token, now)
        about = {"email": wish.email, "name": wish.name, "locale": wish.locale, "created_at": now}
        user = User(id=new_id(), password_hash=hashed, **about)
        await join(caller, user, team_name=wish.team_name)
        await SignUp.filter(email=wish.email).delete()
        return await open_session(caller, user)


async def sign_in(caller: Caller, *, email: str, password: str, device_token: str | None = None) -> SignedIn:
    """Opens a session. An unknown address and a wrong password are one and the same refusal.

    Throttled for too many tries; SecondFactorRequired where the password is right and a code is to follow.
    """
    account = _as_stored(email)
    user = await User.get_or_none(email=account)
    if not await knows_password(caller, user, password, account=account, device_token=device_token) or user is None:
        raise Unauthenticated("problem.wrong_credentials")
    async with transaction():
        return await open_session(caller, user)


async def sign_in_with_code(caller: Caller, *, challenge: str, code: str, device_token: str | None = None) -> SignedIn:
    """Opens a session for whoever has just given the password. See `challenged`."""
    async with challenged(caller, challenge, code, device_token) as user:
        return await open_session(caller, user, second_factor=True)


@asynccontextmanager
async def challenged(caller: Caller, challenge: str, code: str, device_token: str | None = None) -> AsyncIterator[User]:
    """A transaction in which the second factor of who has the challenge has been proven: who that is.

    Unauthenticated for a challenge that is over; else refuses as `with_code` does.
    """
    keys = caller.rules.keys
    proof = proof_in(ProofKind.PASSWORD, keys, challenge, caller.now())
    user = await User.get_or_none(id=proof.user_id) if proof else None
    if proof is None or user is None or not proof.is_of(keys, user.id, user.password_hash):
        raise Unauthenticated("problem.challenge_over")
    await caller.throttle.hit(CODE_OF_CHALLENGE, str(proof.id))
    async with with_code(caller, user, code, device_token):
        yield user


async def viewer_of(fetch: Fetch, token: str | None, now: datetime) -> Holder:
    """Who holds this session token: nobody for one that is missing, wrong, expired or signed out."""
    session = await Session.current(fetch, token_hash(token), now) if token else None
    if session is None:
        return Holder()
    return Holder(
        viewer=Viewer(session["user_id"], session["id"]),
        written=session["written_lsn"],
        expires_at=session["expires_at"],
        locale=session["locale"],
    )


async def has_written(viewer: Viewer) -> None:
    """Notes that the viewer's session has written: what it reads from now on must show it."""
    if viewer.signed_in:
        await Session.has_written(viewer.session_id)


async def lost_sessions(session_ids: Collection[UUID], now: datetime) -> set[UUID]:
    """Those of the sessions that have ended, or are gone altogether."""
    if not session_ids:
        return set()
    return await Session.lost(session_ids, now)


def _as_stored(email: str) -> str:
    """What was typed, as an address is kept; what no address holds, and no database, is replaced."""
    return _UNSTORABLE.sub("\ufffd", email.strip().lower()[:254])


async def _wish_behind(token: str, now: datetime) -> SignUp:
    """What the link is for, held together with all wishes of that address: two of its links at once take turns."""
    wish = await SignUp.get_or_none(token_hash=token_hash(token), expires_at__gt=now)
    held = await SignUp.filter(email=wish.email).order_by("id").select_for_update() if wish else []
    if wish is None or wish not in held:
        raise Conflict("problem.link_used", path=("token",))
    return wish


async def join(caller: Caller, user: User, *, team_name: str | None = None) -> None:
    """Saves a new person, in a team of their own where that has a name; Conflict where the address has an account."""
    try:
        await user.save(force_create=True)
    except IntegrityError as error:
        raise Conflict("problem.account_exists", path=("token",)) from error
    if team_name is not None:
        await Team.found(team_name, user.id, caller.now())
    await tell(caller, AccountCreated, None, by=user.id, user_id=user.id)
