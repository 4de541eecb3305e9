"""Who asks, where that is not known yet: looked up by the very statement that reads for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any


@dataclass(slots=True)
class Identity:
    """A SELECT of at most one row, with a column for each id of a viewer, and `{0}`, `{1}` … where `values` go.

    `nobody` is a viewer of the kind that it will be, which is known by its ids alone, and stays the viewer where there
    is no row. Until it is known who asks, they are nobody; in SQL their ids are null, which equals nothing. `besides`
    are more columns, of which the context is told, too.
    """

    select: str
    values: tuple[Any, ...]
    nobody: Any
    besides: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All that is read of whoever it is."""
        return self.ids + self.besides

    @property
    def ids(self) -> tuple[str, ...]:
        """The viewer's attributes that are ids."""
        return _ids(self.nobody.__class__)

    def tell(self, context: Any, row: Sequence[Any] | None) -> None:
        """Tells the context who it is, by the row of `columns`."""
        if row is None:
            context.become(self.nobody)
            return
        count = len(self.ids)
        context.become(self.nobody.__class__(*row[:count]), *row[count:])


@cache
def _ids(kind: Any) -> tuple[str, ...]:
    """The ids of a kind of viewer that is known by nothing else, in the order in which it is made of them."""
    return tuple(field.name for field in fields(kind))


async def identify(context: Any) -> None:
    """Looks up who asks, if that is not known, by a statement of its own."""
    identity: Identity | None = context.identity
    if identity is None:
        return
    marks = [f"${index + 1}" for index in range(len(identity.values))]
    text = f"SELECT {', '.join(identity.columns)} FROM ({identity.select.format(*marks)}) asking"
    try:
        rows = await context.fetch(text, identity.values)
    except TimeoutError as error:  # which would pass for the operation's own
        raise ConnectionError("the database does not say who asks") from error
    identity.tell(context, tuple(rows[0]) if rows else None)
