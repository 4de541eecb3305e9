"""What can be guessed: each try counts before it is looked at, by the account, the network address or the device."""

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from domain.errors import Throttled
from domain.events import SignInFailed
from domain.proofs import Proof, ProofKind, proof_in
from domain.throttling import (
    CODE_BY_DEVICE,
    CODE_FROM_ADDRESS,
    CODE_OF_ACCOUNT,
    PASSWORD_BY_DEVICE,
    PASSWORD_FROM_ADDRESS,
    PASSWORD_OF_ACCOUNT,
    Policy,
    Try,
    used_up,
)
from models import User
from models.database import lasting_transaction
from resolvers.caller import Caller, tell


@dataclass(frozen=True, slots=True)
class Secret:
    """A kind of secret, and how often it may be tried."""

    of_account: Policy
    from_address: Policy
    by_device: Policy


PASSWORD = Secret(PASSWORD_OF_ACCOUNT, PASSWORD_FROM_ADDRESS, PASSWORD_BY_DEVICE)
CODE = Secret(CODE_OF_ACCOUNT, CODE_FROM_ADDRESS, CODE_BY_DEVICE)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that has counted. It ends as `failed` or `succeeded`."""

    caller: Caller
    user_id: UUID | None
    tries: tuple[Try, ...]
    last: bool

    async def failed(self) -> None:
        """It was wrong. Where it was the last for now, that is told, whether or not there is such an account.

        It stays told though what it was tried for is refused, and undone with all that was to be kept under a key.
        """
        if self.last:
            async with lasting_transaction():
                await tell(self.caller, SignInFailed, None, user_id=self.user_id)

    async def succeeded(self) -> None:
        """It was right, and so it was no guess."""
        await self.caller.throttle.forgive_all(self.tries)


async def count_try(
    caller: Caller, secret: Secret, account: str, user: User | None, device_token: str | None = None
) -> Attempt:
    """Counts a try at a secret of `account`; Throttled where there were too many.

    A device that has signed in to the account before counts by itself: whoever uses up the tries of the account, or
    of a network address that many share, does not lock its owner out. When its own are used up it is as any other.
    """
    device = _known_device(caller, user, device_token or caller.device_token)
    if device is not None:
        with suppress(Throttled):
            return await _count(caller, user, (secret.by_device, str(device.id)))
    return await _count(caller, user, (secret.of_account, account), (secret.from_address, caller.address))


async def _count(caller: Caller, user: User | None, *tries: Try) -> Attempt:
    standings = await caller.throttle.hit_all(tries)
    return Attempt(caller, user.id if user else None, tries, used_up(standings))


def _known_device(caller: Caller, user: User | None, token: str | None) -> Proof | None:
    keys = caller.rules.keys
    device = proof_in(ProofKind.DEVICE, keys, token, caller.now())
    known = device is not None and user is not None and device.is_of(keys, user.id, user.password_hash)
    return device if known else None
