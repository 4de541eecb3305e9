"""Who has a role in a team, for who asks at each event: looked up when it may have changed, which is seldom."""

from collections.abc import Hashable
from uuid import UUID

from domain.permissions import Role
from models.teams import Company, roster_mark, who_is

MOST = 10_000
"""Roles of teams that are remembered."""


class Companies:
    """What was found is true as long as the team's mark is the same: with that it was read in one snapshot."""

    def __init__(self) -> None:
        self._found: dict[tuple[UUID, Role], Company] = {}

    async def of(self, team_id: UUID, role: Role) -> Hashable:
        """Who has the role now, in a form that is another when it is others."""
        mark, found = await roster_mark(team_id), self._found.get((team_id, role))
        if found is None or mark is None or found.mark != mark:
            found = await who_is(team_id, role)
            self._remember(team_id, role, found)
        return found.many, found.who

    def _remember(self, team_id: UUID, role: Role, found: Company) -> None:
        if len(self._found) >= MOST:
            self._found.clear()
        self._found[team_id, role] = found
