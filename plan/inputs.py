"""Input objects, coerced as graphql-core does it: what it asks about the type of each field is known beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLScalarType,
    Undefined,
    coerce_input_value,
    get_nullable_type,
    is_non_null_type,
    is_required_input_field,
)
from graphql.utilities.coerce_input_value import coerce_default_value

TYPES_REMEMBERED = 500
_PLAIN: dict[str, type] = {"ID": str, "String": str, "Boolean": bool}
_SMALL = 0x80000000


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    out: str
    """What it is called in Python."""
    scalar: str
    """The name of its type, where that is a scalar."""
    nullable: bool
    required: bool
    default: Any
    """Undefined where there is none; the same one each time, as graphql-core has it."""
    definition: GraphQLInputField


@dataclass(frozen=True, slots=True)
class _Shape:
    names: Set[str]
    fields: tuple[_Field, ...]


def is_plain(scalar: str, value: Any) -> bool:
    """Whether the value is one of GraphQL's own scalar of that name as it stands."""
    if scalar == "Int":
        return type(value) is int and -_SMALL <= value < _SMALL
    return type(value) is _PLAIN.get(scalar)


def coerced(kind: GraphQLInputObjectType, given: Mapping[str, Any]) -> Any:
    """The coerced object; Undefined for one that is not sound."""
    if kind.is_one_of:
        return coerce_input_value(given, kind)
    shape = _shape(kind)
    if not given.keys() <= shape.names:
        return Undefined
    made: dict[str, Any] = {}
    for field in shape.fields:
        value = _value(field, given[field.name]) if field.name in given else field.default
        if value is not Undefined:
            made[field.out] = value
        elif field.required or field.name in given:
            return Undefined
    return kind.out_type(made)


def _value(field: _Field, value: Any) -> Any:
    if value is None:
        return None if field.nullable else Undefined
    return value if is_plain(field.scalar, value) else coerce_input_value(value, field.definition.type)


@lru_cache(TYPES_REMEMBERED)
def _shape(kind: GraphQLInputObjectType) -> _Shape:
    return _Shape(kind.fields.keys(), tuple(_field(name, field) for name, field in kind.fields.items()))


def _field(name: str, field: GraphQLInputField) -> _Field:
    inner = get_nullable_type(field.type)
    return _Field(
        name=name,
        out=field.out_name or name,
        scalar=inner.name if isinstance(inner, GraphQLScalarType) else "",
        nullable=not is_non_null_type(field.type),
        required=is_required_input_field(field),
        default=coerce_default_value(field),
        definition=field,
    )
