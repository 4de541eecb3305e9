"""What an operation may cost to run, counted before it runs.

A node is what has to be loaded: the object that a field leads to, each row of a connection's page, shown or not, and
each value that does not lie in its row. A value is anything that has to be looked at for the answer: each selection,
for each object that it is asked of. What the data or a variable leave open is counted as if it were there: fields
behind `@skip` and `@include`, and every member of a union.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from strawberry.types.field import StrawberryField

from plan.connections import LARGEST_PAGE, PAGE
from plan.declarations import ListOf
from plan.shapes import Selecting, require, selections

MOST_NODES = 10_000
"""A library page of 100 videos with 20 jobs each has 5,000. The dearest operations found took a second."""
MOST_VALUES = 75_000
"""The usual introspection has 56,000, and takes 40 ms."""
MOST_ROOT_FIELDS = {OperationType.QUERY: 50, OperationType.MUTATION: 10, OperationType.SUBSCRIPTION: 1}
LISTED = 10
"""How many items a list is taken to have that is no connection, unless its field's metadata says: `{"items": 1000}`."""

Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cost:
    """What selections cost for one object."""

    nodes: int = 0
    values: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.nodes + other.nodes, self.values + other.values)

    def times(self, count: int) -> Cost:
        """The cost for `count` objects."""
        return Cost(self.nodes * count, self.values * count)

    def require_affordable(self) -> None:
        """Raises TooCostly for more than one operation may cost."""
        require("nodes", self.nodes, MOST_NODES)
        require("values", self.values, MOST_VALUES)


@dataclass(frozen=True, slots=True)
class Share:
    """What selections add to the object that they are asked of.

    `once` is spent on the object itself, `listed` on each item of its lists. How many items these have is for the
    field to say that leads to the object: a connection's page size is known one level above its `nodes`. `fields` is
    how many fields stand side by side, fragments opened.
    """

    once: Cost = Cost()
    listed: Cost = Cost()
    fields: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.once + other.once, self.listed + other.listed, self.fields + other.fields)

    def total(self, items: int) -> Cost:
        """The cost where each list has so many items."""
        return self.once + self.listed.times(items)


class Tariff:
    """The costs of a valid document's operations.

    They are counted once, every variable taken for the largest page. Only where that is too much they are counted
    again for the variables of a request: most requests pay nothing, and nobody is refused for a page not asked for.
    """

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)
        }
        counter = _Counter(schema, self._fragments, None)
        operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
        self._at_worst = {_name(operation): counter.operation(operation) for operation in operations}

    def require_affordable(self, operation: OperationDefinitionNode, variables: Variables) -> None:
        """Raises TooCostly where the operation with these variables may cost more than is granted."""
        at_worst, fields = self._at_worst[_name(operation)]
        require("fields at the root", fields, MOST_ROOT_FIELDS[operation.operation])
        if at_worst.nodes > MOST_NODES or at_worst.values > MOST_VALUES:
            self.cost(operation, variables).require_affordable()

    def cost(self, operation: OperationDefinitionNode, variables: Variables) -> Cost:
        """What the operation costs at most with these variables, which need not be of their types."""
        defaults = {
            definition.variable.name.value: definition.default_value
            for definition in operation.variable_definitions or ()
            if definition.default_value
        }
        return _Counter(self._schema, self._fragments, {**defaults, **variables}).operation(operation)[0]


class _Counter:
    """Counts each fragment once, however often it is spread: linear in the document, not in what it expands to."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Variables | None
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._known: dict[str, Share] = {}

    def operation(self, node: OperationDefinitionNode) -> tuple[Cost, int]:
        """The cost, and the number of fields at the root."""
        root = self._schema.get_root_type(node.operation)
        share = self._below(node, root)
        return share.total(LISTED), share.fields

    def _below(self, node: Selecting, parent: Any) -> Share:
        return sum((self._selected(selection, parent) for selection in selections(node)), Share())

    def _selected(self, selection: SelectionNode, parent: Any) -> Share:
        match selection:
            case FragmentSpreadNode():
                return Share(_VALUE) + self._fragment(selection.name.value)
            case InlineFragmentNode(type_condition=NamedTypeNode(name=NameNode(value=name))):
                return Share(_VALUE) + self._below(selection, self._schema.type_map[name])
            case InlineFragmentNode():
                return Share(_VALUE) + self._below(selection, parent)
            case FieldNode():
                field = self._schema.get_field(parent, selection.name.value)
                return self._field(selection, cast("GraphQLField", field))
        raise TypeError(f"{selection} is no selection")

    def _field(self, node: FieldNode, field: GraphQLField) -> Share:
        inside = self._below(node, get_named_type(field.type))
        if field.args.keys() >= _PAGING:
            rows = self._page(node)
            return Share(Cost(rows + 1, 1) + inside.total(rows), fields=1)  # one row more says whether there are more
        if most := _most_rows(field):
            return Share(Cost(most, 1) + inside.total(most), fields=1)
        cost = inside.total(LISTED)
        if node.selection_set and is_list_type(get_nullable_type(field.type)):
            return Share(listed=(_VALUE + cost).times(_length(field) // LISTED), fields=1)
        return Share((_LOADED if _is_loaded(field) else _VALUE) + cost, fields=1)

    def _fragment(self, name: str) -> Share:
        if name not in self._known:
            fragment = self._fragments[name]
            self._known[name] = self._below(fragment, self._schema.type_map[fragment.type_condition.name.value])
        return self._known[name]

    def _page(self, node: FieldNode) -> int:
        """How many rows the page of a connection may have."""
        sizes = [self._size(argument.value) for argument in node.arguments or () if argument.name.value in _PAGING]
        return max(filter(None, sizes), default=PAGE)

    def _size(self, value: ValueNode) -> int | None:
        """A page's size; None where it is left to us. Sizes that no page can have are refused by the connection."""
        if isinstance(value, IntValueNode):
            return _between(int(value.value))
        if not isinstance(value, VariableNode):
            return None  # null
        given = LARGEST_PAGE if self._variables is None else self._variables.get(value.name.value)
        if given is None:
            return None
        if isinstance(given, ValueNode):
            return self._size(given)  # the default
        return _between(given) if isinstance(given, int) else LARGEST_PAGE  # 1e1 is an Int too


_PAGING = {"first", "last"}
_VALUE = Cost(values=1)
_LOADED = Cost(1, 1)


def _is_loaded(field: GraphQLField) -> bool:
    """Whether the row at hand does not answer the field: then it is awaited, which takes some ten times as long."""
    declared: StrawberryField | None = field.extensions.get("strawberry-definition")
    return declared is not None and not declared.is_basic_field


def _most_rows(field: GraphQLField) -> int:
    """How many rows a declared list may have; 0 where the field is none."""
    declaration = getattr(field.extensions.get("strawberry-definition"), "declaration", None)
    return declaration.most if isinstance(declaration, ListOf) else 0


def _between(size: int) -> int:
    return min(max(size, 1), LARGEST_PAGE)


def _name(operation: OperationDefinitionNode) -> str | None:
    return operation.name.value if operation.name else None


def _length(field: GraphQLField) -> int:
    declared = field.extensions.get("strawberry-definition")
    return int(declared.metadata.get("items", LISTED)) if declared is not None else LISTED
