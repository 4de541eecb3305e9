"""Whether `data` is what the schema promises: every field that was asked for, of its type, and no other."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_operation_ast,
    is_abstract_type,
    parse,
)

Path = tuple[str | int, ...]
INT, SAFE = 2**31, 2**53
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class Shape:
    """Of the operation `name` of a document.

    It knows no named fragments and no directives; objects of abstract types must ask for `__typename`.
    """

    def __init__(self, schema: GraphQLSchema, text: str, name: str | None = None) -> None:
        self._schema = schema
        operation = get_operation_ast(parse(text), name)
        assert isinstance(operation, OperationDefinitionNode)
        self._root = GraphQLNonNull(schema.get_root_type(operation.operation))
        self._selected = [operation.selection_set]

    def faults(self, data: Any) -> Iterator[str]:
        """What is not as promised, in words; a null that errors have brought up to the root is."""
        return iter(()) if data is None else self._value(self._root, self._selected, data, ())

    def _value(self, kind: Any, selected: Sequence[SelectionSetNode], value: Any, path: Path) -> Iterator[str]:
        if isinstance(kind, GraphQLNonNull):
            if value is None:
                yield f"null at {list(path)}, where {kind} may not be"
                return
            kind = kind.of_type
        if value is None:
            return
        if isinstance(kind, GraphQLList):
            yield from self._list(kind, selected, value, path)
        elif isinstance(kind, GraphQLObjectType) or is_abstract_type(kind):
            yield from self._object(kind, selected, value, path)
        elif not _is_leaf(kind, value):
            yield f"{value!r:.80} at {list(path)} is no {kind}"

    def _list(self, kind: Any, selected: Sequence[SelectionSetNode], value: Any, path: Path) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"no list at {list(path)}"
            return
        for number, item in enumerate(value):
            yield from self._value(kind.of_type, selected, item, (*path, number))

    def _object(self, kind: Any, selected: Sequence[SelectionSetNode], value: Any, path: Path) -> Iterator[str]:
        found = self._concrete(kind, value)
        if found is None:
            yield f"at {list(path)} is no {kind}: {value!r:.80}"
            return
        fields = dict[str, list[FieldNode]]()
        for part in selected:
            self._gather(part, found, fields)
        if fields.keys() != value.keys():
            yield f"at {list(path)} are {sorted(value)}, asked for were {sorted(fields)}"
            return
        for shown, asked in fields.items():
            below = [node.selection_set for node in asked if node.selection_set]
            if asked[0].name.value == "__typename":
                yield from [] if value[shown] == found.name else [f"{value[shown]!r} at {list(path)} is a {found}"]
            else:
                yield from self._value(found.fields[asked[0].name.value].type, below, value[shown], (*path, shown))

    def _concrete(self, kind: Any, value: Any) -> GraphQLObjectType | None:
        if not isinstance(value, Mapping):
            return None
        if isinstance(kind, GraphQLObjectType):
            return kind
        return next(
            (each for each in self._schema.get_possible_types(kind) if each.name == value.get("__typename")), None
        )

    def _gather(self, selected: SelectionSetNode, of: GraphQLObjectType, fields: dict[str, list[FieldNode]]) -> None:
        for part in selected.selections:
            if isinstance(part, FieldNode):
                fields.setdefault(part.alias.value if part.alias else part.name.value, []).append(part)
            elif isinstance(part, InlineFragmentNode) and self._is_on(part, of):
                self._gather(part.selection_set, of, fields)

    def _is_on(self, part: InlineFragmentNode, of: GraphQLObjectType) -> bool:
        on = self._schema.type_map[part.type_condition.name.value] if part.type_condition else of
        return on is of or (is_abstract_type(on) and self._schema.is_sub_type(on, of))


def _is_leaf(kind: Any, value: Any) -> bool:
    if isinstance(kind, GraphQLEnumType):
        return value in kind.values
    whole = isinstance(value, int) and not isinstance(value, bool)
    match kind.name:
        case "Int":
            return whole and -INT <= value < INT
        case "SafeInt":
            return whole and -SAFE < value < SAFE
        case "Float":
            return whole or isinstance(value, float)
        case "Boolean":
            return isinstance(value, bool)
        case "String" | "ID":
            return isinstance(value, str)
        case "DateTime":
            return isinstance(value, str) and _MOMENT.fullmatch(value) is not None
    return kind.name == "JSON"
