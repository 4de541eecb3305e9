"""Facts that happened, recorded in the transaction of the change itself.

An event is a frozen dataclass with a `type` and a `version`; its fields are its payload. Every field named `<noun>_id`
is a subject: who watches `video:<id>` hears of each event with that `video_id`.
"""

from copy import deepcopy
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

E = TypeVar("E", bound="Event")

EVENT_TYPES: dict[str, type["Event"]] = {}

RIGHTS = "rights"
"""The topic on which every event that `revokes` is told besides: each API process listens to it."""
CONCERNED = ("session", "api_key", "user", "team")
"""Whom an event that revokes may name, the narrowest first: it concerns the first of these that it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has. `team_id` is None for the few that happen before there is a team."""

    type: ClassVar[str]
    version: ClassVar[int] = 1
    revokes: ClassVar[bool] = False
    """Whether somebody may have lost a right by it: every API process then looks again at who is subscribed."""

    team_id: UUID | None
    actor_id: UUID | None

    def subjects(self) -> list[str]:
        """What the event is about, as `noun:id`, the team included, the actor not."""
        named = ((name.removesuffix("_id"), getattr(self, name)) for name in _names(self.type))
        return [f"{noun}:{value}" for noun, value in named if noun != "actor" and isinstance(value, UUID)]

    def payload(self) -> dict[str, Any]:
        """The event's own fields, ready for JSON."""
        return {name: _for_json(getattr(self, name)) for name in _names(self.type) if name not in _NOT_ITS_OWN}

    @classmethod
    def load(cls, *, team_id: UUID | None, actor_id: UUID | None, payload: dict[str, Any]) -> Self:
        """The inverse of `payload`."""
        known = {
            field.name: UUID(value) if field.name.endswith("_id") and isinstance(value, str) else value
            for field in fields(cls)
            if (value := payload.get(field.name, _ABSENT)) is not _ABSENT
        }
        return cls(team_id=team_id, actor_id=actor_id, **known)


_ABSENT = object()
_NOT_ITS_OWN = {"team_id", "actor_id"}


@cache
def _names(type_: str) -> tuple[str, ...]:
    """The fields of the events of a type."""
    return tuple(field.name for field in fields(EVENT_TYPES[type_]))


def _for_json(value: Any) -> Any:
    """The value itself or, of what could be changed, a copy."""
    if isinstance(value, UUID):
        return str(value)
    return deepcopy(value) if isinstance(value, (list, dict)) else value


def register(cls: type[E]) -> type[E]:
    """Makes an event class known by its type, so that the relay can load it."""
    if cls.type in EVENT_TYPES:
        raise TypeError(f"two events are called {cls.type}")
    EVENT_TYPES[cls.type] = cls
    return cls


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
class VideoCreated(Event):
    """A video came to be, still without a version."""

    type = "video.created"
    video_id: UUID
    title: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class VideoEdited(Event):
    """A video's title, description or tags changed; `changed` names which."""

    type = "video.edited"
    video_id: UUID
    changed: list[str]


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class VideoDeleted(Event):
    """A video went to the trash."""

    type = "video.deleted"
    video_id: UUID
    title: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRestored(Event):
    """A video came back from the trash."""

    type = "video.restored"
    video_id: UUID
    title: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCreated(Event):
    """A video has a new version: by an upload (then `job_id` is set) or by restoring an older one."""

    type = "version.created"
    video_id: UUID
    version_id: UUID
    number: int
    job_id: UUID | None = None


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentCreated(Event):
    """Somebody commented on a version: they opened a thread, or answered the one that `parent_id` opened."""

    type = "comment.created"
    video_id: UUID
    version_id: UUID
    comment_id: UUID
    parent_id: UUID | None = None


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class JobQueued(Event):
    """A job waits for a worker: it is new, or back in the queue after an attempt that did not end it."""

    type = "job.queued"
    job_id: UUID
    queue: str
    attempt: int


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted(Event):
    """A worker took the job."""

    type = "job.started"
    job_id: UUID
    attempt: int


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class JobSucceeded(Event):
    """The job did what it was for."""

    type = "job.succeeded"
    job_id: UUID
    video_id: UUID | None = None


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed(Event):
    """The job ended without its result; `code` says why in the terms of its kind, `params` with which figures."""

    type = "job.failed"
    job_id: UUID
    code: str
    params: dict[str, Any]
    video_id: UUID | None = None


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class JobCancelled(Event):
    """Somebody cancelled the job before it ended."""

    type = "job.cancelled"
    job_id: UUID
    video_id: UUID | None = None


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
class UploadStarted(Event):
    """Somebody began to send a file, to be a video's next version."""

    type = "upload.started"
    video_id: UUID
    upload_id: UUID
    file_name: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class UploadCompleted(Event):
    """All of a file has come, and the job makes a version of it."""

    type = "upload.completed"
    video_id: UUID
    upload_id: UUID
    job_id: UUID
    file_name: str


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class UploadDiscarded(Event):
    """Somebody gave up sending a file."""

    type = "upload.discarded"
    video_id: UUID
    upload_id: UUID
    file_name: str


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
class TeamDeleted(Event):
    """A team is gone, with everything in it. Of its events this one alone is left."""

    type = "team.deleted"
    revokes = True


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
    """A person's name, time zone, language or picture changed; `changed` names which."""

    type = "account.edited"
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
