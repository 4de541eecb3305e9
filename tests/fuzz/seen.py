"""What an answer holds: which rows it names, and which fields of the schema have been answered."""

import base64
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    get_operation_ast,
    parse,
)

from plan import BadInput, decode_id

_OPAQUE = re.compile(r"[A-Za-z0-9_-]{24,}")


def ids_in(value: Any) -> Iterator[tuple[str, UUID]]:
    """The type's name and the id of every row that is named anywhere, under whatever alias or in a cursor."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from ids_in(item)
    elif isinstance(value, str) and _OPAQUE.fullmatch(value):
        yield from _id_in(value)


def _id_in(text: str) -> Iterator[tuple[str, UUID]]:
    try:
        yield decode_id(text)
        return
    except BadInput:
        pass
    try:
        name, place = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        yield name, UUID(place.get("id") or place["-id"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return  # it is something else


class Answered:
    """The fields, as `Type.field`, that an operation's answer holds."""

    def __init__(self, schema: GraphQLSchema, query: str, operation_name: str | None) -> None:
        document = parse(query)
        self._schema = schema
        self._fragments = {p.name.value: p for p in document.definitions if isinstance(p, FragmentDefinitionNode)}
        self._operation = get_operation_ast(document, operation_name)

    def fields(self, data: Any) -> set[str]:
        """Of the operation that has this answer."""
        operation = self._operation
        assert isinstance(operation, OperationDefinitionNode), "what was answered is an operation of the document"
        return set(self._below(operation.selection_set, self._schema.get_root_type(operation.operation), [data]))

    def _below(self, selected: Any, parent: Any, objects: list[Any]) -> Iterator[str]:
        for part in selected.selections if selected and objects else ():
            if isinstance(part, FieldNode):
                yield from self._field(part, parent, objects)
                continue
            inside = self._fragments[part.name.value] if isinstance(part, FragmentSpreadNode) else part
            condition = inside.type_condition
            on = self._schema.type_map[condition.name.value] if condition else parent
            yield from self._below(inside.selection_set, on, objects)

    def _field(self, node: FieldNode, parent: Any, objects: list[Any]) -> Iterator[str]:
        shown = node.alias.value if node.alias else node.name.value
        values = [found[shown] for found in objects if shown in found]
        if not values:
            return
        yield f"{parent.name}.{node.name.value}"
        kind = get_named_type(self._schema.get_field(parent, node.name.value).type)
        yield from self._below(node.selection_set, kind, list(_objects(values)))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item)
