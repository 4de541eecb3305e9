"""Invitations into teams."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from domain.errors import Conflict, DomainError, Forbidden, Throttled, Unauthenticated
from domain.invitations import InvitationState
from domain.permissions import Role
from i18n import closest
from plan import Depends, Node, batch, column, node, reference, to_one
from resolvers import invitations
from schema.accounts import SignedIn
from schema.context import Info
from schema.enums import Action
from schema.fields import SECRET, for_caller, mutation
from schema.ids import uuid_of
from schema.rights import rights

if TYPE_CHECKING:
    from schema.accounts import User
    from schema.teams import Member, Team


@strawberry.input(description="Narrows invitations down; what is left out or null does not narrow.")
class InvitationFilter:
    """Filter of `Team.invitations`."""

    state: InvitationState | None = strawberry.field(default=None, description="Only those that stand here.")


@node(table=models.Invitation, visible=models.Invitation.visible_to)
class Invitation(Node):
    """An address that was asked into a team. Seen by owners and admins of the team alone."""

    viewer_can: list[Action] = rights("member")
    email: str = column(description="Where its link was mailed to.")
    role: Role = column(description="What they will be in the team.")
    state: InvitationState = batch(
        "accepted_at",
        "declined_at",
        "revoked_at",
        "expires_at",
        by=for_caller(invitations.states),
        depends=Depends.NOTHING,
        description="Where it stands.",
    )
    team: Team = to_one("team_id", description="The team.")
    invited_by: User | None = to_one("created_by_id", description="Who asked last; null if you share no team any more.")
    created_at: datetime = column(description="When they were first asked.")
    sent_at: datetime = column(description="When they were last asked.")
    expires_at: datetime = column(description="Until when the last link can be followed.")
    accepted_at: datetime | None = column(description="When they joined; null if they have not.")
    declined_at: datetime | None = column(description="When they declined; null if they have not.")


@strawberry.type(description="What the holder of an invitation's link may know.")
class InvitationPreview:
    """Answer of the query `invitation`."""

    team_name: str = strawberry.field(description="The team's name.")
    role: Role = strawberry.field(description="What they will be in the team.")
    invited_by: str = strawberry.field(description="The name of who asks.")
    email: str = strawberry.field(description="Where the link was mailed to: whoever accepts has this address.")
    expires_at: datetime = strawberry.field(description="Until when the link can be followed.")
    has_account: bool = strawberry.field(
        description="Whether the address has an account: then its person signs in first; else accepting makes one."
    )


async def preview(
    info: Info, token: Annotated[str, strawberry.argument(description="The `token` in the link.")]
) -> InvitationPreview | None:
    """Root field `invitation`: null for a link that leads nowhere any more."""
    try:
        found = await invitations.preview(info.context.caller, token=token)
    except DomainError:
        return None
    return InvitationPreview(
        team_name=found.team_name,
        role=found.invitation.role,
        invited_by=found.invited_by,
        email=found.invitation.email,
        expires_at=found.invitation.expires_at,
        has_account=found.has_account,
    )


@strawberry.input(description="Whom to ask into a team.")
class InviteMemberInput:
    """Input of `inviteMember`."""

    team_id: strawberry.ID = strawberry.field(description="Which team.")
    email: str = strawberry.field(description="Where the link goes.")
    role: Role = strawberry.field(description="What they will be; at most what you are.")


@strawberry.input(description="Who joins and has no account yet. Their address is the invitation's.")
class NewPersonInput:
    """Part of `AcceptInvitationInput`."""

    name: str = strawberry.field(description="How you want to be called, 1–100 characters.")
    password: str = strawberry.field(description="10 to 200 characters, for signing in later.")
    locale: str | None = strawberry.field(
        default=None, description="The language that you read, as a BCP 47 tag; else that of the request."
    )


@strawberry.input(description="The link that is followed.")
class AcceptInvitationInput:
    """Input of `acceptInvitation`."""

    token: str = strawberry.field(description="The `token` in the link.")
    new_person: NewPersonInput | None = strawberry.field(
        default=None, description="For who has no account yet; it does nothing for who is signed in."
    )

    def newcomer(self, info: Info) -> invitations.Newcomer | None:
        """In plain values."""
        given = self.new_person
        if given is None:
            return None
        locale = closest(given.locale) or info.context.caller.locale
        return invitations.Newcomer(given.name, given.password, locale)


@strawberry.type(description="You are in the team.")
class InvitationAccepted:
    """Payload of `acceptInvitation`."""

    joined: strawberry.Private[invitations.Joined]
    session: SignedIn | None = strawberry.field(
        description="Of the account that was just made; null for who was signed in.", metadata=SECRET
    )
    member: Member = reference(lambda accepted, _context: accepted.joined.member_id, description="Your place in it.")


@strawberry.type(description="You are not in the team, and who invited you sees that you do not want to.")
class InvitationDeclined:
    """Payload of `declineInvitation`."""

    team_name: str = strawberry.field(description="The team's name.")


@strawberry.type
class InvitationMutations:
    """The mutations of invitations."""

    @mutation(
        "member:invite",
        answers=Invitation,
        fails=(Throttled,),
        description="Mails an address a link to join, good for 7 days. Where an invitation is open already, that is "
        "sent again, with this role.",
    )
    async def invite_member(self, info: Info, input: InviteMemberInput) -> models.Invitation:
        from schema.teams import Team

        return await invitations.invite(
            info.context.caller,
            team_id=uuid_of(Team, input.team_id, "teamId"),
            email=input.email,
            role=input.role,
        )

    @mutation(
        "member:invite",
        answers=Invitation,
        fails=(Throttled,),
        description="Mails another link, good for 7 days; older ones are good no more.",
    )
    async def resend_invitation(self, info: Info, id: strawberry.ID) -> models.Invitation:
        return await invitations.resend(info.context.caller, invitation_id=uuid_of(Invitation, id, "id"))

    @mutation("member:invite", answers=Invitation, description="Takes an invitation back that was not accepted.")
    async def revoke_invitation(self, info: Info, id: strawberry.ID) -> models.Invitation:
        return await invitations.revoke(info.context.caller, invitation_id=uuid_of(Invitation, id, "id"))

    @mutation(
        "invitation:accept",
        answers=InvitationAccepted,
        fails=(Unauthenticated, Forbidden, Conflict, Throttled),
        description="Follows an invitation's link: as who is signed in, if the address is theirs, or with a new "
        "account. Works once.",
    )
    async def accept_invitation(self, info: Info, input: AcceptInvitationInput) -> InvitationAccepted:
        joined = await invitations.accept(info.context.caller, token=input.token, newcomer=input.newcomer(info))
        session = SignedIn.of(info, joined.session) if joined.session else None
        return InvitationAccepted(joined=joined, session=session)

    @mutation(
        "invitation:decline",
        answers=InvitationDeclined,
        fails=(Unauthenticated, Forbidden, Conflict),
        description="Declines an invitation by its link, which is good no more: as who is signed in, if the address is "
        "theirs, or as nobody where it has no account.",
    )
    async def decline_invitation(
        self, info: Info, token: Annotated[str, strawberry.argument(description="The `token` in the link.")]
    ) -> InvitationDeclined:
        declined = await invitations.decline(info.context.caller, token=token)
        return InvitationDeclined(team_name=declined.team_name)
