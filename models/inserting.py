"""A new row as a part of a statement that does more."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from tortoise.fields import UUIDField

from models.base import Row


@cache
def insertion(model: type[Row], behind: int) -> str:
    """The INSERT of a row, whose parameters come behind so many others."""
    columns = model._meta.fields_db_projection.values()  # noqa: SLF001 - Tortoise's own, for such as us
    places = [f"${behind + index}" for index in range(1, len(columns) + 1)]
    names = ", ".join(f'"{column}"' for column in columns)
    return f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({", ".join(places)})'  # noqa: SLF001


def inserted(row: Row) -> list[Any]:
    """The values of the INSERT of `row`, which is as good as saved from here on."""
    row._saved_in_db = True  # noqa: SLF001 - what is saved from now on are changes
    return [
        getattr(row, name) if to_db is None else to_db(getattr(row, name), row) for name, to_db in _taken(type(row))
    ]


@cache
def _taken(model: type[Row]) -> Sequence[tuple[str, Callable[[Any, Any], Any] | None]]:
    """The fields, and what makes of their values what asyncpg takes: nothing of ids, which Tortoise makes texts of."""
    meta = model._meta  # noqa: SLF001
    fields = {name: meta.fields_map[name] for name in meta.fields_db_projection}
    return [(name, None if isinstance(field, UUIDField) else field.to_db_value) for name, field in fields.items()]
