"""The plain path: Strawberry's executor over the same declarations, fed by the batch loaders of `plan/reader.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from strawberry.types.unset import UNSET
from tortoise.expressions import Q

from plan.connections import Connection, Paging
from plan.declarations import (
    AggregateOf,
    AnyById,
    Batch,
    ById,
    Column,
    Computed,
    CountOf,
    FirstOf,
    GlobalId,
    ListOf,
    PlanField,
    Reference,
    ToMany,
    ToOne,
    Where,
)
from plan.ids import decode_id, encode_id
from plan.nodes import NODES, NodeDefinition, innermost, node_of
from plan.statements import Window, aggregate_sql
from plan.tables import sql_type

if TYPE_CHECKING:
    from plan.reader import Reader
    from plan.rows import Row


def resolve(field: PlanField, source: Any, info: Any, arguments: dict[str, Any]) -> Any:
    """The value of `field` for the row `source`, or an awaitable of it."""
    return _RESOLVERS[type(field.declaration)](field, source, info, arguments)


def _global_id(_field: PlanField, row: Row, _info: Any, _arguments: dict[str, Any]) -> str:
    return encode_id(row.node.name, row["id"])


def _column(field: PlanField, row: Row, info: Any, _arguments: dict[str, Any]) -> Any:
    declaration: Column = field.declaration  # type: ignore[assignment]
    if declaration.through is None:
        return _value(row, declaration.name)
    return _column_through(declaration.through, declaration.name, row, info)


async def _column_through(through: str, name: str, row: Row, info: Any) -> Any:
    other = await resolve(row.node.fields[through], row, info, {})
    return None if other is None else _value(other, name)


def _value(row: Row, name: str) -> Any:
    value = row[name]
    kind = row.node.enums.get(name)
    return kind(value) if kind is not None and value is not None else value


def _computed(field: PlanField, row: Row, _info: Any, _arguments: dict[str, Any]) -> Any:
    declaration: Computed = field.declaration  # type: ignore[assignment]
    return declaration.by(*(row[name] for name in declaration.columns))


async def _batch(field: PlanField, row: Row, info: Any, _arguments: dict[str, Any]) -> Any:
    declaration: Batch = field.declaration  # type: ignore[assignment]
    name = (row.node.name, field.python_name)
    return await _reader(info).batched(name, row, lambda rows: declaration.by(info.context, rows))


async def _to_one(field: PlanField, row: Row, info: Any, _arguments: dict[str, Any]) -> Row | None:
    declaration: ToOne = field.declaration  # type: ignore[assignment]
    key = row[declaration.key]
    return None if key is None else await _reader(info).one(row.node.target(field.python_name), key)


async def _first_of(field: PlanField, row: Row, info: Any, _arguments: dict[str, Any]) -> Row | None:
    declaration: FirstOf = field.declaration  # type: ignore[assignment]
    target, window = row.node.target(field.python_name), Window(declaration.order, 1)
    found = await _reader(info).window(target, declaration.key, row["id"], Q(), window)
    return found[0] if found else None


async def _to_many(field: PlanField, row: Row, info: Any, arguments: dict[str, Any]) -> Connection[Any]:
    declaration: ToMany = field.declaration  # type: ignore[assignment]
    target, reader, parent = row.node.target(field.python_name), _reader(info), row["id"]
    condition = condition_of(declaration.where, arguments.pop("filter", None))
    order = order_of(declaration, arguments.pop("order_by", None))
    paging = Paging.checked(**arguments)
    window = paging.window(target, order)
    rows = await reader.window(target, declaration.key, parent, condition, window)

    async def count() -> int:
        return await reader.count(target, declaration.key, parent, condition)

    return Connection(page=paging.page(rows, order, count))


async def _list_of(field: PlanField, row: Row, info: Any, _arguments: dict[str, Any]) -> list[Row]:
    declaration: ListOf = field.declaration  # type: ignore[assignment]
    target, window = row.node.target(field.python_name), Window(declaration.order, declaration.most)
    return await _reader(info).window(target, declaration.key, row["id"], Q(), window)


async def _count_of(field: PlanField, row: Row, info: Any, _arguments: dict[str, Any]) -> int:
    declaration: CountOf = field.declaration  # type: ignore[assignment]
    many: ToMany = row.node.fields[declaration.field].declaration  # type: ignore[assignment]
    target = row.node.target(declaration.field)
    return await _reader(info).count(target, many.key, row["id"], condition_of(many.where, None))


async def _aggregate_of(field: PlanField, row: Row, info: Any, _arguments: dict[str, Any]) -> Any:
    declaration: AggregateOf = field.declaration  # type: ignore[assignment]
    many: ToMany = row.node.fields[declaration.field].declaration  # type: ignore[assignment]
    target, function = row.node.target(declaration.field), declaration.function
    sql = aggregate_sql(function, "x", declaration.column, sql_type(target.table, declaration.column))
    nothing = 0 if function == "sum" else None
    return await _reader(info).aggregate(target, many.key, row["id"], condition_of(many.where, None), sql, nothing)


async def _by_id(field: PlanField, _source: Any, info: Any, arguments: dict[str, Any]) -> Row | None:
    node: NodeDefinition = node_of(innermost(field.type))
    name, row_id = decode_id(arguments["id"])
    return await _reader(info).one(node, row_id) if name == node.name else None


async def _any_by_id(_field: PlanField, _source: Any, info: Any, arguments: dict[str, Any]) -> Row | None:
    name, row_id = decode_id(arguments["id"])
    return await _reader(info).one(NODES[name], row_id) if name in NODES else None


async def _reference(field: PlanField, source: Any, info: Any, _arguments: dict[str, Any]) -> Row | None:
    declaration: Reference = field.declaration  # type: ignore[assignment]
    row_id = declaration.by(source, info.context)
    return None if row_id is None else await _reader(info).one(node_of(innermost(field.type)), row_id)


def order_of(declaration: ToMany, chosen: Any) -> tuple[str, ...]:
    """The order that a client has chosen, or the usual one."""
    return declaration.orders[chosen] if chosen is not None else declaration.order


def condition_of(where: Where | None, given: Any) -> Q:
    """The filter input's values that are set, put to `where`; null means the same as absent."""
    if where is None:
        return Q()
    values = vars(given) if given is not None else {}
    condition: Q = where(**{name: value for name, value in values.items() if value is not None and value is not UNSET})
    return condition


def _reader(info: Any) -> Reader:
    reader: Reader = info.context.reader
    return reader


_RESOLVERS: dict[type, Callable[..., Any]] = {
    GlobalId: _global_id,
    Column: _column,
    Computed: _computed,
    Batch: _batch,
    ToOne: _to_one,
    FirstOf: _first_of,
    ToMany: _to_many,
    ListOf: _list_of,
    CountOf: _count_of,
    AggregateOf: _aggregate_of,
    ById: _by_id,
    AnyById: _any_by_id,
    Reference: _reference,
}

PlanField.read = staticmethod(resolve)
