"""What every way of signing in shares: proving a password or a code, and opening a session."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from domain.errors import Invalid, SecondFactorRequired, Throttled, Unauthenticated
from domain.events import RecoveryCodeUsed, SessionOpened
from domain.ids import new_id
from domain.mails import MailKind
from domain.proofs import ProofKind, prove
from domain.sealing import Unreadable
from domain.tokens import new_token, token_hash
from models import RecoveryCode, Session, TwoFactor, User
from models.database import transaction
from resolvers.caller import Caller, tell
from resolvers.codes import as_typed, time_step
from resolvers.guessing import CODE, PASSWORD, count_try
from resolvers.notices import notify
from resolvers.passwords import password_matches, rehashed

log = structlog.stdlib.get_logger(__name__)
SEALED_FOR = "two-factor"
"""The purpose of the key under which secrets of second factors lie."""


class WrongCode(Invalid):
    """The code is none of the account's, or has been used."""

    def __init__(self) -> None:
        super().__init__("problem.wrong_code", path=("code",))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session. `token` is told this once; we keep its hash. `device_token` is for signing in again."""

    token: str
    session_id: UUID
    user_id: UUID
    expires_at: datetime
    device_token: str
    locale: str
    """Of who has signed in."""


async def knows_password(
    caller: Caller, user: User | None, password: str, *, account: str, device_token: str | None = None
) -> bool:
    """Whether it is the user's password; without one, no password is, and finding that out takes as long.

    Each try counts for `account`, which is what was typed. Throttled, before anything is hashed, for too many.
    """
    attempt = await count_try(caller, PASSWORD, account, user, device_token)
    try:
        matches = await password_matches(password, user.password_hash if user else None)
    except Throttled:  # too many wait to be hashed: it was not looked at
        await attempt.succeeded()
        raise
    if not matches or user is None:
        await attempt.failed()
        return False
    await attempt.succeeded()
    await _renew_hash(user, password)
    return True


async def check_password(caller: Caller, user: User, password: str, path: tuple[str, ...] = ("password",)) -> None:
    """Asks somebody who has signed in for their password again, outside of any transaction.

    Invalid for a wrong one and for an account that has none; Throttled for too many tries.
    """
    if user.password_hash is None:
        raise Invalid("problem.no_password", path=path)
    if not await knows_password(caller, user, password, account=user.email):
        raise Invalid("problem.wrong_password", path=path)


@asynccontextmanager
async def trying_code(caller: Caller, user: User, device_token: str | None = None) -> AsyncIterator[None]:
    """A transaction in which a code of the account is tried: Throttled for too many that raised WrongCode in it."""
    attempt = await count_try(caller, CODE, str(user.id), user, device_token)
    try:
        async with transaction():
            await _hold(user)  # before the second factor, as by everything else that changes an account
            yield
    except WrongCode:
        await attempt.failed()
        raise
    except Exception:  # it was not looked at, or it was right and something else was not
        await attempt.succeeded()
        raise
    await attempt.succeeded()


@asynccontextmanager
async def with_code(caller: Caller, user: User, code: str, device_token: str | None = None) -> AsyncIterator[None]:
    """A transaction in which `code` has been used up as the account's second factor.

    Raises WrongCode; Conflict where two-factor is off; Throttled for too many tries.
    """
    async with trying_code(caller, user, device_token):
        await _use_up(caller, user, as_typed(code))
        yield


async def takes(caller: Caller, two_factor: TwoFactor, code: str) -> bool:
    """Whether `code` is one of the app's that has not been used: it is from now on."""
    try:
        secret = caller.rules.keys.open(SEALED_FOR, two_factor.sealed_secret, of=str(two_factor.user_id))
    except Unreadable:  # SECRET_KEY is another than it was: recovery codes are still good
        log.exception("two_factor.unreadable")
        return False
    step = time_step(secret, code, caller.now())
    return step is not None and await two_factor.take(step)


async def open_session(caller: Caller, user: User, *, second_factor: bool = False) -> SignedIn:
    """Opens a session in the running transaction, for whoever has proven that they are `user`, as it was read then.

    Its token is always a new one. `second_factor` says that a code has been given, too. Raises SecondFactorRequired
    where one is needed, before anything is written, and Unauthenticated where the account has gone or its password has
    been changed meanwhile.
    """
    now, rules = caller.now(), caller.rules
    await _hold(user)
    if not second_factor and await TwoFactor.is_on(user.id):
        challenge = prove(ProofKind.PASSWORD, rules.keys, user.id, user.password_hash, now)
        raise SecondFactorRequired(challenge=challenge)
    token, expires_at = new_token(), now + rules.session
    session = Session(
        id=new_id(),
        user_id=user.id,
        token_hash=token_hash(token),
        device=caller.device[:200],
        address=caller.address[:45],
        created_at=now,
        seen_at=now,
        expires_at=expires_at,
    )
    await tell(caller, SessionOpened, None, by=user.id, of=session, user_id=user.id, session_id=session.id)
    device_token = prove(ProofKind.DEVICE, rules.keys, user.id, user.password_hash, now)
    return SignedIn(token, session.id, user.id, expires_at, device_token, user.locale)


async def _hold(user: User) -> None:
    """Keeps the account as it is until the transaction ends: who changes its password finds this session, too."""
    if not await User.hold_with(user.id, user.password_hash):
        raise Unauthenticated("problem.wrong_credentials")


async def _use_up(caller: Caller, user: User, code: str) -> None:
    two_factor = await TwoFactor.held(user.id, confirmed=True)
    if await takes(caller, two_factor, code):
        return
    if not await RecoveryCode.take(user.id, code, caller.now()):
        raise WrongCode
    left = await RecoveryCode.left(user.id)
    await tell(caller, RecoveryCodeUsed, None, by=user.id, user_id=user.id, left=left)
    await notify(user, MailKind.RECOVERY_CODE_USED, caller.now(), left=left)


async def _renew_hash(user: User, password: str) -> None:
    """Where the hash was made with other parameters than today's, makes it anew.

    Where it is another one by now, somebody else has done the same, with the same result; or the password has been
    changed, and what is proven of the old one is worth nothing to `_hold`.
    """
    old = user.password_hash
    new = await rehashed(password, old) if old else None
    if new:
        await User.filter(id=user.id, password_hash=old).update(password_hash=new)
        user.password_hash = new
