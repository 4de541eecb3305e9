"""Who may do what: one table, asked by every use-case and walked by the tests."""

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


_ALL = frozenset(Role)
_EDITORS = frozenset({Role.OWNER, Role.ADMIN, Role.EDITOR})

PERMISSIONS: dict[str, frozenset[Role] | Audience] = {
    "account:sign_up": Audience.ANYONE,
    "account:sign_in": Audience.ANYONE,
    "account:sign_out": Audience.SIGNED_IN,
    "account:view": Audience.ANYONE,
    "team:view": _ALL,
    "video:view": _ALL,
    "video:create": _EDITORS,
    "video:edit": _EDITORS,
    "video:delete": _EDITORS,
    "version:create": _EDITORS,
    "comment:create": _ALL,
    "job:view": _ALL,
    "job:cancel": _EDITORS,
}
"""Action → who may do it: an audience, or the roles that hold it in the team that owns the thing."""


def allows(role: Role, action: str) -> bool:
    """Whether a member with `role` may do `action` in their team. An unknown action is a KeyError: a fault of ours."""
    holders = PERMISSIONS[action]
    return isinstance(holders, Audience) or role in holders
