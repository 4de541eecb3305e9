"""The values of an operation's variables, coerced as the specification says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
    get_variable_values,
)
from graphql.execution.values import VariableValues

_PLAIN: dict[str, type] = {"ID": str, "String": str, "Boolean": bool}


def coerced_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any]
) -> VariableValues | list[GraphQLError]:
    """The coerced values, or what is wrong with them."""
    definitions = operation.variable_definitions or ()
    return _plainly(definitions, given) or get_variable_values(schema, definitions, dict(given))


def _plainly(definitions: tuple[VariableDefinitionNode, ...], given: Mapping[str, Any]) -> VariableValues | None:
    """The values where each is of just the type that is asked for: most are, and graphql-core takes 10 µs for each."""
    values = dict[str, Any]()
    for definition in definitions:
        name, kind = definition.variable.name.value, definition.type
        if isinstance(kind, NonNullTypeNode):
            kind = kind.type
        if not isinstance(kind, NamedTypeNode) or name not in given or not _is(kind.name.value, given[name]):
            return None
        values[name] = given[name]
    return VariableValues({}, values)


def _is(kind: str, value: Any) -> bool:
    if kind == "Int":
        return type(value) is int and -0x80000000 <= value < 0x80000000
    return type(value) is _PLAIN.get(kind)
