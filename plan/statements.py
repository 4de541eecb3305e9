"""The SQL of the plain path: one statement for each level of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.expressions import Q

from plan.nodes import NodeDefinition
from plan.predicates import predicate
from plan.tables import array_type, table_name


@dataclass(frozen=True, slots=True)
class Statement:
    """Text and values, ready for asyncpg."""

    text: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of each parent: at most `limit` in `order`, those beyond the keyset `beyond`, on or before `until`."""

    order: tuple[str, ...]
    limit: int
    beyond: tuple[Any, ...] | None = None
    until: tuple[Any, ...] | None = None

    @property
    def down(self) -> bool:
        """Whether the order runs from large to small."""
        return self.order[0].startswith("-")

    @property
    def columns(self) -> list[str]:
        """The ordering columns without their direction."""
        return [name.removeprefix("-") for name in self.order]


def rows_by(node: NodeDefinition, key: str, keys: Sequence[Any], visible: Q) -> Statement:
    """The visible rows whose `key` is one of `keys`."""
    seen = predicate(node.table, visible, "x", first=2)
    text = f'SELECT {_columns(node)} FROM {_table(node)} x WHERE x."{key}" = ANY($1) AND ({seen.text})'  # noqa: S608
    return Statement(text, (list(keys), *seen.values))


def windows_by(node: NodeDefinition, key: str, keys: Sequence[Any], condition: Q, window: Window) -> Statement:
    """For each of `keys`, a window of the rows that hold it in `key`, in one statement."""
    seen = predicate(node.table, condition, "x", first=2)
    bounds, bound_values = _bounds(window, first=2 + len(seen.values))
    way = "DESC" if window.down else "ASC"
    order = ", ".join(f'x."{name}" {way}' for name in window.columns)
    text = (
        f"SELECT p.* FROM unnest($1::{array_type(node.table, key)}) AS parent(key) CROSS JOIN LATERAL ("  # noqa: S608
        f'SELECT {_columns(node)} FROM {_table(node)} x WHERE x."{key}" = parent.key AND ({seen.text}){bounds} '
        f"ORDER BY {order} LIMIT {window.limit}) p"
    )
    return Statement(text, (list(keys), *seen.values, *bound_values))


def counts_by(node: NodeDefinition, key: str, keys: Sequence[Any], condition: Q) -> Statement:
    """How many rows hold each of `keys` in `key`: pairs of key and count, none for zero."""
    seen = predicate(node.table, condition, "x", first=2)
    text = (
        f'SELECT x."{key}" AS key, count(*) AS count FROM {_table(node)} x '  # noqa: S608
        f'WHERE x."{key}" = ANY($1) AND ({seen.text}) GROUP BY 1'
    )
    return Statement(text, (list(keys), *seen.values))


def _bounds(window: Window, *, first: int) -> tuple[str, list[Any]]:
    columns = ", ".join(f'x."{name}"' for name in window.columns)
    beyond, until = ("<", ">") if window.down else (">", "<")
    text, values = "", list[Any]()
    for sign, keyset in ((beyond, window.beyond), (until, window.until)):
        if keyset is not None:
            marks = ", ".join(f"${first + len(values) + index}" for index in range(len(keyset)))
            text += f" AND ({columns}) {sign} ({marks})"
            values += keyset
    return text, values


def _columns(node: NodeDefinition) -> str:
    return ", ".join(f'x."{name}"' for name in node.columns)


def _table(node: NodeDefinition) -> str:
    return f'"{table_name(node.table)}"'
