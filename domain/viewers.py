"""Who is asking."""

from dataclasses import dataclass
from uuid import UUID

from domain.permissions import Role

NOBODY = UUID(int=0)
"""Stands where a user's id is expected and nobody is signed in: no row is its own, and no statement changes shape."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person, or nobody: `user_id` and `session_id` are then NOBODY."""

    user_id: UUID = NOBODY
    session_id: UUID = NOBODY

    @property
    def signed_in(self) -> bool:
        """Whether somebody is there at all."""
        return self.user_id != NOBODY

    def is_person(self, user_id: UUID) -> bool:
        """Whether it is this very person."""
        return self.signed_in and self.user_id == user_id


@dataclass(frozen=True, slots=True)
class ScopeViewer:
    """Every member of a team with one role at once: for executions that several subscribers share.

    A predicate that needs to know the very person must refuse it.
    """

    team_id: UUID
    role: Role

    def is_person(self, user_id: UUID) -> bool:
        """Never: it is several."""
        del user_id
        return False


ANONYMOUS = Viewer()
AnyViewer = Viewer | ScopeViewer
