"""What every table shares."""

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q, Subquery
from tortoise.fields import Field
from tortoise.models import Model

from domain.clock import utc_now
from domain.comments import CommentVisibility
from domain.errors import NotFound, Unauthenticated
from domain.ids import new_id
from domain.permissions import INSIDERS, Role
from domain.viewers import AnyViewer, ScopeViewer, Viewer
from models import making
from models.finding import Found, Hold, Sought, find

M = TypeVar("M", bound="Row")
C = TypeVar("C", bound=StrEnum)


def choice(of: type[C], *, default: C | None = None, there: bool = False, null: bool = False) -> Field[C]:
    """A column that holds one of an enum's values, or (`null`) none. A new member needs no migration.

    With `there` the database knows the default, too: the column was added to rows that are there.
    """
    given: dict[str, Any] = {} if default is None else {"default": default}
    if there:
        given["db_default"] = default and default.value
    if null:
        given["null"] = True
    return fields.CharEnumField(of, description="", max_length=30, **given)


def owned_by(model: str) -> Any:
    """A reference to a row that must outlive this one: nothing that teams make goes by cascade."""
    return fields.ForeignKeyField(model, related_name=False, db_index=False, on_delete=fields.RESTRICT)


class Row(Model):
    """A table's row: an id that sorts by time, and the moment it was made."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    created_at = fields.DatetimeField(default=utc_now)

    class Meta:
        abstract = True

    def __init__(self, **given: Any) -> None:
        state = making.new(type(self), given)
        if state is None:
            super().__init__(**given)
        else:
            self.__dict__.update(state)

    @classmethod
    def of_values(cls, values: Iterable[Any]) -> Self:
        """A row that was read: all its columns, in the table's order."""
        row = cls.__new__(cls)
        row.__dict__.update(making.read(cls, values))
        return row

    @classmethod
    def _init_from_db(cls, **values: Any) -> Self:
        state = making.read_columns(cls, values)
        if state is None:
            return super()._init_from_db(**values)
        row = cls.__new__(cls)
        row.__dict__.update(state)
        return row

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        """Which rows `viewer` may know of: one condition without joins, used by every read and every lock."""
        raise NotImplementedError(f"{cls.__name__} does not say who may see it")

    @classmethod
    async def lock(cls: type[M], row_id: UUID, viewer: AnyViewer) -> M:
        """The row, held until the transaction ends; refuses as `find` does."""
        return cast("M", (await look_up(Sought(cls, Hold.ALONE), row_id, viewer)).row)

    @classmethod
    async def pin(cls: type[M], row_id: UUID, viewer: AnyViewer) -> M:
        """The row, which nobody locks until the transaction ends; refuses as `find` does."""
        return cast("M", (await look_up(Sought(cls, Hold.THERE), row_id, viewer)).row)

    @classmethod
    async def find(cls: type[M], row_id: UUID, viewer: AnyViewer) -> M:
        """The row; Unauthenticated for nobody, NotFound for whoever may not know of it."""
        return cast("M", (await look_up(Sought(cls), row_id, viewer)).row)


class TeamRow(Row):
    """A row of a thing that a team owns and a person made: seen by the team's members."""

    team: fields.ForeignKeyRelation[Any] = owned_by("models.Team")
    team_id: UUID
    created_by: fields.ForeignKeyRelation[Any] = owned_by("models.User")
    created_by_id: UUID

    class Meta:
        abstract = True

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return in_teams_of(viewer)


async def look_up(sought: Sought, row_id: UUID, viewer: AnyViewer) -> Found:
    """What is sought; Unauthenticated for nobody, NotFound for whoever may not know of it."""
    if isinstance(viewer, Viewer) and not viewer.signed_in:
        raise Unauthenticated
    found = await find(sought, row_id, viewer)
    if found is None:
        raise NotFound
    return found


def in_teams_of(viewer: AnyViewer, key: str = "team_id", *, roles: Collection[Role] = tuple(Role)) -> Q:
    """The rows whose `key` is a team that `viewer` is a member of, in one of `roles`."""
    from models.teams import Member  # here, since Member is itself a Row

    if isinstance(viewer, ScopeViewer):
        return _q({key: viewer.team_id} if viewer.role in roles else {"id__isnull": True})
    places = Member.filter(user_id=viewer.user_id)
    if set(roles) != set(Role):
        places = places.filter(role__in=sorted(roles))
    return _q({f"{key}__in": Subquery(places.values("team_id"))})


def shown_in_teams_of(viewer: AnyViewer) -> Q:
    """The rows of `viewer`'s teams: of those whose `visibility` is the team alone, where their role sees these."""
    seen = in_teams_of(viewer)
    if isinstance(viewer, ScopeViewer):
        return seen if viewer.role in INSIDERS else seen & _q({"visibility": CommentVisibility.OPEN})
    inside = in_teams_of(viewer, roles=INSIDERS)
    return seen & Q(_q({"visibility": CommentVisibility.OPEN}), inside, join_type=Q.OR)


def _q(condition: dict[str, Any]) -> Q:
    return Q(**condition)
