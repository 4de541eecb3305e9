"""How arguments are made of what clients send: Strawberry finds out anew, each time, what the type of each is."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLScalarType, get_nullable_type
from strawberry import Schema
from strawberry.types.arguments import InputContext, StrawberryArgument
from strawberry.types.base import StrawberryMaybe, get_object_definition
from strawberry.types.field import StrawberryField


def foresee_inputs(schema: Schema) -> None:
    """Has scalars taken as they are, since they are coerced already, by Strawberry's own hook for inputs."""
    for kind in schema._schema.type_map.values():  # noqa: SLF001 - which Strawberry keeps to itself
        if isinstance(kind, GraphQLInputObjectType):
            definition = kind.extensions["strawberry-definition"]
            fields = {schema.config.name_converter.from_field(field): field for field in definition.fields}
            scalars = {name for name, field in fields.items() if _is_scalar(kind.fields[name].type, field)}
            definition.from_input = _maker(fields, scalars)


def foresee_mutations(schema: Schema) -> None:
    """Has mutations called past Strawberry's own way to them, which asks of each argument, each time, what it is."""
    root = schema._schema.mutation_type  # noqa: SLF001 - as above
    for field in root.fields.values() if root else ():
        field.resolve = _resolver(schema, field.extensions["strawberry-definition"])


def _resolver(schema: Schema, field: StrawberryField) -> Callable[..., Any]:
    config, scalars = schema.config, schema.schema_converter.scalar_registry
    about = field.base_resolver and field.base_resolver.info_parameter
    assert about is not None, "a mutation is a method that takes `info`"
    takes = [_argument(schema, each) for each in field.arguments]

    def resolve(source: Any, raw: Any, **given: Any) -> Any:
        info: Any = config.info_class(_raw_info=raw, _field=field)
        values = {about.name: info}
        for name, called, kind, make in takes:
            if name in given:
                value, context = given[name], InputContext(info, config, scalars, (name,))
                values[called] = make(kind, value, context) if make else context.convert(value, kind)
        return field.get_result(source, info, [source], values)

    return resolve


def _argument(schema: Schema, argument: StrawberryArgument) -> tuple[str, str, Any, Callable[..., Any] | None]:
    """What clients call it, what Python does, of which type it is, and what makes one of that, if we do."""
    definition = get_object_definition(argument.type)
    name = schema.config.name_converter.from_argument(argument)
    return name, argument.python_name, argument.type, definition.from_input if definition else None


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
