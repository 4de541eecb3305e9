"""How inputs are made of what clients send: Strawberry finds out anew, each time, what the type of every field is."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLScalarType, get_nullable_type
from strawberry import Schema
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryMaybe
from strawberry.types.field import StrawberryField


def foresee_inputs(schema: Schema) -> None:
    """Has scalars taken as they are, since they are coerced already, by Strawberry's own hook for inputs."""
    for kind in schema._schema.type_map.values():  # noqa: SLF001 - which Strawberry keeps to itself
        if isinstance(kind, GraphQLInputObjectType):
            definition = kind.extensions["strawberry-definition"]
            fields = {schema.config.name_converter.from_field(field): field for field in definition.fields}
            scalars = {name for name, field in fields.items() if _is_scalar(kind.fields[name].type, field)}
            definition.from_input = _maker(fields, scalars)


def _is_scalar(kind: Any, field: StrawberryField) -> bool:
    return isinstance(get_nullable_type(kind), GraphQLScalarType) and not isinstance(field.type, StrawberryMaybe)


def _maker(fields: Mapping[str, StrawberryField], scalars: set[str]) -> Callable[..., Any]:
    names = {name: field.python_name for name, field in fields.items()}
    undefined = [each.python_name for each in fields.values() if each.default is each.default_factory is MISSING]

    def make(kind: type, values: Mapping[str, Any], context: InputContext) -> Any:
        made = dict[str, Any].fromkeys(undefined)
        for name, value in values.items():
            plain = name in scalars
            made[names[name]] = value if plain else context.convert(value, fields[name].resolve_type(), name)
        return kind(**made)

    return make
