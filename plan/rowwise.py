"""Compiles the fields of rows: columns, what is computed from them, and relations to other rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, cast

from graphql import GraphQLEnumType, GraphQLObjectType, GraphQLOutputType, get_named_type

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
from plan.draft import BatchField, Draft, NotCompilable, Place, declaration_of, object_type, shape
from plan.ids import encoder
from plan.outline import Field, Object, guarded, page, shown, value
from plan.plain import NOTHING
from plan.scalars import safe, small
from plan.sql import AggregateOver, ColumnOf, IdOf, Related
from plan.statements import aggregate_sql, columns_of
from plan.tables import comes, is_nullable, sql_type
from plan.texts import AggregateText, ColumnText, IdText, JoinedText, ListText, MemberText

Attribute = Callable[[Selected, str], Field]
"""Makes a field of a value that Python code has computed."""


class Rows:
    """Compiles rows for one draft; values that are no columns are left to `attribute`."""

    def __init__(self, draft: Draft, attribute: Attribute) -> None:
        self._draft = draft
        self._attribute = attribute

    def object(self, selected: Selected, kind: GraphQLObjectType, place: Place) -> Object:
        """A row of the type `kind` as an object."""
        fields = self._draft.below(selected, kind)
        return Object(kind.name, "r", [self._draft.typename(below) or self._field(below, place) for below in fields])

    def items(self, selected: Selected, inner: Object, place: Place, rows: str) -> Field:
        """A list of rows, or of what is made of them."""
        place.level.read, made = True, inner.text
        text = ListText(place.level, made) if made else None
        return self._draft.field(selected, rows, inner=inner, text=text)

    def count(self, selected: Selected, related: Related, parent: Place) -> Field:
        """How many rows are related to `parent`."""
        over = AggregateOver(related, "count(*)")
        read, raw = self._over(over, parent)
        text = AggregateText.of(over, "bigint", "Int", nullable=False)
        return self._draft.field(selected, raw, quick=read, text=text)

    def _over(self, over: AggregateOver, parent: Place) -> tuple[str, str]:
        """An aggregate as it is read, and the same where the arguments may be wrong."""
        read = f"r[{parent.level.index_of(over)}]"
        return read, f"{self._draft.name(value)}({read}, B[{over.rows.binding}])"

    def _field(self, selected: Selected, place: Place) -> Field:
        declared = declaration_of(selected)
        maker = _MAKERS.get(type(declared.declaration)) if isinstance(declared, PlanField) else None
        if maker is None:
            raise NotCompilable.resolved(selected)
        return maker(self, selected, cast("PlanField", declared).declaration, place)

    def _global_id(self, selected: Selected, _declaration: GlobalId, place: Place) -> Field:
        encode = self._draft.name(encoder(place.node.name, repeating=place.presence is not None))
        shown = f"{encode}(r[{place.level.index_of(IdOf(place.alias))}])"
        return self._draft.simple(selected, shown, IdText(place.alias, place.node.name))

    def _stored(self, selected: Selected, declaration: Column, place: Place) -> Field:
        if declaration.through:
            place = self._draft.join(declaration.through, place)
        table, name, column = place.node.table, declaration.name, ColumnOf(place.alias, declaration.name)
        read = f"r[{place.level.index_of(column)}]"
        if enum := place.node.enums.get(name):
            return self._chosen(selected, read, column.sql, enum)
        kind, nullable = shape(selected.definition.type)
        how = comes(table, name), kind
        text = ColumnText.of(column.sql, *how, nullable=nullable)
        always = not declaration.through and not is_nullable(table, name)
        quick = self._shown(read, *how) if always or nullable else None
        return self._draft.field(selected, read, quick=quick, text=text)

    def _shown(self, read: str, comes: str, kind: str) -> str | None:
        """How a column's value is shown as a `kind` without asking GraphQL, where that is known."""
        if comes == "bigint" and kind in _LIMITED:
            return f"{self._draft.name(_LIMITED[kind])}({read})"
        return read if (comes, kind) in _AS_IT_IS else None

    def _chosen(self, selected: Selected, read: str, sql: str, enum: Callable[[Any], Any]) -> Field:
        """A member of an enum, which is stored by its value and shown by its name."""
        members = _members(enum, selected.definition.type)
        text = MemberText(sql, members.texts, members.nullable) if members.texts else None
        raw = f"{self._draft.name(_member(enum))}({read})"
        return self._draft.field(selected, raw, quick=f"{self._draft.name(members.names)}[{read}]", text=text)

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
        present, made = f"r[{joined.presence}] is not None", inner.text
        text = JoinedText(joined.alias, made, shape(selected.definition.type)[1]) if made else None
        return self._draft.field(selected, f"(r if {present} else None)", inner=inner, present=present, text=text)

    def _connection(self, selected: Selected, declaration: ToMany, place: Place) -> Field:
        return _Pages(self._draft, self).connection(selected, declaration, place)

    def _list(self, selected: Selected, declaration: ListOf, place: Place) -> Field:
        target, before = place.node.target(declaration_of(selected).python_name), dict(place.level.columns)
        level = self._draft.level(selected, target, self._draft.bind(WholeBinding(target, declaration)), place)
        row = Place(target, level, level.alias)
        rows = f"r[{self._draft.relate(level, place, declaration.key)}]"
        made = self.items(selected, self.object(selected, object_type(selected), row), row, rows)
        self._draft.spell(made, place, before)
        return made

    def _count(self, selected: Selected, declaration: CountOf, place: Place) -> Field:
        return self.count(selected, self._whole(declaration.field, place, dict(declaration.given)), place)

    def _aggregate(self, selected: Selected, declaration: AggregateOf, place: Place) -> Field:
        related = self._whole(declaration.field, place)
        kind = sql_type(related.node.table, declaration.column)
        sql = aggregate_sql(declaration.function, related.alias, declaration.column, kind)
        over = AggregateOver(related, sql)
        read, raw = self._over(over, place)
        shown, nullable = shape(selected.definition.type)
        how = comes(related.node.table, declaration.column), shown
        text = AggregateText.of(over, *how, nullable=nullable)
        always = nullable or declaration.function == "sum"
        return self._draft.field(selected, raw, quick=self._shown(read, *how) if always else None, text=text)

    def _whole(self, name: str, place: Place, given: Mapping[str, Any] = NOTHING) -> Related:
        """All rows of the to-many field `name`, or those that its filter leaves."""
        target = place.node.target(name)
        declaration = cast("ToMany", place.node.fields[name].declaration)
        binding = self._draft.bind(WholeBinding(target, declaration, given))
        return Related(target, self._draft.alias(), declaration.key, place.alias, binding)


_MAKERS: Mapping[type, Callable[[Rows, Selected, Any, Place], Field]] = {
    GlobalId: Rows._global_id,  # noqa: SLF001 - its own
    Column: Rows._stored,  # noqa: SLF001
    Computed: Rows._computed,  # noqa: SLF001
    Batch: Rows._batch,  # noqa: SLF001
    ToOne: Rows._to_one,  # noqa: SLF001
    FirstOf: Rows._to_one,  # noqa: SLF001
    ToMany: Rows._connection,  # noqa: SLF001
    ListOf: Rows._list,  # noqa: SLF001
    CountOf: Rows._count,  # noqa: SLF001
    AggregateOf: Rows._aggregate,  # noqa: SLF001
}


class _Pages:
    """Compiles connections."""

    def __init__(self, draft: Draft, rows: Rows) -> None:
        self._draft = draft
        self._rows = rows

    def connection(self, selected: Selected, declaration: ToMany, parent: Place) -> Field:
        """A page of rows. They are read if anything but their number is asked for."""
        draft, kind, before = self._draft, object_type(selected), dict(parent.level.columns)
        target = parent.node.target(declaration_of(selected).python_name)
        binding = draft.bind(PageBinding(draft.arguments(selected), target, declaration))
        level = draft.level(selected, target, binding, parent)
        row, counted = Place(target, level, level.alias), Related(target, "", declaration.key, parent.alias, binding)
        made = Object(kind.name, "p")
        for below in draft.below(selected, kind):
            made.fields.append(draft.typename(below) or self._field(below, row, parent, counted))
        level.read = level.read or _judges_arguments(selected, made)
        rows = f"r[{draft.relate(level, parent, declaration.key)}]" if level.read else "None"
        asked, text = f"({rows}, B[{binding}])", made.text if _is_told_once(made) else None
        field = draft.field(
            selected, f"{draft.name(page)}{asked}", inner=made, rows=f"{draft.name(shown)}{asked}", text=text
        )
        draft.spell(field, parent, before)
        return field

    def _field(self, selected: Selected, row: Place, parent: Place, counted: Related) -> Field:
        match declaration_of(selected).python_name:
            case "nodes":
                return self._rows.items(selected, self._node(selected, row), row, "p.rows")
            case "edges":
                return self._rows.items(selected, self._edge(selected, row), row, "p.rows")
            case "page_info":
                return self._page_info(selected, row)
            case "total_count":
                related = Related(counted.node, self._draft.alias(), counted.key, counted.parent, counted.binding)
                return self._rows.count(selected, related, parent)
        raise NotCompilable.resolved(selected)

    def _node(self, selected: Selected, row: Place) -> Object:
        before = dict(row.level.columns)
        made = self._rows.object(selected, object_type(selected), row)
        self._draft.spell(made, row, before)
        return made

    def _edge(self, selected: Selected, row: Place) -> Object:
        made = Object(object_type(selected).name, "r")
        for below in self._draft.below(selected):
            if below.name == "node":
                inner = self._node(below, row)
                made.fields.append(self._draft.field(below, "r", inner=inner, present="True", text=inner.text))
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


def _is_told_once(made: Object) -> bool:
    """Whether a connection shows its rows in one place: what the database wrote twice it would also read twice."""
    return sum(field.raw == "p.rows" for field in made.fields) == 1


def _judges_arguments(selected: Selected, made: Object) -> bool:
    """Whether the rows are to be read although nobody asks for them.

    Only the database knows whether it can take a value, such as a cursor's; their number asks it about filters alone.
    """
    given = {argument.name.value for argument in selected.nodes[0].arguments or ()}
    return bool(given & {"after", "before"}) or all(field.name != "totalCount" for field in made.fields)


_guarded = cache(guarded)
_LIMITED = {"Int": small, "SafeInt": safe}
_AS_IT_IS = {
    ("text", "String"),
    ("int", "Int"),
    ("int", "SafeInt"),
    ("boolean", "Boolean"),
    ("timestamptz", "DateTime"),  # the encoder of JSON writes a moment in UTC as GraphQL's scalar does
}


@dataclass(frozen=True, slots=True)
class _Members:
    """Those of an enum: what each is shown as, and, if all are stored as texts, the same for the database."""

    names: dict[Any, Any]
    texts: tuple[tuple[str, str], ...]
    nullable: bool


@cache
def _members(enum: Callable[[Any], Any], kind: GraphQLOutputType) -> _Members:
    """Of a field of this type, for all plans."""
    shown, (_, nullable) = cast("GraphQLEnumType", get_named_type(kind)).coerce_output_value, shape(kind)
    names: dict[Any, Any] = {member.value: shown(member) for member in cast("type[Enum]", enum)}
    known = all(isinstance(stored, str) for stored in names)
    return _Members({**names, None: None} if nullable else names, tuple(names.items()) if known else (), nullable)


@cache
def _member(enum: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The member for a stored value, null for none; whatever is none of them is an error."""
    return guarded(lambda stored: None if stored is None else enum(stored))
