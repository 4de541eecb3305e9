"""Who asks, where that is not known yet: looked up by the very statement that reads for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Identity:
    """A SELECT of at most one row, with a column for each id of a viewer, and `{0}`, `{1}` … where `values` go.

    `nobody` is a viewer of the kind that it will be, and stays the viewer where there is no row. Until it is known who
    asks, they are nobody; in SQL their ids are null, which equals nothing.
    """

    select: str
    values: tuple[Any, ...]
    nobody: Any

    @property
    def ids(self) -> tuple[str, ...]:
        """The viewer's attributes that are ids, in the order of `viewer`'s row."""
        return _ids(self.nobody)

    def viewer(self, row: Sequence[Any] | None) -> Any:
        """Who it is."""
        return replace(self.nobody, **dict(zip(self.ids, row, strict=True))) if row else self.nobody


@cache
def _ids(nobody: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(nobody) if isinstance(getattr(nobody, f.name), UUID))


async def identify(context: Any) -> None:
    """Looks up who asks, if that is not known, by a statement of its own."""
    identity: Identity | None = context.identity
    if identity is None:
        return
    marks = [f"${index + 1}" for index in range(len(identity.values))]
    text = f"SELECT {', '.join(identity.ids)} FROM ({identity.select.format(*marks)}) asking"
    try:
        rows = await context.fetch(text, identity.values)
    except TimeoutError as error:  # which would pass for the operation's own
        raise ConnectionError("the database does not say who asks") from error
    context.become(identity.viewer(tuple(rows[0]) if rows else None))
