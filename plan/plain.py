"""The plain path: Strawberry's executor over the same declarations, fed by the loaders of `plan/reader.py`.

What answers a field is made once for each, and called as Strawberry calls `get_result`. Fields of other rows are
foreseen (`plan/ahead.py`): when graphql-core comes to them, what they answer is there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from graphql import FieldNode
from strawberry.types.unset import UNSET
from tortoise.expressions import Q

from plan.ahead import Asked, Foreseen, Places, Sight, Step, declared
from plan.connections import Page, Paging
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
from plan.ids import decode_id, encoder
from plan.loader import UNKNOWN, Loader
from plan.nodes import NODES, NodeDefinition, innermost, node_of
from plan.rows import Row
from plan.statements import Window, aggregate_sql
from plan.tables import sql_type

if TYPE_CHECKING:
    from plan.reader import Reader

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""Of a filter that narrows nothing."""
Answering = Callable[..., Any]
"""Answers a field: takes the source, Strawberry's `info` (None where the row knows), a list, and the arguments."""


def resolve(field: PlanField) -> Answering:
    """What answers `field` on the plain path: with its value, or an awaitable of it."""
    return _ANSWERING[type(field.declaration)](field)


def _global_id(_field: PlanField) -> Answering:
    return lambda source, **_: encoder(source.node.name)(source.values["id"].bytes)


def _column(field: PlanField) -> Answering:
    declaration: Column = field.declaration  # type: ignore[assignment]
    if declaration.through is not None:
        return _Through(declaration.through, declaration.name)
    return lambda source, **_: _value(source, declaration.name)


def _value(row: Row, name: str) -> Any:
    value = row.values[name]
    kind = row.node.enums.get(name)
    return kind(value) if kind is not None and value is not None else value


def _computed(field: PlanField) -> Answering:
    declaration: Computed = field.declaration  # type: ignore[assignment]
    return lambda source, **_: declaration.by(*[source.values[name] for name in declaration.columns])


@dataclass(frozen=True, slots=True, eq=False)
class _Found(Foreseen):
    """One value for each row, under a key that the row holds; `rows` are those that a value stands for."""

    loader: Callable[[Any, NodeDefinition], Loader[Any, Any]]
    """Of the context, and the type of the row."""
    key: Callable[[Row], Any]
    rows: Callable[[Any], Iterable[Row]] = lambda _value: ()

    def __call__(self, source: Row, info: Any, args: Any, kwargs: Any) -> Any:
        """The value, an awaitable of it, or None where the row holds no key."""
        del args, kwargs
        key = self.key(source)
        return None if key is None else self._loader(info.context, source.node).get(key)

    def at_hand(self, source: Row, node: FieldNode, context: Any) -> Any:
        """The value, or None or UNKNOWN."""
        del node
        key = self.key(source)
        return None if key is None else self._loader(context, source.node).known(key)

    def foresee(self, asked: Asked) -> Iterator[Step]:
        """Its values, and what is asked of their rows."""
        yield self.step(asked, [asked.places])

    def step(self, asked: Asked, below: list[Places]) -> Step:
        """To load the values for these rows, and what is asked for below."""
        keys = [key for key in map(self.key, asked.rows) if key is not None]
        return Step(self._loader(asked.sight.context, asked.rows[0].node), keys, self.rows, below)

    def _loader(self, context: Any, node: NodeDefinition) -> Loader[Any, Any]:
        kept = context.reader.kept
        if self not in kept:
            kept[self] = self.loader(context, node)
        loader: Loader[Any, Any] = kept[self]
        return loader


def _id(row: Row) -> Any:
    return row.values["id"]


def _it(row: Row | None) -> Iterable[Row]:
    return () if row is None else (row,)


def _them(rows: list[Row]) -> Iterable[Row]:
    return rows


def _to_one(field: PlanField) -> Answering:
    declaration: ToOne = field.declaration  # type: ignore[assignment]
    return _Found(
        lambda context, node: _reader(context).ones(node.target(field.python_name)),
        lambda row: row.values[declaration.key],
        _it,
    )


def _first_of(field: PlanField) -> Answering:
    declaration: FirstOf = field.declaration  # type: ignore[assignment]

    def loader(context: Any, node: NodeDefinition) -> Loader[Any, Any]:
        return _reader(context).firsts(node.target(field.python_name), declaration.key, declaration.order)

    return _Found(loader, _id, _it)


def _list_of(field: PlanField) -> Answering:
    declaration: ListOf = field.declaration  # type: ignore[assignment]

    def loader(context: Any, node: NodeDefinition) -> Loader[Any, Any]:
        window = Window(declaration.order, declaration.most)
        return _reader(context).windows(node.target(field.python_name), declaration.key, Q(), window)

    return _Found(loader, _id, _them)


def _count_of(field: PlanField) -> Answering:
    declaration: CountOf = field.declaration  # type: ignore[assignment]

    def loader(context: Any, node: NodeDefinition) -> Loader[Any, Any]:
        target, key, condition = _whole(node, declaration.field, dict(declaration.given))
        return _reader(context).counts(target, key, condition)

    return _Found(loader, _id)


def _aggregate_of(field: PlanField) -> Answering:
    declaration: AggregateOf = field.declaration  # type: ignore[assignment]

    def loader(context: Any, node: NodeDefinition) -> Loader[Any, Any]:
        target, key, condition = _whole(node, declaration.field)
        function, kind = declaration.function, sql_type(target.table, declaration.column)
        sql = aggregate_sql(function, "x", declaration.column, kind)
        return _reader(context).aggregates(target, key, condition, sql, 0 if function == "sum" else None)

    return _Found(loader, _id)


def _whole(node: NodeDefinition, name: str, given: Mapping[str, Any] = NOTHING) -> tuple[NodeDefinition, str, Q]:
    """All rows of the to-many field `name`: their type, the column that leads here, and the condition."""
    many: ToMany = node.fields[name].declaration  # type: ignore[assignment]
    return node.target(name), many.key, narrowed(many.where, given)


def _batch(field: PlanField) -> Answering:
    declaration: Batch = field.declaration  # type: ignore[assignment]

    async def by(context: Any, rows: list[Row]) -> Sequence[Any]:
        more = [await _reader(context).standing(declaration.standing)] if declaration.standing else []
        return await declaration.by(context, rows, *more)

    def loader(context: Any, node: NodeDefinition) -> Loader[Any, Any]:
        return _reader(context).batches((node.name, field.python_name), partial(by, context))

    return _Found(loader, lambda row: row)


@dataclass(frozen=True, slots=True)
class _Through(Foreseen):
    """A column of the row that another field leads to."""

    field: str
    column: str

    def __call__(self, source: Row, info: Any, args: Any, kwargs: Any) -> Any:
        """The column's value, or an awaitable of it; None where there is no such row."""
        other = self._found(source.node)(source, info, args, kwargs)
        return self._of(other) if other is None or isinstance(other, Row) else self._later(other)

    def at_hand(self, source: Row, node: FieldNode, context: Any) -> Any:
        """The column's value, or None or UNKNOWN."""
        other = self._found(source.node).at_hand(source, node, context)
        return other if other is UNKNOWN else self._of(other)

    def foresee(self, asked: Asked) -> Iterator[Step]:
        """The rows."""
        yield self._found(asked.rows[0].node).step(asked, [])

    def _found(self, node: NodeDefinition) -> _Found:
        found: _Found = node.fields[self.field].get_result  # type: ignore[assignment]
        return found

    def _of(self, other: Row | None) -> Any:
        return None if other is None else _value(other, self.column)

    async def _later(self, other: Awaitable[Row | None]) -> Any:
        return self._of(await other)


class _Pages:
    """The pages of all parents of a connection, for given arguments."""

    def __init__(self, reader: Reader, field: PlanField, node: NodeDefinition, arguments: dict[str, Any]) -> None:
        declaration: ToMany = field.declaration  # type: ignore[assignment]
        target = node.target(field.python_name)
        condition = condition_of(declaration.where, arguments.pop("filter", None))
        self._order = order_of(declaration, arguments.pop("order_by", None))
        self._paging = Paging.checked(**arguments)
        window = self._paging.window(target, self._order)
        self.shown = self._paging.shown
        self.windows = reader.windows(target, declaration.key, condition, window)
        self._counts = partial(reader.counts, target, declaration.key, condition)

    @cached_property
    def counts(self) -> Loader[Any, int]:
        """How many rows each parent has."""
        return self._counts()

    def page(self, parent: Any) -> Any:
        """The page of one parent, or UNKNOWN where its rows have not come."""
        rows: Any = self.windows.known(parent)
        if rows is UNKNOWN:
            return UNKNOWN
        return self._paging.page(rows, self._order, lambda: self.counts.get(parent))


class _Connection(Foreseen):
    """A to-many field. Its arguments are the same for all rows of a level: they are understood once."""

    def __init__(self, field: PlanField) -> None:
        self._field = field

    def __call__(self, source: Row, info: Any, args: Any, kwargs: Any) -> Any:
        """The page, or an awaitable of it."""
        del args, kwargs
        node = info._raw_info.field_nodes[0]  # noqa: SLF001 - the place in the document
        page = self.at_hand(source, node, info.context)
        return self._later(source, Sight(info)) if page is UNKNOWN else page

    def at_hand(self, source: Row, node: FieldNode, context: Any) -> Any:
        """The page, or UNKNOWN."""
        pages: _Pages | None = context.reader.kept.get((self, id(node)))
        return UNKNOWN if pages is None else pages.page(source.values["id"])

    def foresee(self, asked: Asked) -> Iterator[Step]:
        """The rows of the pages with what is asked of them, and their number where that is asked for."""
        pages, parents = self._pages(asked), [row.values["id"] for row in asked.rows]
        inside = {declared(inner.definition).python_name: inner for inner in asked.inside()}
        yield Step(pages.windows, parents, pages.shown, list(_of_rows(inside.values())))
        if "total_count" in inside:
            yield Step(pages.counts, parents)

    async def _later(self, source: Row, sight: Sight) -> Page:
        asked = sight.here([source])
        await sight.load(list(self.foresee(asked)))
        page: Page = self._pages(asked).page(source.values["id"])
        return page

    def _pages(self, asked: Asked) -> _Pages:
        reader, name = asked.sight.context.reader, (self, id(asked.places[0].node))
        if name not in reader.kept:
            reader.kept[name] = _Pages(reader, self._field, asked.rows[0].node, asked.arguments())
        pages: _Pages = reader.kept[name]
        return pages


def _of_rows(inside: Iterable[Asked]) -> Iterator[Places]:
    """Where something is asked of a connection's rows."""
    for asked in inside:
        match declared(asked.definition).python_name:
            case "nodes" | "node":
                yield asked.places
            case "edges":
                yield from _of_rows(asked.inside())


def _by_id(field: PlanField) -> Answering:
    node: NodeDefinition = node_of(innermost(field.type))

    async def answer(_source: Any, info: Any, args: Any, kwargs: dict[str, Any]) -> Row | None:
        del args
        name, row_id = decode_id(kwargs["id"])
        return await _seen(info, node, row_id) if name == node.name else None

    return answer


def _any_by_id(_field: PlanField) -> Answering:
    async def answer(_source: Any, info: Any, args: Any, kwargs: dict[str, Any]) -> Row | None:
        del args
        name, row_id = decode_id(kwargs["id"])
        return await _seen(info, NODES[name], row_id) if name in NODES else None

    return answer


def _reference(field: PlanField) -> Answering:
    declaration: Reference = field.declaration  # type: ignore[assignment]
    node: NodeDefinition = node_of(innermost(field.type))

    async def answer(source: Any, info: Any, args: Any, kwargs: Any) -> Row | None:
        del args, kwargs
        row_id = declaration.by(source, info.context)
        return None if row_id is None else await _seen(info, node, row_id)

    return answer


async def _seen(info: Any, node: NodeDefinition, row_id: Any) -> Row | None:
    """The row with this id, where the viewer may see it, and loaded with it what is asked of it."""
    sight, loader = Sight(info), _reader(info.context).ones(node)
    await sight.load([Step(loader, [row_id], _it, [sight.places])])
    return loader.known(row_id)


def order_of(declaration: ToMany, chosen: Any) -> tuple[str, ...]:
    """The order that a client has chosen, or the usual one."""
    return declaration.orders[chosen] if chosen is not None else declaration.order


def condition_of(where: Where | None, given: Any) -> Q:
    """The filter input's values that are set, put to `where`; null means the same as absent."""
    return narrowed(where, vars(given) if given is not None else NOTHING)


def narrowed(where: Where | None, values: Mapping[str, Any]) -> Q:
    """The same by the values' names."""
    if where is None:
        return Q()
    condition: Q = where(**{name: value for name, value in values.items() if value is not None and value is not UNSET})
    return condition


def _reader(context: Any) -> Reader:
    reader: Reader = context.reader
    return reader


_ANSWERING: dict[type, Callable[[PlanField], Answering]] = {
    GlobalId: _global_id,
    Column: _column,
    Computed: _computed,
    Batch: _batch,
    ToOne: _to_one,
    FirstOf: _first_of,
    ToMany: _Connection,
    ListOf: _list_of,
    CountOf: _count_of,
    AggregateOf: _aggregate_of,
    ById: _by_id,
    AnyById: _any_by_id,
    Reference: _reference,
}

PlanField.answering = staticmethod(resolve)
