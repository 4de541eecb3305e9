"""Two-factor: a code of an app beside the password."""

from __future__ import annotations

from typing import Annotated

import strawberry

from domain.errors import Conflict, Forbidden, Throttled
from resolvers import two_factor as use_cases
from schema.context import Info
from schema.fields import SECRET, mutation

Password = Annotated[str, strawberry.argument(description="Your password, once more.")]
Code = Annotated[str, strawberry.argument(description="What your app shows now, or one of your recovery codes.")]


@strawberry.type(description="How your second factor stands.")
class TwoFactor:
    """What `twoFactor` answers."""

    enabled: bool = strawberry.field(description="Whether signing in takes a code.")
    recovery_codes_left: int = strawberry.field(description="How many recovery codes have not been used.")


@strawberry.type(
    description="A secret for your app. Two-factor is off until `confirmTwoFactor` has seen its first code."
)
class TwoFactorStarted:
    """Payload of `startTwoFactor`."""

    secret: str = strawberry.field(
        description="In base 32, to be typed into the app. It is told only here.", metadata=SECRET
    )
    uri: str = strawberry.field(description="The same as `otpauth://…`, to be shown as a QR code.", metadata=SECRET)


@strawberry.type(description="Your recovery codes, each good for one code of the app. They are told only here.")
class RecoveryCodes:
    """Payload of `confirmTwoFactor` and `newRecoveryCodes`."""

    codes: list[str] = strawberry.field(description="Ten; blanks, hyphens and case do not matter.", metadata=SECRET)


@strawberry.type(description="Signing in takes the password alone.")
class TwoFactorDisabled:
    """Payload of `disableTwoFactor`."""

    enabled: bool = strawberry.field(description="Always false.")


async def two_factor(info: Info) -> TwoFactor | None:
    """See `resolvers.two_factor.state`."""
    try:
        found = await use_cases.state(info.context.caller)
    except Forbidden:  # an API key
        return None
    return TwoFactor(enabled=found.enabled, recovery_codes_left=found.recovery_codes_left) if found else None


@strawberry.type
class TwoFactorMutations:
    """The mutations of two-factor."""

    @mutation(
        "account:two_factor",
        answers=TwoFactorStarted,
        fails=(Conflict, Throttled),
        description="Makes a secret for your authenticator app (TOTP). Nothing changes until `confirmTwoFactor`.",
    )
    async def start_two_factor(self, info: Info, password: Password) -> TwoFactorStarted:
        started = await use_cases.start(info.context.caller, password=password)
        return TwoFactorStarted(secret=started.secret, uri=started.uri)

    @mutation(
        "account:two_factor",
        answers=RecoveryCodes,
        fails=(Conflict, Throttled),
        description="Switches two-factor on, with the first code that your app shows; answers your recovery codes.",
    )
    async def confirm_two_factor(
        self, info: Info, code: Annotated[str, strawberry.argument(description="What your app shows now.")]
    ) -> RecoveryCodes:
        return RecoveryCodes(codes=await use_cases.confirm(info.context.caller, code=code))

    @mutation(
        "account:two_factor",
        answers=TwoFactorDisabled,
        keyless="it takes a code, which is good once",
        fails=(Conflict, Throttled),
        description="Switches two-factor off.",
    )
    async def disable_two_factor(self, info: Info, password: Password, code: Code) -> TwoFactorDisabled:
        await use_cases.disable(info.context.caller, password=password, code=code)
        return TwoFactorDisabled(enabled=False)

    @mutation(
        "account:two_factor",
        answers=RecoveryCodes,
        fails=(Conflict, Throttled),
        description="Makes ten new recovery codes; those there were are good for nothing any more.",
    )
    async def new_recovery_codes(self, info: Info, code: Code) -> RecoveryCodes:
        return RecoveryCodes(codes=await use_cases.renew_recovery_codes(info.context.caller, code=code))
