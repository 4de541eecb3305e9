"""Who may do what: one table, asked by every use-case and walked by the tests."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member is in a team."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


class Audience(StrEnum):
    """Who may try an action that belongs to no team."""

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"


class Scope(StrEnum):
    """What an API key is good for. Whoever may write may read."""

    READ = "read"
    WRITE = "write"
    WEBHOOKS = "webhooks"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do an action: an audience, or the roles that hold it in the team that owns the thing.

    `scope` is what an API key needs for it; None for what takes a person who has signed in themselves. `description`
    says for people what the action is. With `own`, whoever has made the thing may do it besides, whatever their role.
    """

    holders: frozenset[Role] | Audience
    scope: Scope | None
    description: str = ""
    own: bool = False


_ALL = frozenset(Role)
_ADMINS = frozenset({Role.OWNER, Role.ADMIN})
_OWNERS = frozenset({Role.OWNER})
_EDITORS = _ADMINS | {Role.EDITOR}
_NOBODY = frozenset[Role]()

PERMISSIONS: dict[str, Rule] = {
    "account:sign_up": Rule(Audience.ANYONE, None, "Ask to join, and follow the mailed link."),
    "account:sign_in": Rule(Audience.ANYONE, None, "Open a session."),
    "account:sign_out": Rule(Audience.SIGNED_IN, None, "End sessions of one's own."),
    "account:two_factor": Rule(Audience.SIGNED_IN, None, "See and change one's second factor."),
    "account:view": Rule(Audience.ANYONE, Scope.READ, "See who is asking, and anything that they may see by its id."),
    "account:recover": Rule(Audience.ANYONE, None, "Follow a mailed link: a new password, a change of address."),
    "account:secure": Rule(Audience.SIGNED_IN, None, "Change one's password or address, or delete one's account."),
    "account:edit": Rule(Audience.SIGNED_IN, Scope.WRITE, "Change one's name, picture, time zone, language and mails."),
    "language:view": Rule(Audience.ANYONE, Scope.READ, "See which languages there are, and the words for clients."),
    "identity:remove": Rule(Audience.SIGNED_IN, None, "Sign in with an account elsewhere no more."),
    "api_key:create": Rule(Audience.SIGNED_IN, None, "Make an API key for oneself."),
    "api_key:revoke": Rule(Audience.SIGNED_IN, None, "Put an end to an API key of one's own."),
    "team:view": Rule(_ALL, Scope.READ, "See the team and who is in it."),
    "team:create": Rule(Audience.SIGNED_IN, Scope.WRITE, "Make a team of one's own."),
    "team:rename": Rule(_ADMINS, Scope.WRITE, "Rename the team."),
    "team:switch": Rule(_ALL, None, "Work in the team from now on, with this session."),
    "team:leave": Rule(_ALL, None, "Leave the team."),
    "team:transfer": Rule(_OWNERS, None, "Make somebody else the owner in one's own place."),
    "team:delete": Rule(_OWNERS, None, "Have the team deleted in 14 days."),
    "team:restore": Rule(_OWNERS, None, "Keep a team that waits for its deletion."),
    "member:change_role": Rule(_ADMINS, None, "Give members up to one's own role another role."),
    "member:remove": Rule(_ADMINS, None, "Remove members up to one's own role."),
    "member:invite": Rule(_ADMINS, None, "Invite people, renew and take back invitations."),
    "invitation:view": Rule(Audience.ANYONE, Scope.READ, "See what the link of an invitation is for."),
    "invitation:accept": Rule(Audience.ANYONE, None, "Accept an invitation by its link."),
    "invitation:decline": Rule(Audience.ANYONE, None, "Decline an invitation by its link."),
    "video:view": Rule(_ALL, Scope.READ, "See the library: videos, versions, comments, uploads."),
    "video:create": Rule(_EDITORS, Scope.WRITE, "Make a video."),
    "video:edit": Rule(_EDITORS, Scope.WRITE, "Rename, describe and tag a video."),
    "video:delete": Rule(_EDITORS, Scope.WRITE, "Put a video into the trash, and bring it back."),
    "version:create": Rule(_EDITORS, Scope.WRITE, "Make a version: upload a file, or restore an older one."),
    "upload:send": Rule(_EDITORS, Scope.WRITE, "Send the parts of an upload, complete it, or give it up.", own=True),
    "comment:create": Rule(_ALL, Scope.WRITE, "Comment on a version, answer comments, and react to them."),
    "comment:edit": Rule(_NOBODY, Scope.WRITE, "Change what a comment says.", own=True),
    "comment:delete": Rule(_EDITORS, Scope.WRITE, "Delete a comment, and bring it back.", own=True),
    "comment:resolve": Rule(_EDITORS, Scope.WRITE, "Resolve a thread, and open it again.", own=True),
    "comment:set_visibility": Rule(_EDITORS, Scope.WRITE, "Make threads team-only, see those, and open them."),
    "presence:update": Rule(_ALL, None, "Show those in the room of a video where one is."),
    "job:view": Rule(_ALL, Scope.READ, "See how work on a video goes on."),
    "job:cancel": Rule(_EDITORS, Scope.WRITE, "End work on a video before it is done."),
    "notification:view": Rule(Audience.SIGNED_IN, Scope.READ, "Hear of what is new for oneself."),
    "notification:mark": Rule(Audience.SIGNED_IN, Scope.WRITE, "Mark what is new for oneself as read."),
    "event:view": Rule(Audience.ANYONE, Scope.READ, "See which events there are for webhooks."),
    "webhook:view": Rule(_ADMINS, Scope.READ, "See the team's webhooks, and what they were sent."),
    "webhook:create": Rule(_ADMINS, Scope.WEBHOOKS, "Have what happens in the team sent to an address."),
    "webhook:edit": Rule(_ADMINS, Scope.WEBHOOKS, "Change, pause and resume a webhook, and give it another secret."),
    "webhook:send": Rule(_ADMINS, Scope.WEBHOOKS, "Send a webhook a test, or again what it was sent."),
    "webhook:delete": Rule(_ADMINS, Scope.WEBHOOKS, "Put an end to a webhook."),
    "audit:view": Rule(_ADMINS, Scope.READ, "See who has done what in the team."),
}
"""Action → who may do it."""

_WHILE_DELETION_WAITS = {"team:switch", "team:restore", "presence:update"}
"""What may still be done in a team that waits for its deletion, beside looking: nothing that changes what it has."""


def takes_a_lasting_team(action: str) -> bool:
    """Whether `action` is refused in a team that waits for its deletion."""
    return PERMISSIONS[action].scope is not Scope.READ and action not in _WHILE_DELETION_WAITS


def allows(role: Role, action: str, *, own: bool = False) -> bool:
    """Whether a member with `role` may do `action` in their team; `own` says that they have made the thing themselves.

    An unknown action is a KeyError: a fault of ours.
    """
    rule = PERMISSIONS[action]
    return isinstance(rule.holders, Audience) or role in rule.holders or (own and rule.own)


INSIDERS = frozenset(role for role in Role if allows(role, "comment:set_visibility"))
"""The roles that see what is team-only: whoever may make it so."""


def good_for(scopes: Collection[Scope] | None, scope: Scope) -> bool:
    """Whether who asks with an API key of these scopes has `scope`; None is somebody who has signed in."""
    return scopes is None or scope in scopes or (scope is Scope.READ and Scope.WRITE in scopes)


def covers(scopes: Collection[Scope] | None, action: str) -> bool:
    """Whether who asks with an API key of these scopes may try `action`; None is somebody who has signed in."""
    rule = PERMISSIONS[action]
    if rule.scope is None:
        return scopes is None or rule.holders is Audience.ANYONE
    return good_for(scopes, rule.scope)
