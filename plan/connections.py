"""Relay connections with keyset cursors."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson
import strawberry

from plan.depends import Depends, depends_on
from plan.errors import BadInput
from plan.statements import Window
from plan.tables import python_value

if TYPE_CHECKING:
    from plan.nodes import NodeDefinition
    from plan.rows import Row

T = TypeVar("T")
PAGE = 20
LARGEST_PAGE = 100


@strawberry.type(description="Where a page lies in its connection.")
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = strawberry.field(description="Whether more comes after this page.")
    has_previous_page: bool = strawberry.field(description="Whether more comes before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first edge; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last edge; null on an empty page.")


@strawberry.type(description="A row in its place in a connection.")
class Edge(Generic[T]):
    """Relay's Edge."""

    node: T = strawberry.field(description="The row itself.")
    cursor: str = strawberry.field(description="Its place, for `after` and `before`.")


def _page_info(root: Page) -> Any:
    return root


def _total_count(root: Page) -> Any:
    return root.count()


@strawberry.type(description="A page of rows in a fixed order, with cursors to go on from.")
class Connection(Generic[T]):
    """Relay's Connection, with `nodes` for clients that need no cursor per row. What it is read from is a `Page`."""

    edges: list[Edge[T]] = strawberry.field(description="The rows with their cursors.")
    nodes: list[T] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = strawberry.field(
        resolver=_page_info, description="Where this page lies.", metadata=depends_on(Depends.NOTHING)
    )
    total_count: int = strawberry.field(
        resolver=_total_count,
        description="How many rows there are in all. Counted only if asked for.",
        metadata=depends_on(Depends.NOTHING),
    )


@dataclass(slots=True)
class Place:
    """A row of a page: what an Edge is read from."""

    node: Row
    order: tuple[str, ...]

    @property
    def cursor(self) -> str:
        """For `after` and `before`."""
        return encode_cursor(self.node, self.order)


@dataclass(slots=True)
class Page:
    """Rows in order, and what lies around them: what a Connection and its PageInfo are read from.

    `count` answers how many rows there are in all, or an awaitable of it.
    """

    nodes: list[Row]
    order: tuple[str, ...]
    has_previous_page: bool
    has_next_page: bool
    count: Callable[[], Any]

    @property
    def edges(self) -> list[Place]:
        """The rows with their places."""
        return [Place(row, self.order) for row in self.nodes]

    @property
    def start_cursor(self) -> str | None:
        """Where the page begins."""
        return encode_cursor(self.nodes[0], self.order) if self.nodes else None

    @property
    def end_cursor(self) -> str | None:
        """Where the page ends."""
        return encode_cursor(self.nodes[-1], self.order) if self.nodes else None


@dataclass(frozen=True, slots=True)
class Paging:
    """The paging arguments of a connection, checked."""

    size: int
    backwards: bool
    after: str | None
    before: str | None

    @classmethod
    def checked(cls, first: int | None, after: str | None, last: int | None, before: str | None) -> Paging:
        """From the arguments as a client gave them; BadInput when they make no sense."""
        if first is not None and last is not None:
            raise BadInput("Give first or last, not both.")
        size = first if first is not None else last if last is not None else PAGE
        if not 1 <= size <= LARGEST_PAGE:
            raise BadInput(f"A page has 1 to {LARGEST_PAGE} rows; {size} were asked for.")
        return cls(size, last is not None, after, before)

    def window(self, node: NodeDefinition, order: tuple[str, ...]) -> Window:
        """The rows to fetch: one more than the page, to learn whether there is more; backwards runs from the end."""
        after, before = (decode_cursor(node, order, cursor) for cursor in (self.after, self.before))
        if self.backwards:
            return Window(reversed_order(order), self.size + 1, beyond=before, until=after)
        return Window(order, self.size + 1, beyond=after, until=before)

    def shown(self, rows: list[Row]) -> list[Row]:
        """The rows of the page, in the order of the window, out of what that fetched."""
        return rows[: self.size]

    def page(self, rows: list[Row], order: tuple[str, ...], count: Callable[[], Any]) -> Page:
        """The page out of what the window fetched."""
        more, shown = len(rows) > self.size, self.shown(rows)
        if self.backwards:
            return Page(shown[::-1], order, more, self.before is not None, count)
        return Page(shown, order, self.after is not None, more, count)


def encode_cursor(row: Row, order: tuple[str, ...]) -> str:
    """A row's place, as URL-safe base64: the type's name and the values of the columns that it is ordered by."""
    return _encoded(row.node.name, order, tuple(row[name.removeprefix("-")] for name in order))


def encode_place(name: str, order: tuple[str, ...], row: Sequence[Any], places: Mapping[str, int]) -> str:
    """The same for a row of the type `name` that is a tuple, with its columns at `places`."""
    return _encoded(name, order, tuple(row[places[column.removeprefix("-")]] for column in order))


def decode_cursor(node: NodeDefinition, order: tuple[str, ...], cursor: str | None) -> tuple[Any, ...] | None:
    """The inverse of `encode_cursor`; BadInput for anything that it did not make in this order, None for None."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        _, place = orjson.loads(raw)
        values = tuple(python_value(node.table, name.removeprefix("-"), value) for name, value in place.items())
        if None in values or _encoded(node.name, order, values) != cursor:
            raise ValueError("not as we write it")
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError) as error:
        raise BadInput(f"{cursor!r:.80} is not a cursor of this connection.") from error
    return values


def _encoded(name: str, order: tuple[str, ...], values: tuple[Any, ...]) -> str:
    # The order is written down too: a place in another order would be understood wrongly, not refused.
    place = orjson.dumps([name, dict(zip(order, values, strict=True))], default=str)  # asyncpg's UUID is its own
    return base64.urlsafe_b64encode(place).rstrip(b"=").decode()


def reversed_order(order: tuple[str, ...]) -> tuple[str, ...]:
    """The same columns the other way round."""
    return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in order)
