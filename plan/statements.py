"""The SQL of the plain path: one statement for each level of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tortoise.expressions import Q

from plan.declarations import Standing
from plan.nodes import NodeDefinition
from plan.predicates import Visibility, conditioned
from plan.tables import array_type, quoted
from plan.writing import Given, Statement, Writing


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of each parent: at most `limit` in `order`, those beyond the keyset `beyond`, on or before `until`."""

    order: tuple[str, ...]
    limit: int
    beyond: tuple[Any, ...] | None = None
    until: tuple[Any, ...] | None = None


class PlainStatements:
    """Writes the statements for one viewer; `name` is the operation's."""

    def __init__(self, viewer: Any, name: str = "") -> None:
        self._viewer = viewer
        self._name = name

    def rows_by(self, node: NodeDefinition, key: str, keys: Sequence[Any]) -> Statement:
        """The visible rows whose `key` is one of `keys`."""
        writing = Writing()
        asked = f'x."{key}" = ANY({writing.parameter(Given(list(keys)))})'
        seen = node.visibility.written(self._viewer, "x", writing)
        return self._done(writing, f"SELECT {_columns(node)} FROM {quoted(node.table)} x WHERE {asked} AND {seen}")

    def windows_by(
        self, node: NodeDefinition, key: str, keys: Sequence[Any], condition: Q, window: Window
    ) -> Statement:
        """For each of `keys`, a window of the visible rows that hold it in `key`, in one statement."""
        writing = Writing()
        parents = f"unnest({writing.parameter(Given(list(keys)))}::{array_type(node.table, key)})"
        seen = seen_below(node, self._viewer, "x", key, "parent.key", writing)
        seen += conditioned(node, condition, "x", writing)
        bounds = "".join(
            beyond(window.order, "x", [writing.parameter(Given(value)) for value in keyset], until=until)
            for keyset, until in ((window.beyond, False), (window.until, True))
            if keyset is not None
        )
        rows = (
            f'SELECT {_columns(node)} FROM {quoted(node.table)} x WHERE x."{key}" = parent.key AND {seen}{bounds} '
            f"ORDER BY {ordered(window.order, 'x')} LIMIT {window.limit}"
        )
        return self._done(writing, f"SELECT p.* FROM {parents} AS parent(key) CROSS JOIN LATERAL ({rows}) p")

    def values_by(self, node: NodeDefinition, key: str, keys: Sequence[Any], condition: Q, aggregate: str) -> Statement:
        """An aggregate over the visible rows with each of `keys` in `key`: pairs of key and value, none for no rows."""
        writing = Writing()
        asked = f'x."{key}" = ANY({writing.parameter(Given(list(keys)))})'
        seen = node.visibility.written(self._viewer, "x", writing) + conditioned(node, condition, "x", writing)
        body = (
            f'SELECT x."{key}" AS key, {aggregate} AS value FROM {quoted(node.table)} x '
            f"WHERE {asked} AND {seen} GROUP BY 1"
        )
        return self._done(writing, body)

    def standing(self, standing: Standing) -> Statement:
        """The rows that say what the viewer is."""
        writing = Writing()
        return self._done(writing, standing_rows(standing, self._viewer, writing))

    def _done(self, writing: Writing, body: str) -> Statement:
        return writing.statement(body, self._viewer, self._name)


def standing_rows(standing: Standing, viewer: Any, writing: Writing, shape: str = "{0}") -> str:
    """A SELECT of what the viewer is; `shape` is what is made of the columns."""
    columns = shape.format(", ".join(f'x."{column}"' for column in standing.columns))
    condition = visibility_of(standing).written(viewer, "x", writing)
    return f"SELECT {columns} FROM {quoted(standing.table)} x WHERE {condition}"


@cache
def visibility_of(standing: Standing) -> Visibility:
    """The condition of a standing, which is rendered once for each kind of viewer."""
    return Visibility(standing.table, standing.of)


def seen_below(node: NodeDefinition, viewer: Any, alias: str, key: str, parent: str, writing: Writing) -> str:
    """Which rows of those that hold `parent` in `key` are seen; PostgreSQL does not guess how many that leaves.

    It takes what a row belongs to and who may see that for chance, and multiplies: of a team's 40,000 rows, a hundred
    would be left for its own members. So it would read and sort them all where an index has the first fifty in order.
    Of what it cannot look into, it takes one half to be left. So it would look through all of another's rows, too,
    before it says that none is seen: what can be asked of their parent is asked of that, once, before any row.
    """
    seen = node.visibility.written(viewer, alias, writing)
    return f"coalesce({seen}, false){node.visibility.written_of(viewer, key, parent, writing)}"


def is_down(order: Sequence[str]) -> bool:
    """Whether an order runs from large to small."""
    return order[0].startswith("-")


def columns_of(order: Sequence[str]) -> list[str]:
    """The columns of an order without their direction."""
    return [name.removeprefix("-") for name in order]


def ordered(order: Sequence[str], alias: str) -> str:
    """What stands after ORDER BY."""
    way = "DESC" if is_down(order) else "ASC"
    return ", ".join(f'{alias}."{name}" {way}' for name in columns_of(order))


def beyond(order: Sequence[str], alias: str, marks: Sequence[str], *, until: bool) -> str:
    """Only the rows that come after the place `marks` in the order; with `until`, those before it."""
    columns = ", ".join(f'{alias}."{name}"' for name in columns_of(order))
    return f" AND ({columns}) {'<' if is_down(order) != until else '>'} ({', '.join(marks)})"


def aggregate_sql(function: str, alias: str, column: str, kind: str) -> str:
    """An aggregate of a column, of the column's type `kind` (a sum of integers would be numeric)."""
    value = f'{function}({alias}."{column}")'
    return f"coalesce({value}, 0)::{kind}" if function == "sum" else value


def _columns(node: NodeDefinition) -> str:
    return ", ".join(f'x."{name}"' for name in node.columns)
