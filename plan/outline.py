"""What an answer will look like, and where each of its values lies: what the compiler makes of a selection.

Values are Python expressions. In them `s` is the object at hand where that is no row (a payload, an event), `r` the
tuple of the row at hand, `p` the page at hand; `R` holds the roots' rows, `B` the bound arguments, `V` the values of
the batch fields.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from graphql import FieldNode, GraphQLOutputType

from plan.arguments import Bound
from plan.texts import ObjectText, Text

Variable = Literal["s", "r", "p"]


@dataclass(eq=False, slots=True)
class Field:
    """A field of an object. `raw` is the value that is completed as the field's type says.

    `quick`, where there is one, is the completed value itself; it may raise anything where that would be an error.
    `present` is whether there is an object at all, where it lies in the same variable as its parent. `rows`, of a
    connection, are the rows that it shows, for who needs no page. `text` is the value as the database can write it.
    """

    key: str
    parent: str
    name: str
    nodes: list[FieldNode]
    type: GraphQLOutputType
    raw: str
    quick: str | None = None
    inner: Object | Choice | None = None
    present: str | None = None
    rows: str | None = None
    text: Text | None = None


@dataclass(eq=False, slots=True)
class Object:
    """An object of a known type; its fields' values lie in the variable `at`. `quick` is all of it at once."""

    type_name: str
    at: Variable
    fields: list[Field] = field(default_factory=list)
    quick: str | None = None

    @property
    def text(self) -> ObjectText | None:
        """The object as the database can write it, if it can write each of its fields."""
        texts = {field.key: field.text for field in self.fields if field.text is not None}
        return ObjectText(texts) if len(texts) == len(self.fields) else None


@dataclass(eq=False, slots=True)
class Choice:
    """An object of one of several types; the expression `name` says which."""

    name: str
    objects: dict[str, Object]


class Page(NamedTuple):
    """A connection's rows as they are shown, and what lies around them."""

    rows: Sequence[Any]
    more_before: bool
    more_after: bool


def first(rows: Any, bound: Bound) -> Any:
    """The row of a root; what has gone wrong if something has."""
    if bound.failed is not None:
        return bound.failed
    if isinstance(rows, Exception):
        return rows
    return rows[0] if rows else None


def page(rows: Any, bound: Bound) -> Page | Exception:
    """The page out of the rows that were read for it: one more, if there is one, and backwards from the end."""
    if bound.failed is not None:
        return bound.failed
    paging, rows = bound.paging, rows or ()
    assert paging is not None, "a connection has a page"
    more = len(rows) > paging.size
    if more:
        rows = rows[: paging.size]
    if paging.backwards:
        return Page(rows[::-1], more, paging.before is not None)
    return Page(rows, paging.after is not None, more)


def shown(rows: Any, bound: Bound) -> Any:
    """The rows of a page, where nothing is wrong."""
    if len(rows) > bound.size:
        rows = rows[: bound.size]
    return rows[::-1] if bound.backwards else rows


def value(found: Any, bound: Bound) -> Any:
    """What was read for a field whose arguments may be wrong."""
    return found if bound.failed is None else bound.failed


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which answers the exception that it would raise: completion then raises it in its place."""

    def guard(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the field's
            return error

    return guard
