"""Which fields are selected, as graphql-core collects them: fragments opened, duplicates merged, the skipped gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from graphql.language import DirectiveNode


class Selected:
    """A field under one key of an answer, with every place of the document that asks for it (its `nodes`)."""

    __slots__ = ("definition", "details", "key", "name", "nodes", "parent")

    def __init__(
        self, key: str, parent: GraphQLObjectType, name: str, definition: GraphQLField, details: list[FieldDetails]
    ) -> None:
        self.key, self.parent, self.name = key, parent, name
        self.definition = definition
        self.details = details
        self.nodes: list[FieldNode] = [each.node for each in details]


class Collector:
    """Collects the fields of one operation for given variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: VariableValues,
    ) -> None:
        self.schema = schema
        self.operation = operation
        self._variables = variables
        self.fragments = {
            part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)
        }
        self._fragments = {name: FragmentDetails(part) for name, part in self.fragments.items()}

    def roots(self) -> list[Selected]:
        """The fields at the root."""
        root = self.schema.get_root_type(self.operation.operation)
        assert root is not None, "a valid operation has a root type"
        simple = _simply(self.operation.selection_set.selections)
        if simple is not None:
            return self._selected(root, simple)
        collected = collect_fields(self.schema, self._fragments, self._variables, root, self.operation)
        return self._selected(root, collected.grouped_field_set)

    def below(self, selected: Selected, kind: GraphQLObjectType) -> list[Selected]:
        """The fields that are asked for of an object of the type `kind`."""
        if len(selected.nodes) == 1 and (inside := selected.nodes[0].selection_set) is not None:
            simple = _simply(inside.selections)
            if simple is not None:
                return self._selected(kind, simple)
        collected = collect_subfields(
            self.schema, self._fragments, self._variables, self.operation, kind, selected.details
        )
        return self._selected(kind, collected.grouped_field_set)

    def _selected(self, parent: GraphQLObjectType, grouped: dict[str, list[FieldDetails]]) -> list[Selected]:
        return [self._one(key, parent, details) for key, details in grouped.items()]

    def _one(self, key: str, parent: GraphQLObjectType, details: list[FieldDetails]) -> Selected:
        name = details[0].node.name.value
        definition = parent.fields.get(name) or cast("GraphQLField", self.schema.get_field(parent, name))
        return Selected(key, parent, name, definition, details)


def _simply(selections: Sequence[SelectionNode]) -> dict[str, list[FieldDetails]] | None:
    """The fields, where they are nothing but fields: none opened, skipped or merged. Most are."""
    found = dict[str, list[FieldDetails]]()
    for node in selections:
        if not isinstance(node, FieldNode) or node.directives:
            return None
        key = node.alias.value if node.alias else node.name.value
        if key in found:
            return None
        found[key] = [FieldDetails(node, None)]
    return found


def deciding_variables(document: DocumentNode) -> tuple[str, ...]:
    """The variables on which `@skip` and `@include` depend anywhere in the document."""
    found = _Deciding()
    visit(document, found)
    return tuple(dict.fromkeys(found.names))


class _Deciding(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        if node.name.value in ("skip", "include"):
            values: Iterable[Node] = (argument.value for argument in node.arguments or ())
            self.names += [value.name.value for value in values if isinstance(value, VariableNode)]


def deciding(names: Sequence[str], variables: VariableValues) -> VariableValues:
    """Only those variables: what a plan is made with it keeps, and the others may be long, or passwords."""
    sources, coerced = variables.sources, variables.coerced
    return VariableValues(
        {name: sources[name] for name in names if name in sources},
        {name: coerced[name] for name in names if name in coerced},
    )


def decisions(names: Sequence[str], variables: VariableValues) -> tuple[Any, ...]:
    """What those variables say in a request."""
    return tuple(variables.coerced.get(name) for name in names)
