"""The values of an operation's variables, coerced as the specification says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    get_variable_values,
)
from graphql.execution.values import VariableValues

from plan.effort import noted
from plan.inputs import coerced, is_plain
from plan.shapes import require

MOST_VALUES = 32_000
"""In lists and objects, however deep. The most that ours need are 30,001, for an upload of 10,000 parts."""
FEW = 500
"""In lists and objects: what has no more is coerced in no time."""
MOST_ERRORS = 5
"""A client mends the first."""


def coerced_variables(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    given: Mapping[str, Any],
    *,
    large: bool,
    hide_suggestions: bool,
) -> VariableValues | list[GraphQLError]:
    """The coerced values, or what is wrong with them; with `hide_suggestions`, not what may have been meant.

    `large` is whether there are `many`.
    TooCostly where there are too many: to coerce one takes as long as to read a hundred from JSON.
    """
    definitions = operation.variable_definitions or ()
    if not large and (plain := _plainly(schema, definitions, given)) is not None:
        return plain
    _require_few(given)
    with noted():
        return get_variable_values(schema, definitions, dict(given), MOST_ERRORS, hide_suggestions)


def in_one_form(operation: OperationDefinitionNode, given: Mapping[str, Any]) -> bytes:
    """Those that the operation declares, as they were given: equal where it is asked the same.

    What it does not declare has been looked at by nobody, and may be nested deeper than can be written.
    """
    names = [definition.variable.name.value for definition in operation.variable_definitions or ()]
    return orjson.dumps({name: given[name] for name in names if name in given}, option=orjson.OPT_SORT_KEYS)


def many(given: Mapping[str, Any]) -> bool:
    """Whether it may be long to coerce the values: found out in no time."""
    left, pending = FEW, [value for value in given.values() if isinstance(value, dict | list)]
    while pending and left > 0:
        inside = pending.pop()
        left -= len(inside)
        values = inside.values() if isinstance(inside, dict) else inside[:FEW]
        pending.extend(value for value in values if isinstance(value, dict | list))
    return left <= 0


def _require_few(given: Mapping[str, Any]) -> None:
    found = 0
    pending: list[Any] = [given]
    while pending:
        inside = pending.pop()
        found += len(inside)
        require("values in variables", found, MOST_VALUES)
        values = inside.values() if isinstance(inside, Mapping) else inside
        pending.extend(value for value in values if isinstance(value, dict | list))


def _plainly(
    schema: GraphQLSchema, definitions: tuple[VariableDefinitionNode, ...], given: Mapping[str, Any]
) -> VariableValues | None:
    """The values where each is of just the type that is asked for: most are, and graphql-core takes 10 µs for each.

    Also sound objects: what is wrong with others is told by graphql-core.
    """
    values: dict[str, Any] = {}
    for definition in definitions:
        name, kind = definition.variable.name.value, definition.type
        if isinstance(kind, NonNullTypeNode):
            kind = kind.type
        if not isinstance(kind, NamedTypeNode) or name not in given:
            return None
        value = _valued(schema, kind.name.value, given[name])
        if value is Undefined:
            return None
        values[name] = value
    return VariableValues({}, values)


def _valued(schema: GraphQLSchema, kind: str, value: Any) -> Any:
    if is_plain(kind, value):
        return value
    named = schema.type_map.get(kind)
    if not isinstance(value, dict) or not isinstance(named, GraphQLInputObjectType):
        return Undefined
    try:
        return coerced(named, value)
    except RecursionError:
        return Undefined
