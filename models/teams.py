"""Teams, which own everything, and who is in them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, Self
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index

from domain.errors import Conflict, Forbidden, NotFound, Unauthenticated
from domain.permissions import Role, allows, takes_a_lasting_team
from domain.teams import DELETION_WAITS, reaches
from domain.viewers import AnyViewer, ScopeViewer, Viewer
from models.accounts import Session, User
from models.base import Row, choice, in_teams_of, look_up
from models.database import in_a_transaction, raw_connection, row_of
from models.finding import Found, Sought
from models.indexes import PartialIndex

# The team is held before the membership, here and everywhere: whoever changes who is in it holds the team alone, and
# then the memberships. FOR SHARE, since those who write in a team must not wait for each other.
_MEMBERSHIP = """
WITH team AS (SELECT id, deletion_at FROM teams WHERE id = <team>{hold})
SELECT ARRAY[members.role, team.deletion_at::text] FROM team JOIN members ON members.team_id = team.id
WHERE members.user_id = <user>{hold_members}
"""
_SEEN, _HELD = (
    _MEMBERSHIP.format(hold=hold, hold_members=hold and f"{hold} OF members") for hold in ("", " FOR SHARE")
)


_PLACES = """
SELECT user_id, role, locale FROM members JOIN users ON users.id = user_id WHERE team_id = $1 AND user_id = ANY($2)
"""


_MARK = "SELECT mark FROM rosters WHERE team_id = $1"
_WHO = f"""
SELECT ({_MARK}), count(*), bit_xor(uuid_hash_extended(user_id, 0)) FROM members WHERE team_id = $1 AND role = $2
"""  # noqa: S608 - all ours


class Place(NamedTuple):
    """What somebody is in a team, and the language that they have chosen."""

    role: Role
    locale: str


class Team(Row):
    """A tenant. Seen by its members."""

    name = fields.CharField(100)
    deletion_at = fields.DatetimeField(null=True)
    """When the team goes, once somebody has asked for that."""

    class Meta:
        table = "teams"
        indexes = [
            PartialIndex(fields=["deletion_at"], name="idx_teams_deletion_at", where="deletion_at IS NOT NULL"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return in_teams_of(viewer, "id")

    @classmethod
    async def found(cls, name: str, user_id: UUID, now: datetime) -> Self:
        """A new team, owned by a person."""
        team = await cls.create(name=name, created_at=now)
        await Member.create(team_id=team.id, user_id=user_id, role=Role.OWNER, created_at=now)
        return team

    async def require_owner_beside(self, user_id: UUID) -> None:
        """Conflict where nobody but this person owns the team, which must be locked: else two could go at once."""
        if not await Member.filter(team_id=self.id, role=Role.OWNER).exclude(user_id=user_id).exists():
            raise Conflict("problem.last_owner")

    def require_lasting(self) -> None:
        """Conflict while the team waits for its deletion."""
        _require_lasting(self.deletion_at)

    def ask_for_deletion(self, now: datetime) -> None:
        """The team goes in 14 days, unless it is brought back; Conflict if it goes already."""
        self.require_lasting()
        self.deletion_at = now + DELETION_WAITS

    def bring_back(self, now: datetime) -> None:
        """Calls the deletion off; Conflict if there is none, or if its time has come."""
        if self.deletion_at is None:
            raise Conflict("problem.team_lasts")
        if self.deletion_at <= now:
            raise Conflict("problem.team_gone")
        self.deletion_at = None


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

    def require_within(self, role: Role) -> None:
        """Forbidden where the member stands above somebody of the role `role`."""
        if not reaches(role, self.role):
            raise Forbidden("problem.member_above")

    async def end(self) -> None:
        """The person is in the team no more: no device of theirs works in it, and nothing of it is new for them."""
        from models.notifications import Notification

        await self.delete()
        await Notification.filter(user_id=self.user_id, team_id=self.team_id).delete()
        await Session.filter(user_id=self.user_id, team_id=self.team_id).update(team_id=None)


async def require(viewer: Viewer, action: str, team_id: UUID) -> Role:
    """Lets `viewer` go on only if their role in the team, which is answered, holds `action`.

    Raises Unauthenticated when nobody is signed in, NotFound for who is no member (the team might as well not exist),
    Forbidden for a member whose role does not hold it, and Conflict where the team waits for its deletion and the
    action is more than looking. Inside a transaction the team and the membership are held until it ends, so that a
    change of role, or the deletion, takes effect before or after the change that was asked for, never in between.
    """
    if not viewer.signed_in:
        raise Unauthenticated
    found = await row_of(_membership("$2", "$1", held=in_a_transaction()), (viewer.user_id, team_id))
    return _role_that_holds(found and found[0], action)


async def permitted(viewer: Viewer, action: str, sought: Sought, row_id: UUID) -> Found:
    """`look_up` and `require` for the row's team, in one trip; `also` is the viewer's role, None for their own row."""
    found = await look_up(_with_role(sought, held=in_a_transaction()), row_id, viewer)
    if found.row.team_id is None:  # it is about the viewer alone: nobody else sees it
        return found
    own = getattr(found.row, "created_by_id", None) == viewer.user_id
    return Found(found.row, _role_that_holds(found.also, action, own=own), found.within)


@cache
def _with_role(sought: Sought, *, held: bool) -> Sought:
    return replace(sought, also=_membership("(SELECT team_id FROM found)", "{user_id}", held=held))


def _membership(team: str, user: str, *, held: bool) -> str:
    """The role and the team's end of the SQL expressions `team` and `user`; `held`, until the transaction ends."""
    return (_HELD if held else _SEEN).replace("<team>", team).replace("<user>", user)


def _role_that_holds(membership: Sequence[Any] | None, action: str, *, own: bool = False) -> Role:
    if membership is None:
        raise NotFound
    role, deletion_at = Role(membership[0]), membership[1]
    if not allows(role, action, own=own):
        raise Forbidden
    if takes_a_lasting_team(action):
        _require_lasting(deletion_at)
    return role


async def places_of(team_id: UUID, user_ids: Collection[UUID]) -> dict[UUID, Place]:
    """The places in a team of those of these people who have one."""
    async with raw_connection() as connection:
        rows = await connection.fetch(_PLACES, team_id, list(user_ids))
    return {user_id: Place(Role(role), locale) for user_id, role, locale in rows}


async def may(user_id: UUID, action: str, team_id: UUID) -> bool:
    """Whether somebody's role in a team is enough for an action there; nothing is held."""
    place = (await places_of(team_id, [user_id])).get(user_id)
    return place is not None and allows(place.role, action)


class Company(NamedTuple):
    """Who has a role in a team: how many, and a number that is another one when it is others."""

    mark: UUID | None
    """The team's, see `roster_mark`, as of the same moment."""
    many: int
    who: int | None


async def who_is(team_id: UUID, role: Role) -> Company:
    """Who has the role in the team. It looks at all of them: of thousands that takes milliseconds."""
    async with raw_connection() as connection:
        return Company(*await connection.fetchrow(_WHO, team_id, role.value))


async def roster_mark(team_id: UUID) -> UUID | None:
    """What is another one as soon as anybody has come to the team, gone or got another role, by whatever hand.

    The database's own triggers see to it (migration 0023), in the commit of the change. None where nobody is.
    """
    async with raw_connection() as connection:
        mark: UUID | None = await connection.fetchval(_MARK, team_id)
    return mark


async def owners(team_id: UUID) -> Collection[User]:
    """The people who own a team."""
    owning = await Member.filter(team_id=team_id, role=Role.OWNER).prefetch_related("user")
    return [member.user for member in owning]


def _require_lasting(deletion_at: datetime | str | None) -> None:
    if deletion_at is not None:
        raise Conflict("problem.team_leaving")
