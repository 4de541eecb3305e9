"""Rules of teams."""

from datetime import timedelta

from domain.permissions import Role

DELETION_WAITS = timedelta(days=14)
"""How long a team can be brought back after somebody has asked for its deletion."""

_RANKS = (Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER)


def reaches(own: Role, other: Role) -> bool:
    """Whether somebody of the role `own` may give the role `other`, or change a member who has it: up to their own."""
    return _RANKS.index(own) >= _RANKS.index(other)
