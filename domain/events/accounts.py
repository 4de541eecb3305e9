"""What people do to their accounts, sessions and keys."""

from dataclasses import dataclass
from uuid import UUID

from domain.events.base import Event, register


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyCreated(Event):
    """A person made an API key for themselves."""

    type = "api_key.created"
    user_id: UUID
    api_key_id: UUID
    name: str
    scopes: list[str]


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRevoked(Event):
    """A person put an end to an API key of theirs."""

    type = "api_key.revoked"
    revokes = True
    user_id: UUID
    api_key_id: UUID
    name: str
    scopes: list[str]


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCreated(Event):
    """Somebody has joined."""

    type = "account.created"
    user_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened(Event):
    """Somebody has signed in."""

    type = "session.opened"
    user_id: UUID
    session_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class SignInFailed(Event):
    """Wrong passwords or codes have used up an account's tries for now. `user_id` is None where there is no account."""

    type = "sign_in.failed"
    user_id: UUID | None


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorStarted(Event):
    """Somebody was given a secret for two-factor, which they have yet to confirm."""

    type = "two_factor.started"
    user_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorEnabled(Event):
    """Signing in to the account takes a code from now on."""

    type = "two_factor.enabled"
    user_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorDisabled(Event):
    """Signing in to the account takes the password alone from now on."""

    type = "two_factor.disabled"
    user_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodesRenewed(Event):
    """An account has new recovery codes: the ones before are good for nothing."""

    type = "recovery_codes.renewed"
    user_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodeUsed(Event):
    """A recovery code stood in for a second factor; `left` are left."""

    type = "recovery_code.used"
    user_id: UUID
    left: int


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """Somebody signed out, or put an end to another session of theirs."""

    type = "session.ended"
    revokes = True
    user_id: UUID
    session_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsEnded(Event):
    """Somebody signed out of all their sessions, perhaps but the one they asked with: `ended` of them."""

    type = "session.all_ended"
    revokes = True
    user_id: UUID
    ended: int


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Event):
    """An account has another password, which ended `sessions` of its sessions; `by_link` if it was a mailed one."""

    type = "account.password_changed"
    revokes = True
    user_id: UUID
    by_link: bool
    sessions: int


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChangeRequested(Event):
    """Somebody wants another address: both were mailed."""

    type = "account.email_change_requested"
    user_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class EmailConfirmed(Event):
    """One of the two addresses has agreed to a change; the other one has not yet, or cannot."""

    type = "account.email_confirmed"
    user_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChanged(Event):
    """An account has another address, to which both have agreed."""

    type = "account.email_changed"
    user_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEdited(Event):
    """A person's name, time zone, language or picture changed; `changed` names which.

    What they follow goes on in their language: so they are looked at again, as if it revoked something.
    """

    type = "account.edited"
    revokes = True
    user_id: UUID
    changed: list[str]


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionRequested(Event):
    """Somebody wants their account to go."""

    type = "account.deletion_requested"
    user_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionCancelled(Event):
    """Somebody has thought better of it: the account stays."""

    type = "account.deletion_cancelled"
    user_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionPostponed(Event):
    """An account should have gone, but `teams` teams would have been left without an owner."""

    type = "account.deletion_postponed"
    user_id: UUID
    teams: int


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDeleted(Event):
    """An account is gone. It is told once for each team that the person was in, and once outside of any."""

    type = "account.deleted"
    revokes = True
    user_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSwitched(Event):
    """A session works in another team from now on. It is nobody's business in that team."""

    type = "session.switched"
    session_id: UUID
    chosen_team_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLinked(Event):
    """Somebody can sign in with an account elsewhere from now on."""

    type = "identity.linked"
    user_id: UUID
    provider: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRemoved(Event):
    """Somebody cannot sign in with an account elsewhere any more."""

    type = "identity.removed"
    user_id: UUID
    provider: str
