"""The field specifiers: where a field's data lies, said once.

A specifier returns a Strawberry field (typed `Any`, so that the annotation beside it stays the field's type) which
carries its declaration. The plain path (`plan/plain.py`) and the compiler read declarations; nobody writes a resolver.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, Literal
from uuid import UUID

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from plan.depends import Depends

Function = Literal["sum", "min", "max"]
Where = Callable[..., Any]
"""Takes a filter input's given values by name and answers a Tortoise `Q`, in which ASKER may stand for the viewer."""


@dataclass(frozen=True, slots=True)
class GlobalId:
    """The row's own opaque id."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the type's table, or, with `through`, of the row that the field `through` leads to.

    `characters` is how many its text may have, where these are many.
    """

    name: str
    through: str | None
    characters: int = 0


@dataclass(frozen=True, slots=True)
class Computed:
    """`by(*columns)`, pure and quick. `characters` is how many its text may have, where these are many."""

    columns: tuple[str, ...]
    by: Callable[..., Any]
    characters: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What whoever asks is, whatever they ask for: `columns` of those rows of `table` that `of(viewer)` chooses.

    Few rows, such as somebody's memberships. A statement reads them once, beside all that it is made for.
    """

    table: Any
    columns: tuple[str, ...]
    of: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """`await by(context, rows)`: one value for each row of a level, all rows of the level at once.

    With a `standing` it is `by(context, rows, standing's rows)`. `reads` says that it reads the database by itself:
    one statement more for each level, whatever that has. For `characters` see `Computed`.
    """

    columns: tuple[str, ...]
    by: Callable[..., Awaitable[Sequence[Any]]]
    standing: Standing | None
    reads: bool = False
    depends: Depends = Depends.PERSON
    characters: int = 0


@dataclass(frozen=True, slots=True)
class ToOne:
    """The row whose id is in the column `key`."""

    key: str


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first, in `order`, of the rows whose column `key` holds this row's id."""

    key: str
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToMany:
    """The rows whose column `key` holds this row's id, as a connection in `order`, narrowed by `where`.

    `orders` has the other orders that a client may ask for, by the members of an enum.
    """

    key: str
    order: tuple[str, ...]
    where: Where | None
    orders: Mapping[Enum, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ListOf:
    """The first `most`, in `order`, of the rows whose column `key` holds this row's id, as a plain list."""

    key: str
    order: tuple[str, ...]
    most: int


@dataclass(frozen=True, slots=True)
class CountOf:
    """How many rows the to-many field `field` has, narrowed by `given`, as its filter would."""

    field: str
    given: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class AggregateOf:
    """`function` over the values that `column` has in the rows of the to-many field `field`."""

    field: str
    function: Function
    column: str


@dataclass(frozen=True, slots=True)
class ById:
    """A root field: the row with the given global id."""


@dataclass(frozen=True, slots=True)
class AnyById:
    """A root field: the row of any declared type with the given global id."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The row whose id is `by(source, context)`, for a source that is no row: a root, a payload, an event."""

    by: Callable[[Any, Any], UUID | None]
    depends: Depends = Depends.PERSON


Declaration = (
    GlobalId
    | Column
    | Computed
    | Batch
    | ToOne
    | FirstOf
    | ToMany
    | ListOf
    | CountOf
    | AggregateOf
    | ById
    | AnyById
    | Reference
)
_IN_ROW = (GlobalId, Column, Computed)
_NO_ORDERS: Mapping[Any, str] = MappingProxyType({})


class PlanField(StrawberryField):
    """A Strawberry field that knows where its data lies."""

    answering: ClassVar[Callable[[PlanField], Callable[..., Any]]]
    """Makes what answers a declared field: `plan/plain.py` puts itself here."""

    declaration: Declaration
    action: str | None = None

    @classmethod
    def declaring(cls, declaration: Declaration, description: str, **more: Any) -> Any:
        """The field for `declaration`; `more` goes to Strawberry's field."""
        field = cls(description=description, **more)
        field.declaration = declaration
        field.init = False
        return field

    def __copy__(self) -> PlanField:
        copied: PlanField = super().__copy__()
        copied.declaration, copied.action = self.declaration, self.action
        return copied

    @property
    def is_basic_field(self) -> bool:
        """Whether the row at hand answers the field: then Strawberry spares us an `Info`."""
        return isinstance(self.declaration, _IN_ROW) and getattr(self.declaration, "through", None) is None

    @cached_property
    def python_names(self) -> Mapping[str, str]:
        """What its arguments are called in Python, by their names in GraphQL in small letters."""
        names = [argument.python_name for argument in self.arguments]
        return {name.replace("_", "").lower(): name for name in names}

    @cached_property
    def get_result(self) -> Callable[..., Any]:
        """What the plain path answers with: called with `source`, `info`, `args` and `kwargs`."""
        return type(self).answering(self)


def global_id(*, description: str, init: Literal[False] = False) -> Any:
    """The row's id as clients see it."""
    del init
    return PlanField.declaring(GlobalId(), description)


def column(
    name: str = "",
    *,
    description: str,
    through: str | None = None,
    characters: int = 0,
    init: Literal[False] = False,
) -> Any:
    """A column: of the field's own name unless `name` is given; `through` names a to-one or first-of field.

    `characters` says how long its text may be, for what it costs.
    """
    del init
    return PlanField.declaring(Column(name, through, characters), description)


def computed(
    *columns: str, by: Callable[..., Any], description: str, characters: int = 0, init: Literal[False] = False
) -> Any:
    """A value computed from columns of the row by the pure function `by`; for `characters` see `column`."""
    del init
    return PlanField.declaring(Computed(columns, by, characters), description)


def batch(
    *columns: str,
    by: Callable[..., Awaitable[Sequence[Any]]],
    description: str,
    standing: Standing | None = None,
    reads: bool = False,
    depends: Depends = Depends.PERSON,
    characters: int = 0,
    init: Literal[False] = False,
) -> Any:
    """A value that needs more than the row: `by` is awaited once for all rows of a level (see `Batch`).

    `depends` says on whom it depends, the values below it aside; the language and an API key's scopes do not count.
    """
    del init
    return PlanField.declaring(Batch(columns, by, standing, reads, depends, characters), description)


def to_one(key: str, *, description: str, init: Literal[False] = False) -> Any:
    """The row that the column `key` points to; null where the viewer may not see it."""
    del init
    return PlanField.declaring(ToOne(key), description)


def first_of(key: str, *, order: str | Sequence[str], description: str, init: Literal[False] = False) -> Any:
    """The first of the rows that point here by `key`; `-column` orders downwards."""
    del init
    return PlanField.declaring(FirstOf(key, _order(order)), description)


def to_many(
    key: str,
    *,
    order: str | Sequence[str],
    description: str,
    filters: Any = None,
    where: Where | None = None,
    orders: Mapping[Any, str | Sequence[str]] = _NO_ORDERS,
    init: Literal[False] = False,
) -> Any:
    """The rows that point here by `key`, as a connection.

    `filters` is an input type, its values go to `where`. `orders` gives columns for each member of an enum, which
    clients choose from by `orderBy`; `order` is the one for those who do not.
    """
    del init
    chosen = {member: _order(columns) for member, columns in orders.items()}
    field = PlanField.declaring(ToMany(key, _order(order), where, chosen), description)
    field.arguments = [*_paging_arguments(), *_filter_arguments(filters), *_order_arguments(chosen)]
    return field


def list_of(key: str, *, order: str | Sequence[str], most: int, description: str, init: Literal[False] = False) -> Any:
    """The first `most` rows that point here by `key`, as a plain list: for what is few by its nature."""
    del init
    return PlanField.declaring(ListOf(key, _order(order), most), description)


def count_of(field: str, *, description: str, init: Literal[False] = False, **given: Hashable) -> Any:
    """How many rows the to-many field `field` has for this viewer; `given` are values of its filter, if any."""
    del init
    return PlanField.declaring(CountOf(field, tuple(given.items())), description)


def aggregate_of(field: str, function: Function, column: str, *, description: str, init: Literal[False] = False) -> Any:
    """The sum (0 over no rows), smallest or largest (null over none) of a column over a to-many field's rows."""
    del init
    return PlanField.declaring(AggregateOf(field, function, column), description)


def reference(
    by: Callable[[Any, Any], UUID | None],
    *,
    description: str,
    action: str | None = None,
    depends: Depends = Depends.PERSON,
    init: Literal[False] = False,
) -> Any:
    """On a type that has no table: the row whose id `by(source, context)` answers, or null where that is None.

    On a root type the source is None, and `action` names the permission that seeing it takes. `depends` says on whom it
    depends which row that is.
    """
    del init
    field = PlanField.declaring(Reference(by, depends), description)
    field.action = action
    return field


def by_id(action: str, *, description: str, init: Literal[False] = False) -> Any:
    """A root field: one row by its global id, or null. `action` names the permission that seeing it takes."""
    del init
    field = PlanField.declaring(ById(), description)
    field.action = action
    field.arguments = [id_argument()]
    return field


def any_by_id(action: str, *, description: str, init: Literal[False] = False) -> Any:
    """A root field of an interface's type: a row of whatever declared type by its global id, or null."""
    del init
    field = PlanField.declaring(AnyById(), description)
    field.action = action
    field.arguments = [id_argument()]
    return field


def _order(order: str | Sequence[str]) -> tuple[str, ...]:
    """The columns, ended by the id so that no two rows are equal; all must point the same way."""
    columns = (order,) if isinstance(order, str) else tuple(order)
    down = columns[0].startswith("-")
    if any(name.startswith("-") != down for name in columns):
        raise TypeError(f"the columns of {columns} point different ways: a keyset needs one way")
    tie_break = "-id" if down else "id"
    return columns if tie_break in columns else (*columns, tie_break)


def _paging_arguments() -> list[StrawberryArgument]:
    return [
        _argument("first", int, "At most this many from the start, 1–100. 20 when neither first nor last is given."),
        _argument("after", str, "Only what comes after this cursor."),
        _argument("last", int, "At most this many from the end, 1–100."),
        _argument("before", str, "Only what comes before this cursor."),
    ]


def _filter_arguments(filters: Any) -> list[StrawberryArgument]:
    return [_argument("filter", filters, "Only what matches all of this.")] if filters else []


def _order_arguments(orders: Mapping[Enum, Any]) -> list[StrawberryArgument]:
    kinds = {type(member) for member in orders}
    return [_argument("order_by", kind, "In which order; there is a usual one.") for kind in kinds]


def id_argument() -> StrawberryArgument:
    """`id: ID!`."""
    return StrawberryArgument("id", None, StrawberryAnnotation(strawberry.ID), description="The global id.")


def _argument(name: str, kind: Any, description: str) -> StrawberryArgument:
    return StrawberryArgument(name, None, StrawberryAnnotation(kind | None), default=None, description=description)
