"""What happens to teams, and to who is in them."""

from dataclasses import dataclass
from uuid import UUID

from domain.events.base import Event, register


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class TeamCreated(Event):
    """A team came to be; who made it owns it."""

    type = "team.created"
    user_id: UUID
    name: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class TeamRenamed(Event):
    """A team is called otherwise."""

    type = "team.renamed"
    name: str
    former_name: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class TeamDeletionRequested(Event):
    """A team waits for its deletion: until then it can be looked at, and brought back."""

    type = "team.deletion_requested"
    revokes = True
    days: int


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class TeamRestored(Event):
    """A team's deletion was called off."""

    type = "team.restored"


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class TeamDeleted(Event):
    """A team is gone, with everything in it. Of its events this one alone is left."""

    type = "team.deleted"
    revokes = True


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class MemberInvited(Event):
    """Somebody was invited into the team, as `role`; the invitation knows their address."""

    type = "member.invited"
    invitation_id: UUID
    role: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationResent(Event):
    """An invitation was mailed again: with another link, and for another seven days."""

    type = "invitation.resent"
    invitation_id: UUID
    role: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRevoked(Event):
    """An invitation cannot be accepted any more."""

    type = "invitation.revoked"
    invitation_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationDeclined(Event):
    """Who was invited does not want to join. Nobody is behind it where they have no account."""

    type = "invitation.declined"
    invitation_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class MemberJoined(Event):
    """Somebody accepted their invitation; they had no account before where `is_new`."""

    type = "member.joined"
    member_id: UUID
    user_id: UUID
    invitation_id: UUID
    role: str
    is_new: bool


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRoleChanged(Event):
    """A member may do more, or less, than before."""

    type = "member.role_changed"
    revokes = True
    member_id: UUID
    user_id: UUID
    role: str
    former_role: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRemoved(Event):
    """Somebody was put out of the team by another."""

    type = "member.removed"
    revokes = True
    member_id: UUID
    user_id: UUID
    role: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLeft(Event):
    """Somebody left the team by themselves."""

    type = "member.left"
    revokes = True
    member_id: UUID
    user_id: UUID
    role: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class OwnershipTransferred(Event):
    """An owner (`user_id`, an admin from now on) has put another member in their place."""

    type = "ownership.transferred"
    revokes = True
    member_id: UUID
    user_id: UUID
    heir_id: UUID
    former_role: str
