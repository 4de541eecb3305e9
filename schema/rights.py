"""What whoever asks may do with a thing: `viewerCan`, out of the table of permissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import models
from domain.permissions import Role, Scope, allows, covers
from domain.viewers import ScopeViewer
from plan import Row, Standing, batch
from schema.context import Context
from schema.enums import Action

_PLACES = Standing(models.Member, ("team_id", "role"), models.Member.held_by)
_DESCRIPTION = (
    "What you may do with it by your role in its team, and by your API key's scopes if you ask with one. Whether its "
    "state allows it is another question."
)


@dataclass(frozen=True, slots=True)
class Rights:
    """Answers for rows whose column `team` names their team; `actions` are those that mean something for them."""

    actions: tuple[Action, ...]
    team: str

    async def __call__(self, context: Context, rows: Sequence[Row], places: Sequence[Any]) -> list[list[Action]]:
        """For each row the actions that the viewer may do."""
        scopes = context.caller.scopes
        good_for = None if scopes is None else frozenset(scopes)
        roles = _roles(context.reader.viewer, places)
        held = {team_id: _held(self.actions, role, good_for) for team_id, role in roles.items()}
        return [held.get(row[self.team], []) for row in rows]


def rights(*nouns: str, team: str = "team_id") -> Any:
    """The field `viewerCan` of a type: which of the actions on these nouns the viewer may do in the row's team.

    `team` is the column that names the team. TypeError for a noun that no role holds an action on.
    """
    actions = tuple(action for action in Action if _noun(action) in nouns)
    if unknown := set(nouns) - set(map(_noun, actions)):
        raise TypeError(f"no role holds an action on {', '.join(sorted(unknown))}: see domain/permissions.py")
    return batch(team, by=Rights(actions, team), standing=_PLACES, description=_DESCRIPTION)


def _noun(action: Action) -> str:
    return str(action.value).partition(":")[0]


def _roles(viewer: Any, places: Sequence[Any]) -> dict[UUID, Role]:
    if isinstance(viewer, ScopeViewer):
        return {viewer.team_id: viewer.role}
    return {team_id: Role(role) for team_id, role in places}


@cache
def _held(actions: tuple[Action, ...], role: Role, scopes: frozenset[Scope] | None) -> list[Action]:
    return [action for action in actions if allows(role, action.value) and covers(scopes, action.value)]
