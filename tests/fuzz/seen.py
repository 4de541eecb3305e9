"""What an answer holds: which rows it names, and which fields of the schema have been answered."""

import base64
import re
from collections.abc import Iterable, Iterator
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


def ids_told(data: Any, body: Any) -> Iterator[tuple[str, UUID]]:
    """As `ids_in`, of the answer to an event, but for what the event says by itself.

    It names a comment, or whoever is in a room, beside the row that is read for it: also where that is null, and was
    perhaps made team-only just now. So an id counts where it is in a row, or where the event's `body` does not have it.
    """
    named = orjson.dumps(body).decode()
    for told in _told_in((data or {}).values()):
        for value in told.values():
            for name, row_id in ids_in(value):
                if not (isinstance(value, str) and str(row_id) in named):
                    yield name, row_id


def _told_in(payloads: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """What is no row: the payloads and, in these, the entries of lists."""
    for payload in payloads:
        lists = {name: value for name, value in (payload or {}).items() if isinstance(value, list)}
        yield {name: value for name, value in (payload or {}).items() if name not in lists}
        yield from (entry for entries in lists.values() for entry in entries)


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
