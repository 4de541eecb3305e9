"""People: who they are, and how they sign up, in and out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from domain.errors import Conflict, Unauthenticated
from domain.viewers import Viewer
from plan import Connection, Node, column, node, reference, to_many
from resolvers import accounts
from schema.context import Info, SessionCookie
from schema.fields import mutation

if TYPE_CHECKING:
    from schema.teams import Member


@node(table=models.User, visible=models.User.visible_to)
class User(Node):
    """A person. You see yourself and whoever shares a team with you."""

    name: str = column(description="How they want to be called.")
    email: str = column(description="Their address, which is also their name for signing in.")
    locale: str = column(description="The language they read, as a BCP 47 tag.")
    created_at: datetime = column(description="When they joined.")
    memberships: Connection[Member] = to_many(
        "user_id", order="created_at", description="Their places in teams, of those that you are in too."
    )


@strawberry.input(description="Who wants to join.")
class SignUpInput:
    """Input of `signUp`."""

    email: str = strawberry.field(description="Where the link goes.")
    password: str = strawberry.field(description="10 to 200 characters, for signing in later.")
    name: str = strawberry.field(description="How you want to be called, 1–100 characters.")
    team_name: str | None = strawberry.field(default=None, description="Your team's name; your own if left out.")


@strawberry.input(description="Who wants in.")
class SignInInput:
    """Input of `signIn`."""

    email: str = strawberry.field(description="Your address, in any case.")
    password: str = strawberry.field(description="Your password.")


@strawberry.type(description="The answer to every sign-up: it tells nobody whether the address was known.")
class CheckYourMail:
    """Payload of `signUp`."""

    email: str = strawberry.field(description="Where the mail goes.")


@strawberry.type(description="A fresh session. Over HTTP the response also sets it as an HttpOnly cookie.")
class SignedIn:
    """Payload of `signIn` and `confirmSignUp`."""

    session: strawberry.Private[accounts.SignedIn]
    token: str = strawberry.field(description="Send it as `Authorization: Bearer …`. It is told only here.")
    expires_at: datetime = strawberry.field(description="When the session ends by itself.")
    user: User = reference(lambda signed_in, _context: signed_in.session.user_id, description="Who has signed in.")

    @classmethod
    def of(cls, info: Info, session: accounts.SignedIn) -> SignedIn:
        """The payload for a session; its fields are read as the person who has just signed in."""
        info.context.cookie = SessionCookie(session.token, session.expires_at)
        info.context.become(Viewer(session.user_id, session.session_id))
        return cls(session=session, token=session.token, expires_at=session.expires_at)


@strawberry.type(description="The session has ended; the cookie is cleared.")
class SignedOut:
    """Payload of `signOut`."""

    ended: bool = strawberry.field(description="Always true.")


@strawberry.type
class AccountMutations:
    """The mutations of accounts."""

    @mutation(
        "account:sign_up",
        answers=CheckYourMail,
        description="Asks to join. Always answers that a mail is on its way; its link makes the account and the team.",
    )
    async def sign_up(self, info: Info, input: SignUpInput) -> CheckYourMail:
        await accounts.sign_up(
            info.context.caller,
            email=input.email,
            password=input.password,
            name=input.name,
            team_name=input.team_name,
        )
        return CheckYourMail(email=input.email)

    @mutation(
        "account:sign_up",
        answers=SignedIn,
        fails=(Conflict,),
        description="Follows the link of the sign-up mail: makes the account and its team, and signs in. Works once.",
    )
    async def confirm_sign_up(
        self, info: Info, token: Annotated[str, strawberry.argument(description="The `token` in the link.")]
    ) -> SignedIn:
        return SignedIn.of(info, await accounts.confirm_sign_up(info.context.caller, token=token))

    @mutation(
        "account:sign_in",
        answers=SignedIn,
        fails=(Unauthenticated,),
        description="Opens a session with address and password.",
    )
    async def sign_in(self, info: Info, input: SignInInput) -> SignedIn:
        return SignedIn.of(
            info, await accounts.sign_in(info.context.caller, email=input.email, password=input.password)
        )

    @mutation("account:sign_out", answers=SignedOut, description="Ends the session that asks.")
    async def sign_out(self, info: Info) -> SignedOut:
        await accounts.sign_out(info.context.caller)
        info.context.cookie = SessionCookie(None)
        return SignedOut(ended=True)
