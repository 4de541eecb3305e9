"""People: who they are, and how they sign up, in and out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from domain.errors import Conflict, SecondFactorRequired, Throttled, Unauthenticated
from domain.notifications import EmailNotifications
from domain.viewers import Viewer
from plan import Connection, Depends, Node, batch, column, count_of, node, reference, to_many
from resolvers import accounts, profiles, sessions, signing_in
from schema.context import Info, SessionCookie
from schema.fields import SECRET, for_caller, mutation, own

if TYPE_CHECKING:
    from schema.api_keys import ApiKey
    from schema.audit import AuditEntry
    from schema.identities import Identity
    from schema.notifications import Notification
    from schema.sessions import Session
    from schema.teams import Member


@node(table=models.User, visible=models.User.visible_to)
class User(Node):
    """A person. You see yourself and whoever shares a team with you."""

    name: str = column(description="How they want to be called.")
    email: str = column(description="Their address, which is also their name for signing in.")
    locale: str = column(description="The language they read, as a BCP 47 tag.")
    created_at: datetime = column(description="When they joined.")
    avatar_url: str | None = batch(
        "avatar_key",
        by=for_caller(profiles.avatar_urls),
        depends=Depends.NOTHING,
        description="Their picture, a square of 256 pixels, WebP; null without one. Signed, expires.",
    )
    time_zone: str | None = own("time_zone", description="Where they are, as IANA calls it; null for anybody else's.")
    deletion_at: datetime | None = own(
        "deletion_at", description="When the account goes; null if it stays, and for anybody else's."
    )
    email_notifications: EmailNotifications | None = own(
        "email_notifications",
        of=EmailNotifications,
        description="When they are mailed what is new; null for anybody else's.",
    )
    notifications: Connection[Notification] = to_many(
        "user_id",
        order="-latest_at",
        description="What is new for you, and what was, the latest first; empty for anybody else's.",
    )
    unread_notifications: Connection[Notification] = to_many(
        "user_id",
        order="-latest_at",
        where=models.Notification.unread,
        description="What you have not read yet, the latest first; empty for anybody else's.",
    )
    unread_notification_count: int = count_of(
        "unread_notifications", description="How many notifications you have not read yet; 0 for anybody else's."
    )
    sessions: Connection[Session] = to_many(
        "user_id",
        order="-seen_at",
        where=models.Session.still_open,
        description="Where they are signed in, the last seen first; empty for anybody else's, and for an API key.",
    )
    memberships: Connection[Member] = to_many(
        "user_id", order="created_at", description="Their places in teams, of those that you are in too."
    )
    activity: Connection[AuditEntry] = to_many(
        "actor_id",
        order="-created_at",
        where=models.AuditEntry.outside_of_teams,
        description="What they have done to their account, the newest first: your own alone, and not for an API key.",
    )
    identities: Connection[Identity] = to_many(
        "user_id",
        order="created_at",
        description="Accounts elsewhere that you sign in with; only you see them, and no API key does.",
    )
    api_keys: Connection[ApiKey] = to_many(
        "user_id",
        order="-created_at",
        description="Your own API keys, newest first; nobody sees another person's, and no API key sees any.",
    )


@strawberry.input(description="Who wants to join.")
class SignUpInput:
    """Input of `signUp`."""

    email: str = strawberry.field(description="Where the link goes.")
    name: str = strawberry.field(description="How you want to be called, 1–100 characters.")
    team_name: str | None = strawberry.field(default=None, description="Your team's name; your own if left out.")


@strawberry.input(description="Who wants in.")
class SignInInput:
    """Input of `signIn`."""

    email: str = strawberry.field(description="Your address, in any case.")
    password: str = strawberry.field(description="Your password.")
    device_token: str | None = strawberry.field(
        default=None, description="`SignedIn.deviceToken` of an earlier time. Browsers keep it in a cookie."
    )


@strawberry.input(description="The second step of signing in.")
class SignInWithCodeInput:
    """Input of `signInWithCode`."""

    challenge: str = strawberry.field(description="`SecondFactorRequired.challenge`.")
    code: str = strawberry.field(description="What your app shows now, or one of your recovery codes.")
    device_token: str | None = strawberry.field(default=None, description="As for `signIn`.")


@strawberry.type(description="A mail is on its way, or is not: nobody is told here whether the address is known.")
class CheckYourMail:
    """Payload of whatever mails a link."""

    email: str = strawberry.field(description="Where the mail goes.")


@strawberry.type(description="A fresh session. Over HTTP the response also sets it as an HttpOnly cookie.")
class SignedIn:
    """Payload of `signIn`, `signInWithCode` and `confirmSignUp`."""

    session: strawberry.Private[signing_in.SignedIn]
    token: str = strawberry.field(
        description="Send it as `Authorization: Bearer …`. It is told only here.", metadata=SECRET
    )
    expires_at: datetime = strawberry.field(description="When the session ends by itself.")
    device_token: str = strawberry.field(
        description="Keep it, on this device alone, and send it with the next `signIn`: then nobody who guesses your "
        "password from elsewhere can keep you out. Over HTTP it is an HttpOnly cookie, too.",
        metadata=SECRET,
    )
    user: User = reference(lambda signed_in, _context: signed_in.session.user_id, description="Who has signed in.")

    @classmethod
    def of(cls, info: Info, session: signing_in.SignedIn) -> SignedIn:
        """The payload for a session; its fields are read as the person who has just signed in."""
        info.context.cookie = SessionCookie(session.token, session.expires_at, session.device_token)
        info.context.become(Viewer(session.user_id, session.session_id), session.locale)
        return cls(
            session=session,
            token=session.token,
            expires_at=session.expires_at,
            device_token=session.device_token,
        )


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
        fails=(Throttled,),
        description="Asks to join. Always answers that a mail is on its way; its link makes the account and the team.",
    )
    async def sign_up(self, info: Info, input: SignUpInput) -> CheckYourMail:
        await accounts.sign_up(
            info.context.caller,
            email=input.email,
            name=input.name,
            team_name=input.team_name,
        )
        return CheckYourMail(email=input.email)

    @mutation(
        "account:sign_up",
        answers=SignedIn,
        fails=(Conflict, Throttled),
        description="Follows the link of the sign-up mail: makes the account, with the password that is chosen now, "
        "and its team, and signs in. Works once.",
    )
    async def confirm_sign_up(
        self,
        info: Info,
        token: Annotated[str, strawberry.argument(description="The `token` in the link.")],
        password: Annotated[
            str, strawberry.argument(description="10 to 200 characters, and none of the most common passwords.")
        ],
    ) -> SignedIn:
        caller = info.context.caller
        return SignedIn.of(info, await accounts.confirm_sign_up(caller, token=token, password=password))

    @mutation(
        "account:sign_in",
        answers=SignedIn,
        fails=(Unauthenticated, SecondFactorRequired, Throttled),
        description="Opens a session with address and password. Where two-factor is on it answers "
        "`SecondFactorRequired`, and `signInWithCode` opens it.",
    )
    async def sign_in(self, info: Info, input: SignInInput) -> SignedIn:
        session = await accounts.sign_in(
            info.context.caller, email=input.email, password=input.password, device_token=input.device_token
        )
        return SignedIn.of(info, session)

    @mutation(
        "account:sign_in",
        answers=SignedIn,
        fails=(Unauthenticated, Conflict, Throttled),
        description="The second step of signing in: opens a session with a code. `Unauthenticated` says that the "
        "challenge is over: begin again.",
    )
    async def sign_in_with_code(self, info: Info, input: SignInWithCodeInput) -> SignedIn:
        session = await accounts.sign_in_with_code(
            info.context.caller, challenge=input.challenge, code=input.code, device_token=input.device_token
        )
        return SignedIn.of(info, session)

    @mutation(
        "account:sign_out",
        answers=SignedOut,
        keyless="it is about the session that asks",
        description="Ends the session that asks.",
    )
    async def sign_out(self, info: Info) -> SignedOut:
        await sessions.sign_out(info.context.caller)
        info.context.cookie = SessionCookie(None)
        return SignedOut(ended=True)
