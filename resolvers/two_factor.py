"""Two-factor: switching it on and off, and codes for when the app is lost."""

from dataclasses import dataclass

from domain.errors import Unauthenticated
from domain.events import RecoveryCodesRenewed, TwoFactorDisabled, TwoFactorEnabled, TwoFactorStarted
from domain.mails import MailKind
from models import RecoveryCode, TwoFactor, User
from models.database import transaction
from resolvers.caller import Caller, require_scope, require_somebody, require_still_in, tell
from resolvers.codes import as_typed, new_recovery_codes, new_secret, otpauth_uri
from resolvers.credentials import prove, still_proven
from resolvers.notices import notify
from resolvers.signing_in import SEALED_FOR, WrongCode, takes, trying_code, with_code


@dataclass(frozen=True, slots=True)
class Started:
    """A secret for an app, told this once."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class State:
    """How the second factor of whoever asks stands."""

    enabled: bool
    recovery_codes_left: int


async def start(caller: Caller, *, password: str) -> Started:
    """Makes the secret. Signing in takes no code until `confirm`. Conflict where two-factor is on."""
    user, now = await prove(caller, password, "password"), caller.now()
    secret = new_secret()
    async with transaction():
        await still_proven(caller, user)
        await TwoFactor.begin(user.id, caller.rules.keys.seal(SEALED_FOR, secret, of=str(user.id)), now)
        await tell(caller, TwoFactorStarted, None, user_id=user.id)
    return Started(secret, otpauth_uri(secret, user.email))


async def confirm(caller: Caller, *, code: str) -> list[str]:
    """Switches it on, with the app's first code. Answers the recovery codes, as they are shown."""
    user = await _myself(caller)
    async with trying_code(caller, user):
        await require_still_in(caller)
        two_factor = await TwoFactor.held(user.id, confirmed=False)
        if not await takes(caller, two_factor, as_typed(code)):
            raise WrongCode
        await two_factor.confirm(caller.now())
        await tell(caller, TwoFactorEnabled, None, user_id=user.id)
        await notify(user, MailKind.TWO_FACTOR_ENABLED, caller.now())
        return await _new_codes(caller, user)


async def disable(caller: Caller, *, password: str, code: str) -> None:
    """Switches it off. Conflict where it is off."""
    user = await prove(caller, password, "password")
    async with with_code(caller, user, code):
        await require_still_in(caller)
        await RecoveryCode.filter(user_id=user.id).delete()
        await TwoFactor.filter(user_id=user.id).delete()
        await tell(caller, TwoFactorDisabled, None, user_id=user.id)
        await notify(user, MailKind.TWO_FACTOR_DISABLED, caller.now())


async def renew_recovery_codes(caller: Caller, *, code: str) -> list[str]:
    """New recovery codes in the place of all there are. Conflict where two-factor is off."""
    user = await _myself(caller)
    async with with_code(caller, user, code):
        await require_still_in(caller)
        codes = await _new_codes(caller, user)
        await tell(caller, RecoveryCodesRenewed, None, user_id=user.id)
    return codes


async def state(caller: Caller) -> State | None:
    """How it stands; None for nobody."""
    if not caller.viewer.signed_in:
        return None
    require_scope(caller, "account:two_factor")
    user_id = caller.viewer.user_id
    return State(await TwoFactor.is_on(user_id), await RecoveryCode.left(user_id))


async def _new_codes(caller: Caller, user: User) -> list[str]:
    codes = new_recovery_codes()
    await RecoveryCode.replace(user.id, map(as_typed, codes), caller.now())
    return codes


async def _myself(caller: Caller) -> User:
    user = await User.get_or_none(id=require_somebody(caller))
    if user is None:
        raise Unauthenticated
    return user
