"""What is written into one table: columns and rows, made while they are written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from local.large.keys import Numbers, moment

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name, the columns that are written, the rows, and how many they are."""

    name: str
    columns: tuple[str, ...]
    rows: Iterable[tuple[Any, ...]]
    count: int


def columns(text: str) -> tuple[str, ...]:
    """The names in a text."""
    return tuple(text.split())


def moments(milliseconds: Numbers) -> Iterator[datetime]:
    """The moments of rows."""
    return map(moment, milliseconds.tolist())


def picked(values: list[T], places: Numbers) -> Iterator[T]:
    """The values at these places."""
    return (values[place] for place in places.tolist())


def picked_or_none(values: list[T], places: Numbers) -> Iterator[T | None]:
    """The values at these places, None for -1."""
    return (None if place < 0 else values[place] for place in places.tolist())
