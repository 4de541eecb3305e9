"""Which fields are selected, as graphql-core collects them: fragments opened, duplicates merged, the skipped gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from graphql.language import DirectiveNode


@dataclass(frozen=True, slots=True)
class Selected:
    """A field under one key of an answer, with every place of the document that asks for it."""

    key: str
    parent: GraphQLObjectType
    definition: GraphQLField
    details: list[FieldDetails]

    @property
    def name(self) -> str:
        """The field's name."""
        return self.details[0].node.name.value

    @property
    def nodes(self) -> list[FieldNode]:
        """Where it stands in the document."""
        return [each.node for each in self.details]


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
        collected = collect_fields(self.schema, self._fragments, self._variables, root, self.operation)
        return self._selected(root, collected.grouped_field_set)

    def below(self, selected: Selected, kind: GraphQLObjectType) -> list[Selected]:
        """The fields that are asked for of an object of the type `kind`."""
        collected = collect_subfields(
            self.schema, self._fragments, self._variables, self.operation, kind, selected.details
        )
        return self._selected(kind, collected.grouped_field_set)

    def _selected(self, parent: GraphQLObjectType, grouped: dict[str, list[FieldDetails]]) -> list[Selected]:
        return [
            Selected(
                key, parent, cast("GraphQLField", self.schema.get_field(parent, details[0].node.name.value)), details
            )
            for key, details in grouped.items()
        ]


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


def decisions(names: Sequence[str], variables: VariableValues) -> tuple[Any, ...]:
    """What those variables say in a request."""
    return tuple(variables.coerced.get(name) for name in names)
