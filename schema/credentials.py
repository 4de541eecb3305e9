"""Passwords and addresses: how they are changed."""

from __future__ import annotations

from typing import Annotated

import strawberry

import models
from domain.errors import Conflict, Throttled
from resolvers import addresses, credentials
from schema.accounts import CheckYourMail, User
from schema.context import Info
from schema.fields import mutation

_Token = Annotated[str, strawberry.argument(description="The `token` in the link.")]


@strawberry.input(description="A new password, by a mailed link.")
class ResetPasswordInput:
    """Input of `resetPassword`."""

    token: str = strawberry.field(description="The `token` in the link.")
    password: str = strawberry.field(description="The new password, 10 to 200 characters.")


@strawberry.input(description="A new password, by who knows the present one.")
class ChangePasswordInput:
    """Input of `changePassword`."""

    current: str = strawberry.field(description="The present password.")
    new: str = strawberry.field(description="The new password, 10 to 200 characters.")


@strawberry.input(description="Another address for signing in.")
class EmailChangeInput:
    """Input of `requestEmailChange`."""

    new_email: str = strawberry.field(description="The address from then on.")
    password: str = strawberry.field(description="Your password.")


@strawberry.type(description="The password is another one. Every session has ended; nobody has been signed in.")
class PasswordReset:
    """Payload of `resetPassword`."""

    email: str = strawberry.field(description="The address to sign in with.")


@strawberry.type(description="One of the two addresses has agreed.")
class EmailConfirmed:
    """Payload of `confirmEmailChange`."""

    changed: bool = strawberry.field(description="Whether the address has changed: both have agreed.")


@strawberry.type
class CredentialMutations:
    """The mutations of passwords and addresses."""

    @mutation(
        "account:recover",
        answers=CheckYourMail,
        fails=(Throttled,),
        description="Mails a link by which whoever has the address chooses a new password. It works once, for an hour.",
    )
    async def request_password_reset(
        self, info: Info, email: Annotated[str, strawberry.argument(description="The address of the account.")]
    ) -> CheckYourMail:
        await credentials.request_reset(info.context.caller, email=email)
        return CheckYourMail(email=email)

    @mutation(
        "account:recover",
        answers=PasswordReset,
        fails=(Conflict, Throttled),
        description="Follows the link of `requestPasswordReset`: sets the password, and ends every session and API "
        "key. Signs nobody in.",
    )
    async def reset_password(self, info: Info, input: ResetPasswordInput) -> PasswordReset:
        user = await credentials.reset(info.context.caller, token=input.token, password=input.password)
        return PasswordReset(email=user.email)

    @mutation(
        "account:secure",
        answers=User,
        fails=(Conflict, Throttled),
        description="Sets another password. Your other sessions end, this one stays.",
    )
    async def change_password(self, info: Info, input: ChangePasswordInput) -> models.User:
        return await credentials.change(info.context.caller, current=input.current, new=input.new)

    @mutation(
        "account:secure",
        answers=CheckYourMail,
        fails=(Conflict, Throttled),
        description="Mails a link to the old and to the new address; both must be followed within 24 hours. An earlier "
        "wish is forgotten.",
    )
    async def request_email_change(self, info: Info, input: EmailChangeInput) -> CheckYourMail:
        await addresses.request_change(info.context.caller, new_email=input.new_email, password=input.password)
        return CheckYourMail(email=input.new_email)

    @mutation(
        "account:recover",
        answers=EmailConfirmed,
        fails=(Conflict,),
        description="Follows one of the two links of `requestEmailChange`. With the second one the address changes.",
    )
    async def confirm_email_change(self, info: Info, token: _Token) -> EmailConfirmed:
        return EmailConfirmed(changed=await addresses.confirm_change(info.context.caller, token=token))
