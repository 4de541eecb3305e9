"""Rows that the database writes as JSON itself, so that nobody need take them apart only to put them together again.

Each class is a value of the answer and says how it is written: as arguments of SQL's `concat`. What may not be null and
is null after all, or has no JSON here, is written as `UNUSUAL`, which no JSON has in it: whoever reads it then asks
again for the rows as tuples, and finds out what to tell.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from plan.scalars import INT_LIMIT, SAFE_LIMIT

if TYPE_CHECKING:
    from plan.sql import AggregateOver, Level, Scope

UNUSUAL = "\x01"
_UNUSUAL = "chr(1)"
_MOST_ARGUMENTS = 90
"""Of one call: PostgreSQL takes a hundred."""
_MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'


class Literal(str):
    """A text as SQL has it, in quotes (a backslash means itself: `standard_conforming_strings`)."""

    __slots__ = ()

    @classmethod
    def of(cls, text: str) -> Literal:
        """Of what it shall be."""
        return cls("'" + text.replace("'", "''") + "'")


_NULL = Literal.of("null")
_QUOTE, _OPENING, _CLOSING, _END, _EMPTY = map(Literal.of, ('"', "[", "]", "}", "{}"))


class Text(Protocol):
    """A value of the answer as the database writes it."""

    def parts(self, scope: Scope) -> list[str]:
        """In SQL, the pieces that follow each other."""

    def counted(self, value: Any) -> Iterator[tuple[Level, int]]:
        """The levels of rows in a value that was read back, and how many rows each has there."""


class _Leaf:
    """A value without rows in it."""

    def counted(self, value: Any) -> Iterator[tuple[Level, int]]:
        """None."""
        del value
        return iter(())


@dataclass(frozen=True, slots=True)
class Fixed(_Leaf):
    """A string that is known beforehand."""

    value: str

    def parts(self, scope: Scope) -> list[str]:
        """See `Text`."""
        del scope
        return [Literal.of(orjson.dumps(self.value).decode())]


@dataclass(frozen=True, slots=True)
class IdText(_Leaf):
    """The global id of the level's row, or of something joined to it: what `encode_id` answers."""

    alias: str
    type_name: str

    def parts(self, scope: Scope) -> list[str]:
        """See `Text`."""
        del scope
        prefix = self.type_name.encode() + b":"
        encoded = f"encode('\\x{prefix.hex()}'::bytea || uuid_send({self.alias}.id), 'base64')"
        # Two searches for one character take a third of what `translate` does.
        shown = f"replace(replace({encoded}, '+', '-'), '/', '_')"
        padded = b64encode(prefix + bytes(16)).endswith(b"=")
        return [_QUOTE, f"rtrim({shown}, '=')" if padded else shown, _QUOTE]


@dataclass(frozen=True, slots=True)
class ColumnText(_Leaf):
    """A column, and the SQL that makes JSON of it."""

    column: str
    how: str
    nullable: bool

    def parts(self, scope: Scope) -> list[str]:
        """See `Text`."""
        del scope
        return [f"coalesce({self.how.format(self.column)}, {_NULL if self.nullable else _UNUSUAL})"]

    @classmethod
    def of(cls, column: str, comes: str, kind: str, *, nullable: bool) -> ColumnText | None:
        """A column (in SQL) that comes as one type and is shown as another, where that is known here."""
        how = _COLUMNS.get((comes, kind))
        return cls(column, how, nullable) if how else None


def _between(least: int, most: int) -> str:
    """A number as far as its type in GraphQL goes."""
    return f"CASE WHEN {{0}} BETWEEN {least} AND {most} THEN {{0}}::text WHEN {{0}} IS NOT NULL THEN {_UNUSUAL} END"


_COLUMNS = {
    ("text", "String"): "json_scalar({0})::text",
    ("int", "Int"): "{0}::text",
    ("int", "SafeInt"): "{0}::text",
    ("bigint", "Int"): _between(-INT_LIMIT, INT_LIMIT - 1),
    ("bigint", "SafeInt"): _between(-SAFE_LIMIT, SAFE_LIMIT),
    ("boolean", "Boolean"): "{0}::text",
    # As Python writes a moment: with microseconds, unless there are none.
    ("timestamptz", "DateTime"): (
        "CASE WHEN {0} >= '0001-01-01Z' AND {0} < '10000-01-01Z' "
        f"""THEN '"' || replace(to_char({{0}} AT TIME ZONE 'UTC', '{_MOMENT}'), '.000000', '') || '"' """
        f"WHEN {{0}} IS NOT NULL THEN {_UNUSUAL} END"
    ),
}


@dataclass(frozen=True, slots=True)
class MemberText(_Leaf):
    """A member of an enum, stored by its value and shown by its name."""

    column: str
    names: tuple[tuple[str, str], ...]
    nullable: bool

    def parts(self, scope: Scope) -> list[str]:
        """See `Text`."""
        del scope
        known = " ".join(f"WHEN {Literal.of(stored)} THEN {Literal.of(_quoted(name))}" for stored, name in self.names)
        chosen = f"CASE {self.column} {known} ELSE {_UNUSUAL} END"
        return [f"CASE WHEN {self.column} IS NULL THEN {_NULL} ELSE {chosen} END" if self.nullable else chosen]


@dataclass(frozen=True, slots=True)
class AggregateText(_Leaf):
    """What comes of many rows, by the SQL that makes JSON of it."""

    over: AggregateOver
    sql: str
    nullable: bool

    def parts(self, scope: Scope) -> list[str]:
        """See `Text`."""
        made = f"SELECT {self.sql} FROM {self.over.written(scope)} made (value)"
        return [f"coalesce(({made}), {_NULL if self.nullable else _UNUSUAL})"]

    @classmethod
    def of(cls, over: AggregateOver, comes: str, kind: str, *, nullable: bool) -> AggregateText | None:
        """An aggregate that comes as one type and is shown as another, where that is known here."""
        how = _COLUMNS.get((comes, kind))
        return cls(over, how.format("made.value"), nullable) if how else None


@dataclass(frozen=True, slots=True, eq=False)
class ObjectText:
    """An object; it lies where its fields do."""

    fields: Mapping[str, Text]

    def parts(self, scope: Scope) -> list[str]:
        """See `Text`."""
        made, before = list[str](), "{"
        for key, text in self.fields.items():
            made.append(Literal(f"'{before}\"{_name(key)}\":'"))
            made += text.parts(scope)
            before = ","
        return [*made, _END if made else _EMPTY]

    def counted(self, value: Any) -> Iterator[tuple[Level, int]]:
        """See `Text`."""
        for key, text in self.fields.items():
            yield from text.counted(value[key])


@dataclass(frozen=True, slots=True, eq=False)
class JoinedText:
    """An object made of a row that is joined to the level's, if there is one."""

    alias: str
    object: ObjectText
    nullable: bool

    def parts(self, scope: Scope) -> list[str]:
        """See `Text`."""
        otherwise = _NULL if self.nullable else _UNUSUAL
        return [f"CASE WHEN {self.alias}.id IS NULL THEN {otherwise} ELSE {joined(self.object.parts(scope))} END"]

    def counted(self, value: Any) -> Iterator[tuple[Level, int]]:
        """See `Text`."""
        return self.object.counted(value) if value is not None else iter(())


@dataclass(frozen=True, slots=True, eq=False)
class ListText:
    """The rows of a level that are shown, each as an object."""

    level: Level
    item: ObjectText

    def parts(self, scope: Scope) -> list[str]:
        """See `Text`."""
        rows = self.level.listed(scope, joined(self.item.parts(scope)))
        return [_OPENING, f"array_to_string({rows}, ',')", _CLOSING]

    def counted(self, value: Any) -> Iterator[tuple[Level, int]]:
        """See `Text`."""
        yield self.level, len(value)
        for item in value:
            yield from self.item.counted(item)


@dataclass(frozen=True, slots=True, eq=False)
class Spelled:
    """A column of a level's tuples: one value of the answer, as the database writes it."""

    text: Text

    def written(self, scope: Scope) -> str:
        """In SQL."""
        return joined(self.text.parts(scope))


def usual(text: str) -> orjson.Fragment:
    """What the database has written, to be put into the answer as it is; ValueError where it is `UNUSUAL`."""
    if UNUSUAL in text:
        raise ValueError("a null where none may be")
    return orjson.Fragment(text)


def counted(column: Spelled, text: str) -> Iterator[tuple[Level, int]]:
    """See `Text`, for what the database has written."""
    return iter(()) if UNUSUAL in text else column.text.counted(orjson.loads(text))


def joined(parts: Sequence[str]) -> str:
    """One text of pieces, in SQL."""
    parts = _merged(parts)
    while len(parts) > _MOST_ARGUMENTS:
        ends = range(0, len(parts), _MOST_ARGUMENTS)
        parts = [f"concat({', '.join(parts[begin : begin + _MOST_ARGUMENTS])})" for begin in ends]
    return f"concat({', '.join(parts)})"


def _merged(parts: Sequence[str]) -> list[str]:
    """The same, with literals that follow each other as one."""
    merged = list[str]()
    for part in parts:
        if merged and isinstance(part, Literal) and isinstance(merged[-1], Literal):
            merged[-1] = Literal(merged[-1][:-1] + part[1:])
        else:
            merged.append(part)
    return merged


def _name(key: str) -> str:
    """A name of GraphQL, the only word of a client that stands in SQL: the document's grammar lets nothing else by."""
    if not (key.isascii() and key.isidentifier()):
        raise ValueError(f"{key!r} is no name")
    return key


def _quoted(name: str) -> str:
    return f'"{name}"'
