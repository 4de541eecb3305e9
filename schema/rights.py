"""What whoever asks may do with a thing: `viewerCan`, out of the table of permissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import models
from domain.permissions import PERMISSIONS, Role, Scope, allows, covers
from domain.viewers import ScopeViewer
from plan import Depends, Row, Standing, batch
from schema.context import Context
from schema.enums import Action

_PLACES = Standing(models.Member, ("team_id", "role"), models.Member.held_by)
_DESCRIPTION = (
    "What you may do with it by your role in its team (what you have made yourself may allow more), and by your API "
    "key's scopes if you ask with one. Whether its state allows it is another question."
)


@dataclass(frozen=True, slots=True)
class Rights:
    """Answers for rows whose column `team` names their team; `actions` are those that mean something for them.

    `author` is the column that names who has made the row, where that gives them rights.
    """

    actions: tuple[Action, ...]
    team: str
    author: str

    async def __call__(self, context: Context, rows: Sequence[Row], places: Sequence[Any]) -> list[list[Action]]:
        """For each row the actions that the viewer may do."""
        scopes = context.caller.scopes
        good_for = None if scopes is None else frozenset(scopes)
        roles = _roles(context.reader.viewer, places)
        held = {team_id: _held(self.actions, role, good_for, own=False) for team_id, role in roles.items()}
        if not self.author:
            return [held.get(row[self.team], []) for row in rows]
        own = {team_id: _held(self.actions, role, good_for, own=True) for team_id, role in roles.items()}
        mine = getattr(context.reader.viewer, "user_id", None)
        return [(own if row[self.author] == mine else held).get(row[self.team], []) for row in rows]


def rights(*nouns: str, team: str = "team_id", author: str = "") -> Any:
    """The field `viewerCan` of a type: which of the actions on these nouns the viewer may do in the row's team.

    `team` is the column that names the team, `author` the one that names whoever has made the row, if that matters.
    TypeError for a noun that no role holds an action on.
    """
    actions = tuple(action for action in Action if _noun(action) in nouns)
    if unknown := set(nouns) - set(map(_noun, actions)):
        raise TypeError(f"no role holds an action on {', '.join(sorted(unknown))}: see domain/permissions.py")
    columns = (team, author) if author else (team,)
    own = bool(author) and any(PERMISSIONS[action.value].own for action in actions)
    depends = Depends.PERSON if own else Depends.ROLE
    by = Rights(actions, team, author)
    return batch(*columns, by=by, standing=_PLACES, depends=depends, description=_DESCRIPTION)


def _noun(action: Action) -> str:
    return str(action.value).partition(":")[0]


def _roles(viewer: Any, places: Sequence[Any]) -> dict[UUID, Role]:
    if isinstance(viewer, ScopeViewer):
        return {viewer.team_id: viewer.role}
    return {team_id: Role(role) for team_id, role in places}


@cache
def _held(actions: tuple[Action, ...], role: Role, scopes: frozenset[Scope] | None, *, own: bool) -> list[Action]:
    return [action for action in actions if allows(role, action.value, own=own) and covers(scopes, action.value)]
