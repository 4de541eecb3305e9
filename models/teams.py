"""Teams, which own everything, and who is in them."""

from dataclasses import replace
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index

from domain.errors import Forbidden, NotFound, Unauthenticated
from domain.permissions import Role, allows
from domain.viewers import AnyViewer, ScopeViewer, Viewer
from models.accounts import User
from models.base import Row, choice, in_teams_of, look_up
from models.database import in_a_transaction, raw_connection
from models.finding import Found, Sought

_ROLE = "SELECT role FROM members WHERE user_id = $1 AND team_id = $2"
_ROLE_THERE = "SELECT role FROM members WHERE user_id = {user_id} AND team_id = (SELECT team_id FROM found)"


class Team(Row):
    """A tenant. Seen by its members."""

    name = fields.CharField(100)

    class Meta:
        table = "teams"

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return in_teams_of(viewer, "id")


class Member(Row):
    """A person's place in a team. Seen by the team's members."""

    team: fields.ForeignKeyRelation[Team] = fields.ForeignKeyField("models.Team", related_name=False, db_index=False)
    team_id: UUID
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User", related_name=False, db_index=False)
    user_id: UUID
    role = choice(Role)

    class Meta:
        table = "members"
        unique_together = (("user_id", "team_id"),)
        indexes = [Index(fields=["team_id"], name="idx_members_team")]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return in_teams_of(viewer)

    @classmethod
    def held_by(cls, viewer: AnyViewer) -> Q:
        """A person's own places. A whole role has none: what it is, it says itself."""
        return Q(id__isnull=True) if isinstance(viewer, ScopeViewer) else Q(user_id=viewer.user_id)


async def require(viewer: Viewer, action: str, team_id: UUID) -> None:
    """Lets `viewer` go on only if their role in the team holds `action`.

    Raises Unauthenticated when nobody is signed in, NotFound for who is no member (the team might as well not exist)
    and Forbidden for a member whose role does not hold it. Inside a transaction the membership is held until it ends,
    so that a change of role takes effect before or after the change that was asked for, never in between.
    """
    if not viewer.signed_in:
        raise Unauthenticated
    async with raw_connection() as connection:
        role = await connection.fetchval(_ROLE + _held(), viewer.user_id, team_id)
    _require_that_holds(role, action)


async def permitted(viewer: Viewer, action: str, sought: Sought, row_id: UUID) -> Found:
    """`look_up` and `require` for the row's team, in one trip."""
    found = await look_up(replace(sought, also=_ROLE_THERE + _held()), row_id, viewer)
    if found.row.team_id is not None:  # otherwise it is the viewer's own: nobody else sees it
        _require_that_holds(found.also, action)
    return found


def _held() -> str:
    # FOR SHARE, which Tortoise cannot say: one person's writes must not wait for each other on their own membership.
    return " FOR SHARE" if in_a_transaction() else ""


def _require_that_holds(role: str | None, action: str) -> None:
    if role is None:
        raise NotFound
    if not allows(Role(role), action):
        raise Forbidden
