"""Compiles the fields of rows: columns, what is computed from them, and relations to other rows."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any, cast

from graphql import GraphQLEnumType, GraphQLObjectType, get_named_type, get_nullable_type, is_nullable_type

from plan.arguments import PageBinding, WholeBinding
from plan.collecting import Selected
from plan.connections import encode_place
from plan.declarations import (
    AggregateOf,
    Batch,
    Column,
    Computed,
    CountOf,
    FirstOf,
    GlobalId,
    ListOf,
    PlanField,
    ToMany,
    ToOne,
)
from plan.draft import BatchField, Draft, NotCompilable, Place, declaration_of, object_type
from plan.ids import encoder
from plan.outline import Field, Object, guarded, page, shown, small, value
from plan.sql import AggregateOver, ColumnOf, IdOf, Related
from plan.statements import aggregate_sql, columns_of
from plan.tables import comes, is_nullable, sql_type

Attribute = Callable[[Selected, str], Field]
"""Makes a field of a value that Python code has computed."""


class Rows:
    """Compiles rows for one draft; values that are no columns are left to `attribute`."""

    def __init__(self, draft: Draft, attribute: Attribute) -> None:
        self._draft = draft
        self._attribute = attribute
        self._pages = _Pages(draft, self)
        self._makers: dict[type, Callable[[Selected, Any, Place], Field]] = {
            GlobalId: self._global_id,
            Column: self._stored,
            Computed: self._computed,
            Batch: self._batch,
            ToOne: self._to_one,
            FirstOf: self._to_one,
            ToMany: self._pages.connection,
            ListOf: self._list,
            CountOf: self._count,
            AggregateOf: self._aggregate,
        }

    def object(self, selected: Selected, kind: GraphQLObjectType, place: Place) -> Object:
        """A row of the type `kind` as an object."""
        fields = self._draft.below(selected, kind)
        return Object(kind.name, "r", [self._draft.typename(below) or self._field(below, place) for below in fields])

    def items(self, selected: Selected, inner: Object, place: Place, rows: str) -> Field:
        """A list of rows, or of what is made of them."""
        place.level.read = True
        return self._draft.field(selected, rows, inner=inner)

    def over(self, selected: Selected, related: Related, aggregate: str, parent: Place, *, quick: bool) -> Field:
        """An aggregate over rows that are related to `parent`."""
        read = f"r[{parent.level.index_of(AggregateOver(related, aggregate))}]"
        raw = f"{self._draft.name(value)}({read}, B[{related.binding}])"
        return self._draft.field(selected, raw, quick=read if quick else None)

    def _field(self, selected: Selected, place: Place) -> Field:
        declared = declaration_of(selected)
        if not isinstance(declared, PlanField) or type(declared.declaration) not in self._makers:
            raise NotCompilable.resolved(selected)
        return self._makers[type(declared.declaration)](selected, declared.declaration, place)

    def _global_id(self, selected: Selected, _declaration: GlobalId, place: Place) -> Field:
        encode = self._draft.name(encoder(place.node.name, repeating=place.presence is not None))
        return self._draft.simple(selected, f"{encode}(r[{place.level.index_of(IdOf(place.alias))}])")

    def _stored(self, selected: Selected, declaration: Column, place: Place) -> Field:
        if declaration.through:
            place = self._draft.join(declaration.through, place)
        read, kind = self._draft.column(place, declaration.name), selected.definition.type
        if enum := place.node.enums.get(declaration.name):
            return self._chosen(selected, read, enum)
        table, name = place.node.table, declaration.name
        always = not declaration.through and not is_nullable(table, name)
        if not always and not is_nullable_type(kind):
            return self._draft.field(selected, read)
        return self._draft.field(
            selected, read, quick=self._shown(read, comes(table, name), str(get_nullable_type(kind)))
        )

    def _shown(self, read: str, comes: str, kind: str) -> str | None:
        """How a column's value is shown as a `kind` without asking GraphQL, where that is known."""
        if (comes, kind) == ("bigint", "Int"):
            return f"{self._draft.name(small)}({read})"
        return read if (comes, kind) in _AS_IT_IS else None

    def _chosen(self, selected: Selected, read: str, enum: Callable[[Any], Any]) -> Field:
        """A member of an enum, which is stored by its value and shown by its name."""
        kind = selected.definition.type
        shown = cast("GraphQLEnumType", get_named_type(kind)).coerce_output_value
        names: dict[Any, Any] = {member.value: shown(member) for member in cast("type[Enum]", enum)}
        if is_nullable_type(kind):
            names[None] = None
        raw = f"{self._draft.name(_member(enum))}({read})"
        return self._draft.field(selected, raw, quick=f"{self._draft.name(names)}[{read}]")

    def _computed(self, selected: Selected, declaration: Computed, place: Place) -> Field:
        values = ", ".join(self._draft.column(place, name) for name in declaration.columns)
        return self._attribute(selected, f"{self._draft.name(_guarded(declaration.by))}({values})")

    def _batch(self, selected: Selected, declaration: Batch, place: Place) -> Field:
        batches, level = self._draft.outline.batches, place.level
        columns = {name: level.index_of(ColumnOf(place.alias, name)) for name in ("id", *declaration.columns)}
        batches.append(BatchField(level, place.node, place.presence, columns, declaration.by, declaration.standing))
        return self._attribute(selected, f"V[{len(batches) - 1}][id(r)]")

    def _to_one(self, selected: Selected, _declaration: ToOne | FirstOf, place: Place) -> Field:
        joined = self._draft.join(declaration_of(selected).python_name, place)
        inner = self.object(selected, object_type(selected), joined)
        present = f"r[{joined.presence}] is not None"
        return self._draft.field(selected, f"(r if {present} else None)", inner=inner, present=present)

    def _list(self, selected: Selected, declaration: ListOf, place: Place) -> Field:
        target = place.node.target(declaration_of(selected).python_name)
        level = self._draft.level(selected, target, self._draft.bind(WholeBinding(target, declaration)), place)
        row = Place(target, level, level.alias)
        rows = f"r[{self._draft.relate(level, place, declaration.key)}]"
        return self.items(selected, self.object(selected, object_type(selected), row), row, rows)

    def _count(self, selected: Selected, declaration: CountOf, place: Place) -> Field:
        return self.over(selected, self._whole(declaration.field, place), "count(*)", place, quick=True)

    def _aggregate(self, selected: Selected, declaration: AggregateOf, place: Place) -> Field:
        related = self._whole(declaration.field, place)
        kind = sql_type(related.node.table, declaration.column)
        sql = aggregate_sql(declaration.function, related.alias, declaration.column, kind)
        return self.over(selected, related, sql, place, quick=False)

    def _whole(self, name: str, place: Place) -> Related:
        """All rows of the to-many field `name`."""
        target = place.node.target(name)
        declaration = cast("ToMany", place.node.fields[name].declaration)
        binding = self._draft.bind(WholeBinding(target, declaration))
        return Related(target, self._draft.alias(), declaration.key, place.alias, binding)


class _Pages:
    """Compiles connections."""

    def __init__(self, draft: Draft, rows: Rows) -> None:
        self._draft = draft
        self._rows = rows

    def connection(self, selected: Selected, declaration: ToMany, parent: Place) -> Field:
        """A page of rows. They are read if anything but their number is asked for."""
        draft, kind = self._draft, object_type(selected)
        target = parent.node.target(declaration_of(selected).python_name)
        binding = draft.bind(PageBinding(draft.arguments(selected), target, declaration))
        level = draft.level(selected, target, binding, parent)
        row, counted = Place(target, level, level.alias), Related(target, "", declaration.key, parent.alias, binding)
        made = Object(kind.name, "p")
        for below in draft.below(selected, kind):
            made.fields.append(draft.typename(below) or self._field(below, row, parent, counted))
        level.read = level.read or _judges_arguments(selected, made)
        rows = f"r[{draft.relate(level, parent, declaration.key)}]" if level.read else "None"
        asked = f"({rows}, B[{binding}])"
        return draft.field(selected, f"{draft.name(page)}{asked}", inner=made, rows=f"{draft.name(shown)}{asked}")

    def _field(self, selected: Selected, row: Place, parent: Place, counted: Related) -> Field:
        match declaration_of(selected).python_name:
            case "nodes":
                inner = self._rows.object(selected, object_type(selected), row)
                return self._rows.items(selected, inner, row, "p.rows")
            case "edges":
                return self._rows.items(selected, self._edge(selected, row), row, "p.rows")
            case "page_info":
                return self._page_info(selected, row)
            case "total_count":
                related = Related(counted.node, self._draft.alias(), counted.key, counted.parent, counted.binding)
                return self._rows.over(selected, related, "count(*)", parent, quick=True)
        raise NotCompilable.resolved(selected)

    def _edge(self, selected: Selected, row: Place) -> Object:
        made = Object(object_type(selected).name, "r")
        for below in self._draft.below(selected):
            if below.name == "node":
                inner = self._rows.object(below, object_type(below), row)
                made.fields.append(self._draft.field(below, "r", inner=inner, present="True"))
            else:
                cursor = self._draft.typename(below) or self._draft.simple(below, self._cursor(row, "r"))
                made.fields.append(cursor)
        return made

    def _page_info(self, selected: Selected, row: Place) -> Field:
        row.level.read = True  # whether there is more is known by the rows alone
        made = Object(object_type(selected).name, "p")
        for below in self._draft.below(selected):
            field = self._draft.typename(below) or self._draft.simple(below, self._of_page(below.name, row))
            made.fields.append(field)
        return self._draft.field(selected, "p", inner=made, present="True")

    def _of_page(self, name: str, row: Place) -> str:
        match name:
            case "hasNextPage":
                return "p.more_after"
            case "hasPreviousPage":
                return "p.more_before"
        cursor = self._cursor(row, "p.rows[0]" if name == "startCursor" else "p.rows[-1]")
        return f"({cursor} if p.rows else None)"

    def _cursor(self, row: Place, of: str) -> str:
        """The cursor of a row. The order is the request's, so every column of every order is read."""
        level, draft = row.level, self._draft
        orders = cast("PageBinding", draft.outline.bindings[level.binding]).orders
        columns = dict.fromkeys(name for order in orders for name in columns_of(order))
        places = {name: level.index_of(ColumnOf(row.alias, name)) for name in columns}
        shown = f"B[{level.binding}].shown"
        return f"{draft.name(encode_place)}({row.node.name!r}, {shown}, {of}, {draft.name(places)})"


def _judges_arguments(selected: Selected, made: Object) -> bool:
    """Whether the rows are to be read although nobody asks for them.

    Only the database knows whether it can take a value, such as a cursor's; their number asks it about filters alone.
    """
    given = {argument.name.value for argument in selected.nodes[0].arguments or ()}
    return bool(given & {"after", "before"}) or all(field.name != "totalCount" for field in made.fields)


_guarded = cache(guarded)
_AS_IT_IS = {
    ("text", "String"),
    ("int", "Int"),
    ("boolean", "Boolean"),
    ("timestamptz", "DateTime"),  # the encoder of JSON writes a moment in UTC as GraphQL's scalar does
}


@cache
def _member(enum: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The member for a stored value, null for none; whatever is none of them is an error."""
    return guarded(lambda stored: None if stored is None else enum(stored))
