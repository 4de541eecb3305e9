"""On whom an answer depends, derived from what is selected: whoever it is the same for may share it.

Each declaration says it, or implies it: a relation depends on who may see its rows, and a filter on whether it asks for
one's own. What is not known counts as personal.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from graphql import GraphQLObjectType, get_named_type, is_abstract_type, is_composite_type

from plan.arguments import Arguments, Binding, Convert, PageBinding, Request, WholeBinding
from plan.collecting import Collector, Selected
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
    Reference,
    ToMany,
    ToOne,
)
from plan.depends import DEPENDS, Depends
from plan.documents import Kept, weight
from plan.nodes import NODES, NodeDefinition, innermost, node_of
from plan.variables import in_one_form
from plan.writing import OfViewer

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from plan.runner import Asked

CHARACTERS_KEPT = 200_000


class Bond(IntEnum):
    """How the rows of a table hang on a viewer who is several people at once."""

    WITHIN = 0
    """They belong to what these people have in common, by a column of their own. So does whatever they are related to,
    as far as its rows are bound at all."""
    BESIDE = 1
    """They are seen by way of other rows, as colleagues are: what they are related to may belong elsewhere."""
    NONE = 2
    """No such viewer sees any: they are a person's own."""


def bond_of(node: NodeDefinition) -> Bond:
    """How the rows of `node` hang on those of the viewers tried with its predicate that are several people."""
    return min((_bond(template) for template in node.visibility.shared), default=Bond.NONE)


def _bond(template: Any) -> Bond:
    if any(isinstance(slot, OfViewer) for slot in template.of_row()):
        return Bond.WITHIN
    return Bond.BESIDE if any(isinstance(slot, OfViewer) for slot in template.slots) else Bond.NONE


class Dependence:
    """Tells of the operations over one schema on whom their answers depend."""

    def __init__(self, schema: GraphQLSchema, convert: Convert) -> None:
        self._schema = schema
        self._convert = convert
        self._known: Kept[tuple[str, str, bytes], Depends] = Kept(CHARACTERS_KEPT)
        self._bond = cache(bond_of)

    def of(self, asked: Asked) -> Depends:
        """The narrowest over all that the operation selects, with the variables that it is asked with."""
        given = in_one_form(asked.operation, asked.given)
        characters = weight(asked.text) + len(given)
        return self._known.get((asked.text, asked.name, given), characters, lambda: self._derived(asked))

    def _derived(self, asked: Asked) -> Depends:
        collector = Collector(self._schema, asked.document, asked.operation, asked.variables)
        return max(self._everywhere(asked, collector), default=Depends.NOTHING)

    def _everywhere(self, asked: Asked, collector: Collector) -> Iterator[Depends]:
        """Of each selected field, at every depth."""
        waiting = collector.roots()
        while waiting:
            selected = waiting.pop()
            yield self._own(selected, asked)
            kind = get_named_type(selected.definition.type)
            if is_composite_type(kind):
                kinds = self._schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
                for each in cast("list[GraphQLObjectType]", kinds):
                    waiting += collector.below(selected, each)

    def _own(self, selected: Selected, asked: Asked) -> Depends:
        """Of the field alone, without what is asked for of what it answers."""
        if selected.name == "__typename":
            return Depends.NOTHING
        declared = selected.definition.extensions.get("strawberry-definition")
        if not isinstance(declared, PlanField):
            return said_of(declared)
        owner = NODES.get(selected.parent.name)
        if isinstance(declared.declaration, Reference):
            target = node_of(innermost(declared.type))
            seen = Depends.PERSON if self._bond(target) is Bond.NONE else Depends.ROLE
            return max(declared.declaration.depends, seen)
        if owner is None:
            return Depends.PERSON
        arguments = Arguments(declared, selected.definition, selected.nodes[0], self._convert)
        return self._declared(owner, declared, arguments, Request(None, None, asked.variables))

    def _declared(self, owner: NodeDefinition, declared: PlanField, arguments: Arguments, request: Request) -> Depends:
        match declared.declaration:
            case GlobalId() | Computed() | Column(through=None):
                return Depends.NOTHING
            case Column(through=str(relation)):
                return self._related(owner, relation)
            case Batch(depends=depends):
                return depends
            case ToOne() | FirstOf() | ListOf():
                return self._related(owner, declared.python_name)
            case ToMany() as many:
                page = PageBinding(arguments, owner.target(declared.python_name), many)
                return max(self._related(owner, declared.python_name), _asked_for(page, request))
            case CountOf(field=field) | AggregateOf(field=field):
                given = declared.declaration.given if isinstance(declared.declaration, CountOf) else ()
                many = cast("ToMany", owner.fields[field].declaration)
                whole = WholeBinding(owner.target(field), many, dict(given))
                return max(self._related(owner, field), _asked_for(whole, request))
        return Depends.PERSON

    def _related(self, owner: NodeDefinition, relation: str) -> Depends:
        """Who sees the rows that a relation leads to: a role, where both ends belong to what it is a role in."""
        if self._bond(owner) is not Bond.WITHIN or self._bond(owner.target(relation)) is Bond.NONE:
            return Depends.PERSON
        return Depends.ROLE


def said_of(declared: Any) -> Depends:
    """What a field that is no declaration says of itself. One that only shows what is there already says nothing."""
    said = getattr(declared, "depends", getattr(declared, "metadata", {}).get(DEPENDS))
    if said is not None:
        return Depends(said)
    return Depends.NOTHING if declared is not None and declared.base_resolver is None else Depends.PERSON


def _asked_for(binding: Binding, request: Request) -> Depends:
    """Whether a client's condition is about whoever asks."""
    template = binding.bound(request).template
    own = template is not None and any(isinstance(slot, OfViewer) for slot in template.slots)
    return Depends.PERSON if own else Depends.NOTHING
