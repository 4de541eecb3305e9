"""Rules of invitations."""

from datetime import datetime
from enum import StrEnum


class InvitationState(StrEnum):
    """Where an invitation stands."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


def invitation_state(
    accepted_at: datetime | None,
    declined_at: datetime | None,
    revoked_at: datetime | None,
    expires_at: datetime,
    now: datetime,
) -> InvitationState:
    """Where an invitation with these moments stands at the moment `now`."""
    if accepted_at is not None:
        return InvitationState.ACCEPTED
    if declined_at is not None:
        return InvitationState.DECLINED
    if revoked_at is not None:
        return InvitationState.REVOKED
    return InvitationState.PENDING if now < expires_at else InvitationState.EXPIRED
