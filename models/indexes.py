"""Indexes that Tortoise cannot say."""

from typing import Any

from tortoise.indexes import Index


class PartialIndex(Index):
    """An index over the rows that meet `where`, a condition in SQL. (Tortoise's own knows only `column = value`.)"""

    def __init__(self, *, fields: list[str], name: str, where: str) -> None:
        super().__init__(fields=fields, name=name)
        self.where = where
        self.extra = f" WHERE {where}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        path, arguments, named = super().deconstruct()
        return path, arguments, {**named, "where": self.where}
