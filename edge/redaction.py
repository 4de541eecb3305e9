"""Variables of an operation as a log may have them: their shape without their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLSchema,
    get_nullable_type,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    type_from_ast,
)

from plan.requests import Operation

MOST_CHARACTERS = 1000
"""Of all variables of one operation together."""
_MOST_ITEMS, _DEEPEST, _LONGEST_NAME = 3, 6, 100
_SIZES = ("first", "last")
"""Numbers by these names are page sizes, and tell nothing of anybody; any other may be a code."""


def redacted(schema: GraphQLSchema, operation: Operation) -> dict[str, Any]:
    """What was given for the operation's variables: names as declared, and of values their kinds and lengths.

    Truth values, nulls, members of enums and page sizes are told as they are.
    """
    given, shown, left = operation.request.variables, dict[str, Any](), MOST_CHARACTERS
    for definition in operation.node.variable_definitions or ():
        name = definition.variable.name.value
        if name in given:
            value = _shown(name, given[name], type_from_ast(schema, definition.type), 0)
            left -= len(name) + len(str(value))
            if left < 0:
                return shown | {"…": "more"}
            shown[name[:_LONGEST_NAME]] = value
    return shown


def _shown(name: str, value: Any, kind: Any, depth: int) -> Any:
    kind = get_nullable_type(kind)
    if value is None or isinstance(value, bool):
        return value
    if is_list_type(kind) and isinstance(value, list):
        return _items(name, value, kind.of_type, depth)
    if is_input_object_type(kind) and isinstance(value, Mapping) and depth < _DEEPEST:
        return {
            each: _shown(each, item, kind.fields[each].type, depth + 1)
            for each, item in value.items()
            if each in kind.fields
        }
    if is_enum_type(kind) and isinstance(value, str) and value in kind.values:
        return value
    if name in _SIZES and isinstance(value, int):
        return value
    return _kind(value)


def _items(name: str, values: list[Any], kind: Any, depth: int) -> list[Any]:
    shown = [_shown(name, value, kind, depth + 1) for value in values[:_MOST_ITEMS]] if depth < _DEEPEST else []
    more = len(values) - len(shown)
    return [*shown, f"<{more} more>"] if more else shown


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return f"<string {len(value)}>"
    if isinstance(value, list | Mapping):
        return f"<{'list' if isinstance(value, list) else 'object'} {len(value)}>"
    return f"<{type(value).__name__}>"
