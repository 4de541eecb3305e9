"""What an operation may cost to run, counted before it runs.

A node is what has to be loaded: the object that a field leads to, each row of a connection's page, shown or not, and
each value that does not lie in its row. A value is anything that has to be looked at for the answer: each selection,
for each object that it is asked of; a text that may be long is several. What the data or a variable leave open is
counted as if it were there: fields behind `@skip` and `@include`, and every member of a union.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
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
    SelectionNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from strawberry.types.field import StrawberryField

from plan.connections import LARGEST_PAGE, PAGE
from plan.declarations import Batch, Column, Computed, ListOf
from plan.shapes import Selecting, require, selections

MOST_NODES = 10_000
"""A library page of 100 videos with 20 jobs each has 5,000. The dearest operations found took a second."""
MOST_VALUES = 75_000
"""The usual introspection has 56,000, and takes 40 ms."""
VALUES_OF_A_NODE = 200
"""As many take about as long as a node."""
CHARACTERS_OF_A_VALUE = 500
"""So much of a text: else a page of texts, asked for by a hundred names, would be as many megabytes."""
PRICES_KEPT = 20
"""For one document: page sizes make them differ."""
LISTED = 10
"""How many items a list is taken to have that is no connection, unless its field's metadata says: `{"items": 1000}`."""

Variables = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cost:
    """What selections cost for one object."""

    nodes: int = 0
    values: int = 0

    @property
    def charge(self) -> int:
        """What is taken from a budget, in nodes: at least one, and for what is only looked at one for many values."""
        return max(1, self.nodes, self.values // VALUES_OF_A_NODE)

    def require_affordable(self) -> None:
        """Raises TooCostly for more than one operation may cost."""
        require("nodes", self.nodes, MOST_NODES)
        require("values", self.values, MOST_VALUES)


@dataclass(slots=True)
class Share:
    """What selections add to the object that they are asked of.

    `nodes` and `values` are spent on the object itself, those `listed` on each item of its lists. How many items these
    have, the field says that leads to the object: a connection's page size is known one level above its `nodes`.
    """

    nodes: int = 0
    values: int = 0
    listed_nodes: int = 0
    listed_values: int = 0

    def add(self, other: Share) -> None:
        """Both are selected."""
        self.nodes += other.nodes
        self.values += other.values
        self.listed_nodes += other.listed_nodes
        self.listed_values += other.listed_values

    def spend(self, inside: Share, items: int) -> None:
        """Adds the cost of what is `inside` of an object, where each list in it has so many items."""
        self.nodes += inside.nodes + items * inside.listed_nodes
        self.values += inside.values + items * inside.listed_values


@dataclass(frozen=True, slots=True)
class _Charge:
    """What a field counts for, whatever is asked of its object (of the type `below`)."""

    below: Any
    nodes: int
    values: int
    is_paged: bool
    most: int
    """Rows of a declared list; 0 where it is none."""
    items: int
    """Of any other list; 0 where it is none."""


class Tariffs:
    """Knows what each field of a schema counts for."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._charges: dict[tuple[str, str], _Charge] = {}

    def of(self, document: DocumentNode) -> Tariff:
        """The costs of a valid document's operations."""
        return Tariff(self, document)

    def charge(self, parent: Any, name: str) -> _Charge:
        """What a field of a type counts for: of a valid document, so that there are no more than the schema has."""
        key = parent.name, name
        if (known := self._charges.get(key)) is None:
            field = cast("GraphQLField", self.schema.get_field(parent, name))
            known = self._charges[key] = _charge(field)
        return known


class Tariff:
    """The costs of a document's operations, counted once for all variables that come to the same page sizes."""

    def __init__(self, tariffs: Tariffs, document: DocumentNode) -> None:
        self._tariffs = tariffs
        self._fragments = {
            part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)
        }
        self._sizing: dict[str | None, tuple[str, ...]] = {}
        """Of each operation, the variables that a page's size may depend on."""
        self._known: dict[Hashable, Cost] = {}

    def price(self, operation: OperationDefinitionNode, variables: Variables) -> Cost:
        """What `cost` says; TooCostly where that is more than is granted."""
        name = operation.name.value if operation.name else None
        sizing = self._sizing.get(name)
        cost = None if sizing is None else self._known.get(_key(name, sizing, variables))
        if cost is None:
            cost = self._counted(name, operation, variables)
        if cost.nodes > MOST_NODES or cost.values > MOST_VALUES:
            cost.require_affordable()
        return cost

    def _counted(self, name: str | None, operation: OperationDefinitionNode, variables: Variables) -> Cost:
        if len(self._known) == PRICES_KEPT:
            self._known.clear()
        counter = self._counter(operation, variables)
        cost = counter.operation(operation)
        self._sizing[name] = tuple(counter.sizing)
        self._known[_key(name, self._sizing[name], variables)] = cost
        return cost

    def cost(self, operation: OperationDefinitionNode, variables: Variables) -> Cost:
        """What the operation costs at most with these variables, which need not be of their types."""
        return self._counter(operation, variables).operation(operation)

    def _counter(self, operation: OperationDefinitionNode, variables: Variables) -> _Counter:
        defaults = {
            definition.variable.name.value: definition.default_value
            for definition in operation.variable_definitions or ()
            if definition.default_value
        }
        return _Counter(self._tariffs, self._fragments, {**defaults, **variables})


class _Counter:
    """Counts each fragment once, however often it is spread: linear in the document, not in what it expands to."""

    def __init__(self, tariffs: Tariffs, fragments: Mapping[str, FragmentDefinitionNode], variables: Variables) -> None:
        self._tariffs = tariffs
        self._schema = tariffs.schema
        self._fragments = fragments
        self._variables = variables
        self._known: dict[str, Share] = {}
        self.sizing: dict[str, None] = {}
        """The names of the variables that were looked at."""

    def operation(self, node: OperationDefinitionNode) -> Cost:
        """The cost of an operation."""
        found = Share()
        found.spend(self._below(node, self._schema.get_root_type(node.operation)), LISTED)
        return Cost(found.nodes, found.values)

    def _below(self, node: Selecting, parent: Any) -> Share:
        found = Share()
        for selection in selections(node):
            if isinstance(selection, FieldNode):
                self._field(selection, self._tariffs.charge(parent, selection.name.value), found)
            else:
                found.values += 1
                found.add(self._opened(selection, parent))
        return found

    def _opened(self, selection: SelectionNode, parent: Any) -> Share:
        match selection:
            case FragmentSpreadNode():
                return self._fragment(selection.name.value)
            case InlineFragmentNode(type_condition=NamedTypeNode(name=NameNode(value=name))):
                return self._below(selection, self._schema.type_map[name])
            case InlineFragmentNode():
                return self._below(selection, parent)
        raise TypeError(f"{selection} is no selection")

    def _field(self, node: FieldNode, charge: _Charge, found: Share) -> None:
        """Adds what the field costs."""
        if node.selection_set is None:
            found.nodes += charge.nodes
            found.values += charge.values
            return
        inside = self._below(node, charge.below)
        if charge.is_paged:
            rows = self._page(node)
            found.nodes += rows + 1  # one row more says whether there are more
            found.values += 1
            found.spend(inside, rows)
        elif charge.most:
            row = Share(nodes=1, values=1)
            row.spend(inside, LISTED)
            found.nodes += row.nodes * charge.most
            found.values += 1 + row.values * charge.most
        elif charge.items:
            item, times = Share(values=1), charge.items // LISTED
            item.spend(inside, LISTED)
            found.listed_nodes += item.nodes * times
            found.listed_values += item.values * times
        else:
            found.nodes += charge.nodes
            found.values += charge.values
            found.spend(inside, LISTED)

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
        self.sizing[value.name.value] = None
        given = self._variables.get(value.name.value)
        if given is None:
            return None
        if isinstance(given, ValueNode):
            return self._size(given)  # the default
        return _between(given) if isinstance(given, int) else LARGEST_PAGE  # 1e1 is an Int too


_PAGING = {"first", "last"}


def _is_loaded(field: GraphQLField) -> bool:
    """Whether the row at hand does not answer the field: then it is awaited, which takes some ten times as long."""
    declared: StrawberryField | None = field.extensions.get("strawberry-definition")
    return declared is not None and not declared.is_basic_field


def _values(field: GraphQLField) -> int:
    """How many values it counts for: one, unless its text may be long."""
    declaration = getattr(field.extensions.get("strawberry-definition"), "declaration", None)
    characters = declaration.characters if isinstance(declaration, Batch | Column | Computed) else 0
    return max(1, characters // CHARACTERS_OF_A_VALUE)


def _most_rows(field: GraphQLField) -> int:
    """How many rows a declared list may have; 0 where the field is none."""
    declaration = getattr(field.extensions.get("strawberry-definition"), "declaration", None)
    return declaration.most if isinstance(declaration, ListOf) else 0


def _charge(field: GraphQLField) -> _Charge:
    is_list = is_list_type(get_nullable_type(field.type))
    return _Charge(
        below=get_named_type(field.type),
        nodes=int(_is_loaded(field)),
        values=_values(field),
        is_paged=field.args.keys() >= _PAGING,
        most=_most_rows(field),
        items=_length(field) if is_list else 0,
    )


def _key(name: str | None, sizing: tuple[str, ...], variables: Variables) -> Hashable:
    """What a price depends on."""
    return (name, *[_given(variables, each) for each in sizing]) if sizing else name


def _given(variables: Variables, name: str) -> Hashable:
    """What of a variable's value decides a page's size: false where there is none."""
    if name not in variables:
        return False
    given = variables[name]
    return given if given is None else _between(given) if isinstance(given, int) else LARGEST_PAGE


def _between(size: int) -> int:
    return min(max(size, 1), LARGEST_PAGE)


def _length(field: GraphQLField) -> int:
    declared = field.extensions.get("strawberry-definition")
    return int(declared.metadata.get("items", LISTED)) if declared is not None else LISTED
