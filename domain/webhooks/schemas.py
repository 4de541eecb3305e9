"""JSON Schemas (2020-12) of events, made of the types that the code itself is written in."""

from collections.abc import Mapping
from dataclasses import fields
from inspect import cleandoc
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict
from uuid import UUID

from domain.webhooks.catalogue import Kind, described
from domain.webhooks.editions import Shape
from domain.webhooks.envelope import NOT_IN_DATA, schema_address, tells_comment
from domain.webhooks.shapes import ID, Comment, Envelope, Said
from domain.webhooks.wording import named_by, wording

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    UUID: {"type": "string", **ID},
    NoneType: {"type": "null"},
    dict: {"type": "object"},
}


def schema(kind: Kind, version: int, *, api_url: str, strict: bool = False) -> Schema:
    """Of a version of a type of event.

    Receivers have to take fields, and values of a field, that they do not know, since such may be added without a new
    version. So a `strict` schema, which takes none, is not for them, but for finding out that we keep to our word.
    """
    shape = kind.shapes[version]
    made = _Making(strict=strict)
    whole = made.of(Envelope)
    own: dict[str, Schema] = {
        "type": {"const": kind.type},
        "version": {"const": version},
        "data": made.data(shape),
    }
    properties = {name: {**each, **own.get(name, {})} for name, each in whole["properties"].items()}
    return {
        "$schema": DIALECT,
        "$id": schema_address(api_url, kind.type, version),
        "title": kind.type,
        **whole,
        "description": described(shape),
        "properties": properties,
    }


class _Making:
    """Schemas of Python's types."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict

    def of(self, hint: Any) -> Schema:
        """Of a hint; KeyError for one that no field has had so far."""
        origin, args = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._said(args[0], args[1])
        if origin is Literal:
            return {"type": "string", "enum": list(args)}
        if origin in (Union, UnionType):
            return self._nullable(next(each for each in args if each is not NoneType))
        if origin is list:
            return {"type": "array", "items": self.of(args[0])}
        if is_typeddict(hint):
            hints = get_type_hints(hint, include_extras=True)
            return self._object({name: self.of(each) for name, each in hints.items()}, cleandoc(hint.__doc__ or ""))
        return dict(_PLAIN[origin or hint])

    def data(self, shape: Shape) -> Schema:
        """Of what only events of this shape hold."""
        hints = get_type_hints(shape)
        own = [field.name for field in fields(shape) if field.name not in NOT_IN_DATA]
        properties = {name: self._field(shape.type, name, hints[name]) for name in own}
        if tells_comment(shape):
            properties["comment"] = self._nullable(Comment)
        return self._object(properties, "What only events of this type have.")

    def _field(self, type_: str, name: str, hint: Any) -> Schema:
        words, found = wording(type_, name), self.of(hint)
        text = words.description
        if of := named_by(name):
            text += f" Global id of a `{of}`."
        if words.values:
            text += f" One of {', '.join(f'`{value}`' for value in words.values)}; others may follow."
        if words.format:
            found["format"] = words.format
        if words.values and self._strict:
            found["enum"] = [*words.values]
        return {**found, "description": text}

    def _said(self, hint: Any, said: Said) -> Schema:
        return {**self.of(hint), **said.more, "description": said.description}

    def _nullable(self, hint: Any) -> Schema:
        found = self.of(hint)
        return {**found, "type": [found["type"], "null"]}

    def _object(self, properties: Mapping[str, Schema], description: str) -> Schema:
        closed = {"additionalProperties": False} if self._strict else {}
        return {
            "type": "object",
            "description": description,
            "properties": dict(properties),
            "required": list(properties),
            **closed,
        }
