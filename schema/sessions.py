"""Sessions: where somebody is signed in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from domain.devices import device_name
from domain.errors import Conflict, NotFound
from plan import Node, batch, column, computed, node, to_one
from resolvers import sessions
from schema.context import Info, SessionCookie
from schema.fields import for_caller, mutation
from schema.ids import uuid_of

if TYPE_CHECKING:
    from schema.teams import Team


@node(table=models.Session, visible=models.Session.visible_to)
class Session(Node):
    """A place where you are signed in. Nobody else sees it."""

    device: str = computed(
        "device", by=device_name, description="The program and its system, as `Firefox, Windows`; may be empty."
    )
    user_agent: str = column("device", description="The program, as it calls itself; at most 200 characters.")
    address: str = column(description="The network address that it was opened from; may be empty.")
    created_at: datetime = column(description="When it was opened.")
    seen_at: datetime = column(description="When it last asked for something, to the minute, told up to a minute late.")
    expires_at: datetime = column(description="When it ends by itself.")
    ended_at: datetime | None = column(description="When it was ended; null if it was not.")
    current: bool = batch("id", by=for_caller(sessions.are_current), description="Whether it is the one that asks.")
    team: Team | None = to_one("team_id", description="The team that is worked in; null if none has been chosen.")


@strawberry.type(description="Sessions have ended.")
class SignedOutEverywhere:
    """Payload of `signOutEverywhere`."""

    ended: int = strawberry.field(description="How many.")


@strawberry.type
class SessionMutations:
    """The mutations of sessions."""

    @mutation(
        "account:sign_out",
        answers=Session,
        fails=(NotFound, Conflict),
        description="Ends one of your sessions, at once.",
    )
    async def revoke_session(self, info: Info, id: strawberry.ID) -> models.Session:
        context = info.context
        session = await sessions.revoke(context.caller, session_id=uuid_of(Session, id, "id"))
        if session.id == context.caller.viewer.session_id:
            context.cookie = SessionCookie(None)
        return session

    @mutation(
        "account:sign_out",
        answers=SignedOutEverywhere,
        keyless="it is about the session that asks",
        description="Ends all of your sessions, at once.",
    )
    async def sign_out_everywhere(
        self,
        info: Info,
        keep_current: Annotated[bool, strawberry.argument(description="True: all but the one that asks.")] = False,  # noqa: FBT002 - clients name it
    ) -> SignedOutEverywhere:
        ended = await sessions.sign_out_everywhere(info.context.caller, keep_current=keep_current)
        if not keep_current:
            info.context.cookie = SessionCookie(None)
        return SignedOutEverywhere(ended=ended)
