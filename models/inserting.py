"""A new row as a part of a statement that does more."""

from functools import cache
from typing import Any

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
    fields = row._meta.fields_map  # noqa: SLF001
    return [fields[name].to_db_value(getattr(row, name), row) for name in row._meta.fields_db_projection]  # noqa: SLF001
