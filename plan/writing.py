"""A statement while it is written: its parameters, and what the viewer's rights are, each asked for once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from plan.identity import Identity


class Slot(Hashable, Protocol):
    """Where a parameter's value comes from. Equal slots share one parameter."""

    def value(self, viewer: Any, bounds: Any) -> Any:
        """The value, for this viewer and these bound arguments."""


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A value that is known when the statement is written."""

    known: Any

    def value(self, viewer: Any, bounds: Any) -> Any:
        """The known one."""
        del viewer, bounds
        return self.known


@dataclass(frozen=True, slots=True)
class OfViewer:
    """An attribute of whoever asks; None for who has none, such as a whole role's `user_id`."""

    attribute: str

    def value(self, viewer: Any, bounds: Any) -> Any:
        """The viewer's own."""
        del bounds
        return getattr(viewer, self.attribute, None)


@dataclass(frozen=True, slots=True)
class OfIdentity:
    """One of the values by which whoever asks is looked up."""

    index: int

    def value(self, viewer: Any, bounds: Any) -> Any:
        """The value; `viewer` is an `Identity` as yet."""
        del bounds
        return viewer.values[self.index]


@dataclass(frozen=True, slots=True)
class Statement:
    """Text and values, ready for asyncpg."""

    text: str
    values: tuple[Any, ...]


class Writing:
    """Collects what a statement needs besides its body.

    A predicate's own SELECTs (which teams is the viewer in?) do not depend on the row, but PostgreSQL would ask them
    anew at every level, and hash-join tables for them. Here each is asked once for the whole statement, as an array
    that all levels compare with: a page of 50 rows with three relations took half the time, a room of 200 a quarter.
    """

    def __init__(self, identity: Identity | None = None) -> None:
        self.slots: list[Slot] = []
        self._numbers: dict[Slot, int] = {}
        self._rights: dict[str, str] = {}
        self._asking = ""
        if identity is not None:
            self._asking = identity.select.format(*[self.parameter(OfIdentity(i)) for i in range(len(identity.values))])

    def parameter(self, slot: Slot) -> str:
        """The placeholder of `slot`, or what else stands for it."""
        if self._asking and isinstance(slot, OfViewer):
            return f"(SELECT {slot.attribute} FROM asking)"
        if slot not in self._numbers:
            self.slots.append(slot)
            self._numbers[slot] = len(self.slots)
        return f"${self._numbers[slot]}"

    def right(self, select: str, array_type: str) -> str:
        """The rows of a one-column SELECT that depends on no row, as an array."""
        name = self._rights.setdefault(select, f'"right{len(self._rights)}"')
        return f"(SELECT held FROM {name})::{array_type}"

    def text(self, body: str, name: str = "") -> str:
        """The whole statement; `name` says in a comment what it is for (it must be a GraphQL name)."""
        known = [f"asking AS MATERIALIZED ({self._asking})"] if self._asking else []
        known += [f"{name} AS MATERIALIZED (SELECT ARRAY({select}) AS held)" for select, name in self._rights.items()]
        return f"{f'/* {name} */ ' if name else ''}{'WITH ' + ', '.join(known) + ' ' if known else ''}{body}"

    def values(self, viewer: Any, bounds: Any) -> tuple[Any, ...]:
        """The parameters' values, in order."""
        return tuple([slot.value(viewer, bounds) for slot in self.slots])

    def statement(self, body: str, viewer: Any, name: str = "") -> Statement:
        """The statement with values for `viewer`, where no argument is left to bind."""
        return Statement(self.text(body, name), self.values(viewer, ()))
