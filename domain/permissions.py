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

    `scope` is what an API key needs for it; None for what takes a person who has signed in themselves.
    """

    holders: frozenset[Role] | Audience
    scope: Scope | None


_ALL = frozenset(Role)
_ADMINS = frozenset({Role.OWNER, Role.ADMIN})
_EDITORS = _ADMINS | {Role.EDITOR}

PERMISSIONS: dict[str, Rule] = {
    "account:sign_up": Rule(Audience.ANYONE, None),
    "account:sign_in": Rule(Audience.ANYONE, None),
    "account:sign_out": Rule(Audience.SIGNED_IN, None),
    "account:two_factor": Rule(Audience.SIGNED_IN, None),
    "account:view": Rule(Audience.ANYONE, Scope.READ),
    "account:recover": Rule(Audience.ANYONE, None),
    "account:secure": Rule(Audience.SIGNED_IN, None),
    "account:edit": Rule(Audience.SIGNED_IN, Scope.WRITE),
    "team:view": Rule(_ALL, Scope.READ),
    "video:view": Rule(_ALL, Scope.READ),
    "video:create": Rule(_EDITORS, Scope.WRITE),
    "video:edit": Rule(_EDITORS, Scope.WRITE),
    "video:delete": Rule(_EDITORS, Scope.WRITE),
    "version:create": Rule(_EDITORS, Scope.WRITE),
    "comment:create": Rule(_ALL, Scope.WRITE),
    "job:view": Rule(_ALL, Scope.READ),
    "job:cancel": Rule(_EDITORS, Scope.WRITE),
    "audit:view": Rule(_ADMINS, Scope.READ),
}
"""Action → who may do it."""


def allows(role: Role, action: str) -> bool:
    """Whether a member with `role` may do `action` in their team. An unknown action is a KeyError: a fault of ours."""
    holders = PERMISSIONS[action].holders
    return isinstance(holders, Audience) or role in holders


def covers(scopes: Collection[Scope] | None, action: str) -> bool:
    """Whether who asks with an API key of these scopes may try `action`; None is somebody who has signed in."""
    rule = PERMISSIONS[action]
    if scopes is None or rule.holders is Audience.ANYONE:
        return True
    return rule.scope in scopes or (rule.scope is Scope.READ and Scope.WRITE in scopes)
