"""From a selection to an outline: which levels of rows to read, and where in them each value of the answer lies.

Here are the objects that are no rows: roots, payloads, events. Rows are compiled in `plan/rowwise.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from graphql import GraphQLObjectType, get_named_type, is_abstract_type, is_object_type
from strawberry.types.field import StrawberryField

from plan.arguments import Binding, Convert, IdBinding, ReferenceBinding
from plan.collecting import Collector, Selected
from plan.declarations import AnyById, ById, PlanField, Reference
from plan.draft import Draft, NotCompilable, Outline, Place, declaration_of, object_type
from plan.nodes import NODES, innermost, node_of
from plan.outline import Choice, Field, Object, first
from plan.rowwise import Rows

MOST_JOINS = 60
"""In one statement: beyond, PostgreSQL takes longer to plan it than to run it in parts."""
MOST_SUBQUERIES = 150
"""Levels, counts and aggregates of one statement: beyond, it is too long to be kept prepared."""


class Compiler:
    """Compiles what is asked of one object: the root of a query, a mutation's payload, an event.

    With `spelling`, the database writes rows as JSON wherever it can.
    """

    def __init__(self, collector: Collector, convert: Convert, *, spelling: bool) -> None:
        self._collector = collector
        self._convert = convert
        self._spelling = spelling

    def query(self, root: GraphQLObjectType) -> Outline:
        """The outline of a whole query."""
        values = _Values(self._draft(root.name))
        return _settled(values.filled(self._collector.roots()))

    def value(self, selected: Selected, kind: GraphQLObjectType) -> Outline:
        """The outline of a field's answer where that is an object in Python."""
        values = _Values(self._draft(kind.name))
        return _settled(values.filled(self._collector.below(selected, kind)))

    def row(self, selected: Selected, kind: GraphQLObjectType, by: Reference) -> Outline:
        """The outline of a field's answer where that is a row, whose id `by` answers. It has one field, the row."""
        draft = self._draft(selected.parent.name)
        draft.outline.object.fields.append(_Values(draft).root(selected, ReferenceBinding(by), [kind]))
        return _settled(draft.outline)

    def _draft(self, type_name: str) -> Draft:
        return Draft(Object(type_name, "s"), self._collector, self._convert, spelling=self._spelling)


class _Values:
    """Compiles fields of what is no row: at the top those that lead to rows, below it values that are there already."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def filled(self, fields: Sequence[Selected]) -> Outline:
        """The outline with these fields at its top."""
        outline = self._draft.outline
        outline.object.fields += [self._draft.typename(selected) or self._at_top(selected) for selected in fields]
        return outline

    def _at_top(self, selected: Selected) -> Field:
        declared = declaration_of(selected)
        match declared:
            case PlanField(declaration=ById()):
                node = node_of(innermost(declared.type))
                return self.root(selected, IdBinding(self._draft.arguments(selected), node), [object_type(selected)])
            case PlanField(declaration=AnyById()):
                kinds = self._possible_types(selected)
                return self.root(selected, IdBinding(self._draft.arguments(selected), None), kinds)
            case PlanField(declaration=Reference() as declaration):
                return self.root(selected, ReferenceBinding(declaration), [object_type(selected)])
        return self._held(selected)

    def _held(self, selected: Selected) -> Field:
        """An attribute of the object at hand."""
        declared = declaration_of(selected)
        guarded = declared.base_resolver or declared.permission_classes or declared.extensions
        if type(declared) is not StrawberryField or guarded:
            raise NotCompilable.resolved(selected)
        return self.attribute(selected, f"s.{declared.python_name}")

    def attribute(self, selected: Selected, raw: str) -> Field:
        """A value that is there already; where it is an object, its fields are its attributes."""
        kind = get_named_type(selected.definition.type)
        if is_abstract_type(kind):
            raise NotCompilable("abstract", f"{selected.parent.name}.{selected.name} may be of several types")
        if not is_object_type(kind):
            return self._draft.field(selected, raw)
        fields = self._draft.below(selected)
        inner = Object(kind.name, "s", [self._draft.typename(below) or self._held(below) for below in fields])
        return self._draft.field(selected, raw, inner=inner)

    def root(self, selected: Selected, binding: Binding, kinds: Sequence[GraphQLObjectType]) -> Field:
        """A row that is found by its id; of several possible types, it is the id that says which."""
        draft, index = self._draft, self._draft.bind(binding)
        objects, places = dict[str, Object](), dict[str, int]()
        rows = Rows(draft, self.attribute)  # not kept: nothing shall hold itself, and wait for the collector of garbage
        for kind in kinds:
            level = draft.level(selected, NODES[kind.name], index)
            draft.outline.roots.append(level)
            level.place = places[kind.name] = len(draft.outline.roots) - 1
            objects[kind.name] = rows.object(selected, kind, Place(level.node, level, level.alias))
        if len(kinds) == 1:
            (place,), (inner,) = places.values(), objects.values()
            return draft.field(selected, f"{draft.name(first)}(R[{place}], B[{index}])", inner=inner)
        chosen, table = f"B[{index}].chosen", draft.name(places)
        found = f"(R[{table}[{chosen}]] if {chosen} in {table} else None)"
        return draft.field(selected, f"{draft.name(first)}({found}, B[{index}])", inner=Choice(chosen, objects))

    def _possible_types(self, selected: Selected) -> Sequence[GraphQLObjectType]:
        kind = cast("Any", get_named_type(selected.definition.type))
        return self._draft.collector.schema.get_possible_types(kind)


def _settled(outline: Outline) -> Outline:
    for level in outline.levels:  # parents first
        if level.parent is not None and (level.parent.place < 0 or level not in level.parent.columns):
            level.place = -1  # its rows are in a text
    joins = sum(len(level.joins) for level in outline.levels)
    if joins > MOST_JOINS:
        raise NotCompilable("joins", f"{joins} relations to one row; a plan joins at most {MOST_JOINS}")
    if len(outline.bindings) > MOST_SUBQUERIES:
        raise NotCompilable("subqueries", f"{len(outline.bindings)} of them; a plan has at most {MOST_SUBQUERIES}")
    return outline
