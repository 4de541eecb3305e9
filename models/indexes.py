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


class CoveringIndex(Index):
    """An index that holds the column `include` besides: what asks for no more than that never reads the rows."""

    def __init__(self, *, fields: list[str], name: str, include: str) -> None:
        super().__init__(fields=fields, name=name)
        self.include = include
        self.extra = f" INCLUDE ({include})"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        path, arguments, named = super().deconstruct()
        return path, arguments, {**named, "include": self.include}


class SearchIndex(Index):
    """A GIN index. `fields` may be expressions in SQL, with an operator class.

    Each row is entered at once: entries put off until there are many would make every search read them one by one, and
    one writer in some hundred wait for all.
    """

    INDEX_TYPE = "GIN"

    def __init__(self, *, fields: list[str], name: str) -> None:
        super().__init__(fields=fields, name=name)
        self.extra = " WITH (fastupdate = off)"
