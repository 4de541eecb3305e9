"""The one SQL statement of a planned operation: levels of rows within each other.

A level is a SELECT whose rows come as tuples: `ARRAY(SELECT ROW(…) FROM …)`. Relations to one row are joined to it, the
rows of a to-many relation are another level in one of its columns. So all that an operation reads is read by one
statement, in one snapshot, by one trip to the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from plan.statements import beyond, ordered, seen_below, standing_rows
from plan.tables import are_unique, quoted
from plan.writing import OfViewer, Writing

if TYPE_CHECKING:
    from plan.arguments import Bound
    from plan.declarations import Standing
    from plan.identity import Identity
    from plan.nodes import NodeDefinition


@dataclass(frozen=True, slots=True)
class Argument:
    """A slot: part `part` of what the binding `index` makes of a field's arguments."""

    index: int
    part: int

    def value(self, viewer: Any, bounds: Sequence[Bound]) -> Any:
        """The value of this request."""
        del viewer
        return bounds[self.index].values[self.part]


@dataclass(slots=True)
class Scope:
    """What a statement is written for."""

    viewer: Any
    bounds: Sequence[Bound]
    writing: Writing


class ColumnOf(NamedTuple):
    """A column of the level, or of something joined to it."""

    alias: str
    column: str

    @property
    def sql(self) -> str:
        """As SQL names it."""
        return f'{self.alias}."{self.column}"'

    def written(self, scope: Scope) -> str:
        """In SQL."""
        del scope
        return self.sql


class IdOf(NamedTuple):
    """The id of the level's row, or of something joined to it, as bytes: nobody needs a UUID made of it."""

    alias: str

    def written(self, scope: Scope) -> str:
        """In SQL."""
        del scope
        return f"uuid_send({self.alias}.id)"


@dataclass(frozen=True, slots=True)
class Related:
    """The rows of `node` that hold the id of the row `parent` in `key`, as the arguments of a binding narrow them."""

    node: NodeDefinition
    alias: str
    key: str
    parent: str
    binding: int

    def condition(self, scope: Scope) -> str:
        """What stands after WHERE, without the bounds of a page."""
        seen = seen_below(self.node, scope.viewer, self.alias, self.key, f"{self.parent}.id", scope.writing)
        narrowed = self._narrowed(scope, scope.bounds[self.binding])
        return f'{self.alias}."{self.key}" = {self.parent}.id AND {seen}{narrowed}'

    def _narrowed(self, scope: Scope, bound: Bound) -> str:
        if bound.template is None:
            return ""
        first = len(bound.values) - len(bound.template.slots)
        slots = tuple(
            slot if isinstance(slot, OfViewer) else Argument(self.binding, first + index)
            for index, slot in enumerate(bound.template.slots)
        )
        return f" AND ({replace(bound.template, slots=slots).written(self.alias, scope.writing)})"


@dataclass(frozen=True, slots=True)
class AggregateOver:
    """An aggregate (in SQL) over related rows."""

    rows: Related
    aggregate: str

    def written(self, scope: Scope) -> str:
        """In SQL; NULL where the arguments are not sound."""
        if scope.bounds[self.rows.binding].failed is not None:
            return "NULL"
        rows = self.rows
        return f"(SELECT {self.aggregate} FROM {quoted(rows.node.table)} {rows.alias} WHERE {rows.condition(scope)})"


@dataclass(frozen=True, slots=True)
class ToOneJoin:
    """The row that the column `key` of `parent` points to."""

    node: NodeDefinition
    alias: str
    parent: str
    key: str

    def written(self, scope: Scope, *, alone: bool) -> str:
        """In SQL; `alone` where the parent is a single row."""
        seen = self.node.visibility.written(scope.viewer, self.alias, scope.writing, alone=alone)
        joined = f"LEFT JOIN {quoted(self.node.table)} {self.alias}"
        return f'{joined} ON {self.alias}.id = {self.parent}."{self.key}" AND {seen}'


@dataclass(frozen=True, slots=True)
class FirstOfJoin:
    """The first, in `order`, of the rows that hold the id of `parent` in `key`."""

    node: NodeDefinition
    alias: str
    parent: str
    key: str
    order: tuple[str, ...]

    def written(self, scope: Scope, *, alone: bool) -> str:
        """In SQL. Of one parent, too, there may be many rows, of which it is the first that is seen."""
        del alone
        seen = seen_below(self.node, scope.viewer, self.alias, self.key, f"{self.parent}.id", scope.writing)
        first = (
            f'SELECT {self.alias}.* FROM {quoted(self.node.table)} {self.alias} WHERE {self.alias}."{self.key}" = '
            f"{self.parent}.id AND {seen} ORDER BY {_sorted(self.node, self.key, self.order, self.alias)} LIMIT 1"
        )
        return f"LEFT JOIN LATERAL ({first}) {self.alias} ON TRUE"


@dataclass(eq=False, slots=True, weakref_slot=True)
class Level:
    """Rows of `node`. Those of a relation have `related`; those at a root have none, and are found by their id.

    `place` is where the rows are: the column of the parent's tuple, or the column of the statement's only row; -1 where
    they are in a text that the database writes. `path` names the field of the answer that they are under; `read` is
    whether any row of a connection is asked for.
    """

    node: NodeDefinition
    alias: str
    binding: int
    path: str
    related: Related | None = None
    _parent: ref[Level] | None = None
    place: int = -1
    read: bool = False
    columns: dict[Any, int] = field(default_factory=dict)
    joins: dict[tuple[str, str], ToOneJoin | FirstOfJoin] = field(default_factory=dict)

    @property
    def parent(self) -> Level | None:
        """The level of the rows that these are related to, which holds this one: only the outline holds both."""
        return None if self._parent is None else self._parent()

    def relate(self, related: Related, parent: Level) -> None:
        """Makes it a column of the tuples of its parents."""
        self.related, self._parent = related, ref(parent)
        self.place = parent.index_of(self)

    def index_of(self, column: Any) -> int:
        """The place of a column in the tuples, which is added if it is not there."""
        return self.columns.setdefault(column, len(self.columns))

    def written(self, scope: Scope) -> str:
        """In SQL, as an array of tuples; NULL where the arguments are not sound, or choose another level."""
        bound = scope.bounds[self.binding]
        if bound.failed is not None or (self.related is None and bound.chosen not in (None, self.node.name)):
            return "NULL"
        columns = ", ".join(column.written(scope) for column in self.columns) or "TRUE"
        asked = self._asked(scope) if self.related is None else self._window(self.related, scope, bound, bound.limit)
        return f"ARRAY({self._select(scope, f'ROW({columns})', asked)})"

    def listed(self, scope: Scope, item: str) -> str:
        """In SQL, an array of what `item` makes of each row that is shown, in the order in which it is shown."""
        assert self.related is not None, "what is listed is related to something"
        bound = scope.bounds[self.binding]
        rows = f"ARRAY({self._select(scope, item, self._window(self.related, scope, bound, bound.size))})"
        return f"array_reverse({rows})" if bound.backwards else rows

    def _select(self, scope: Scope, item: str, asked: str) -> str:
        joined = "".join(f" {join.written(scope, alone=self.related is None)}" for join in self.joins.values())
        return f"SELECT {item} FROM {quoted(self.node.table)} {self.alias}{joined} WHERE {asked}"

    def _asked(self, scope: Scope) -> str:
        row_id = scope.writing.parameter(Argument(self.binding, 0))
        seen = self.node.visibility.written(scope.viewer, self.alias, scope.writing, alone=True)
        return f"{self.alias}.id = {row_id} AND {seen}"

    def _window(self, related: Related, scope: Scope, bound: Bound, limit: int) -> str:
        bounds = "".join(self._beyond(scope, bound, start, until=until) for start, until in bound.keysets)
        order = _sorted(self.node, related.key, bound.order, self.alias)
        return f"{related.condition(scope)}{bounds} ORDER BY {order} LIMIT {limit}"

    def _beyond(self, scope: Scope, bound: Bound, start: int, *, until: bool) -> str:
        parts = range(start, start + len(bound.order))
        marks = [scope.writing.parameter(Argument(self.binding, part)) for part in parts]
        return beyond(bound.order, self.alias, marks, until=until)


def statement(
    roots: Sequence[Level],
    scope: Scope,
    name: str,
    identity: Identity | None = None,
    standings: Sequence[Standing] = (),
) -> str:
    """The text of the statement that reads the roots: one row, an array for each, for each standing, for who asks."""
    standing = [f"ARRAY({standing_rows(each, scope.viewer, scope.writing, 'ROW({0})')})" for each in standings]
    asking = [f"ARRAY(SELECT ROW({', '.join(identity.columns)}) FROM asking)"] if identity else []
    body = "SELECT " + ", ".join([root.written(scope) for root in roots] + standing + asking)
    return scope.writing.text(body, name)


def _sorted(node: NodeDefinition, key: str, order: Sequence[str], alias: str) -> str:
    """The order of the rows that share `key`, without the id where the first column leaves nothing to decide.

    So an index that has no id gives the rows in order by itself.
    """
    decided = are_unique(node.table, key, order[0].removeprefix("-"))
    return ordered(order[:1] if decided else order, alias)
