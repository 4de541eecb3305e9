"""Second factors, straight into the database, and what an app would show."""

from datetime import datetime

from pyotp import TOTP, random_base32

from domain.clock import utc_now
from domain.proofs import ProofKind, prove
from domain.sealing import Keys
from domain.tokens import token_hash
from models import RecoveryCode, TwoFactor, User
from resolvers.codes import as_typed
from resolvers.signing_in import SEALED_FOR
from tests.studio import SECRET_KEY

KEYS = Keys(SECRET_KEY)
"""Those of the running product."""
RECOVERY = "aaaa-bbbb-cccc-dddd"


async def second_factor(user: User, *, confirmed: bool = True) -> str:
    """Switches it on, with RECOVERY as its one recovery code; without `confirmed` it waits for that. Its secret."""
    secret, now = random_base32(), utc_now()
    sealed = KEYS.seal(SEALED_FOR, secret, of=str(user.id))
    await TwoFactor.create(user_id=user.id, sealed_secret=sealed, confirmed_at=now if confirmed else None)
    await RecoveryCode.create(user_id=user.id, code_hash=token_hash(as_typed(RECOVERY)))
    return secret


def code_of(secret: str, *, steps: int = 0, at: datetime | None = None) -> str:
    """What an app shows now, or so many steps of 30 seconds later."""
    return TOTP(secret).at(at or utc_now(), counter_offset=steps)


def challenge_for(user: User, at: datetime | None = None) -> str:
    """What is told to whoever has given the user's password."""
    return prove(ProofKind.PASSWORD, KEYS, user.id, user.password_hash, at or utc_now())
