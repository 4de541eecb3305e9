"""How rows become models: as Tortoise makes them, in a fourth of the time.

Tortoise asks a dozen questions about each value that it sets. What asyncpg has read, and what our code gives to a new
row, is of its column's own type already, but for a few: enums, and JSON.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Set
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, cast

from tortoise.fields import DatetimeField, Field, UUIDField

_READY = (DatetimeField, UUIDField)
"""Of what these hold, Tortoise would make the same again."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is known of a model once and for all."""

    columns: Set[str]
    """In the table's order."""
    names: tuple[str, ...]
    """The attributes that hold them."""
    converts: tuple[tuple[str, Callable[[Any], Any]], ...]
    """Of the attributes that hold something else than the database gives."""
    takes: Mapping[str, Callable[[Any], Any]]
    """Of the attributes that may be given something else than they hold."""
    required: frozenset[str]
    """Attributes that may not be null."""
    defaults: Mapping[str, Callable[[], Any]]


def read(model: Any, values: Iterable[Any]) -> dict[str, Any]:
    """The state of a row that was read: all its columns, in the table's order."""
    shape = _shape(model)
    state: dict[str, Any] = dict(zip(shape.names, values, strict=False))
    for name, convert in shape.converts:
        state[name] = convert(state[name])
    state.update(_partial=False, _saved_in_db=True, _custom_generated_pk=True, _await_when_save={})
    return state


def read_columns(model: Any, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same, of the columns by their names; None where they are not all there: Tortoise knows what to do."""
    shape = _shape(model)
    if values.keys() != shape.columns:
        return None
    return read(model, [values[column] for column in shape.columns])


def new(model: Any, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The state of a new row; None where what is given are not just columns: Tortoise knows what to do.

    Raises ValueError for a null where none may be.
    """
    shape = _shape(model)
    if not given.keys() <= shape.defaults.keys():
        return None
    state = {name: default() for name, default in shape.defaults.items() if name not in given}
    for name, value in given.items():
        if value is None and name in shape.required:
            raise ValueError(f"{name} is non nullable field, but null was passed")
        take = shape.takes.get(name)
        state[name] = value if take is None else take(value)
    state.update(_partial=False, _saved_in_db=False, _custom_generated_pk=False, _await_when_save={})
    return state


@cache
def _shape(model: Any) -> _Shape:
    meta = model._meta  # noqa: SLF001 - said nowhere else
    names = meta.fields_db_projection
    fields: dict[str, Field[Any]] = {name: meta.fields_map[name] for name in names}
    return _Shape(
        columns=dict.fromkeys(names.values()).keys(),
        names=tuple(names),
        converts=tuple((name, field.to_python_value) for name, field in fields.items() if _converts(field)),
        takes={name: field.to_python_value for name, field in fields.items() if not isinstance(field, _READY)},
        required=frozenset(name for name, field in fields.items() if not field.null),
        defaults={name: _default(field) for name, field in fields.items()},
    )


def _converts(field: Field[Any]) -> bool:
    return not isinstance(field, _READY) and type(field).to_python_value is not Field.to_python_value


def _default(field: Field[Any]) -> Callable[[], Any]:
    """Makes what the field holds of which nothing is said."""
    default: Any = field.default
    if inspect.iscoroutinefunction(default):
        raise TypeError(f"{field.model_field_name} has a default that must be awaited")
    if callable(default):
        return cast("Callable[[], Any]", default)
    if default is None and field.has_db_default():
        return field.get_db_default_value
    return partial(deepcopy, default)
