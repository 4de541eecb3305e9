"""Values for arguments, drawn for the type that the schema gives them: good, careless and wrong ones."""

import base64
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    get_nullable_type,
)

from tests.fuzz.world import TAGS, TEXTS, TYPES

GOOD_SIZES = (1, 2, 3, 5, 20, 100)
CARELESS_SIZES = (0, -1, 101, 2**31 - 1, -(2**31))
GOOD_MOMENTS = ("2026-03-04T05:06:07.890123Z", "2026-01-23T05:06:07.890125+00:00", "2000-02-29T12:00:00-11:30")
CARELESS_MOMENTS = ("9999-12-31T23:59:59.999999-12:00", "0001-01-01T00:00:00+14:00")
PIECES = (
    "%",
    "_",
    "\\",
    "'",
    '"',
    "cut",
    "CUT",
    "x",
    "映",
    "映画",
    "🎬",
    " ",
    "\x00",
    "ß",
    "İ",
    "$1",
    "e\u0301",
    ";--",
)
GOOD_TEXTS = (*TEXTS, *TAGS, *TYPES, "", *(text[:1] for text in TEXTS))


def _mangled(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


BAD_IDS = (
    "", "x", "5", 5, 0, -7, 2**63, "VGVhbTo", "VGVhbTo=", "🎬", "\x00", _mangled("Team:1"), "A" * 99,
    _mangled("Team:" + "ab" * 8),
)  # fmt: skip
BAD_CURSORS = ("", "x", "e30", "🎬", "\x00", _mangled("{}"), _mangled("[1,2]"), _mangled('["Video",{}]'), "A" * 999)
EXTREMES = (
    None, "x", "", 0, -1, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 1e308, True, [], {},
    "9999-12-31T23:59:59.999999+00:00", "0001-01-01T00:00:00+00:00", "00000000-0000-0000-0000-000000000000",
)  # fmt: skip
"""Values for a place in an order: too large for the column, too large for the database, or nothing of the kind."""
WRONG = {
    "Int": (2**31, -(2**31) - 1, 2**70, 1.5, "1", True, [1, 2], {}),
    "Float": ("1", True, [], {}),
    "String": (5, True, 1.5, [], {}),
    "ID": (1.5, True, [], {}),
    "Boolean": ("true", 1, 0.0, [], {}),
    "SafeInt": (2**53, 1.5, "1", True),
    "DateTime": ("2026-02-30T00:00:00Z", "2026-03-04T05:06:07", "yesterday", "", 5, True),
}


class Mood(Enum):
    """How much of what is asked makes sense."""

    FAIR = "fair"
    CARELESS = "careless"
    """Of the right types; the resolvers refuse some of it."""
    WRONG = "wrong"
    """Not of the right types, in places."""


@dataclass(frozen=True)
class Pools:
    """What the world offers: global ids by type, and cursors out of real answers by `Type.field`."""

    ids: dict[str, list[str]] = field(repr=False)
    seen: dict[str, list[str]] = field(repr=False)
    """Those of `ids` that the viewer at hand may see."""
    cursors: dict[str, list[str]] = field(repr=False)
    absent: dict[str, str] = field(repr=False)
    """For each type an id that no row has."""
    closed: frozenset[str] = field(default=frozenset(), repr=False)
    """The fields, as `Type.field`, that the viewer at hand cannot ask for."""
    answered: Counter[str] = field(default_factory=Counter, repr=False, compare=False)
    """How often each field, as `Type.field`, was answered so far: a few hundred documents are to reach all of them."""


@dataclass(frozen=True)
class Place:
    """Which argument a value is for: of the field `Type.field`, which leads to objects of one of `kinds`."""

    field: str
    argument: str
    kinds: tuple[str, ...]


class Reference(str):
    """The name of a variable, where a value could stand."""


class Values:
    """Draws them."""

    def __init__(self, random: Random, pools: Pools, mood: Mood) -> None:
        self._random = random
        self._pools = pools
        self.mood = mood

    def of(self, kind: GraphQLInputType, place: Place) -> Any:
        """A value of `kind`, or what stands for one in this mood; None for null only where the type allows it."""
        if self.mood is Mood.WRONG and self.chance(4):
            return self._wrong(kind)
        nullable = get_nullable_type(kind)
        if isinstance(nullable, GraphQLList):
            return self._list(nullable, place)
        if isinstance(nullable, GraphQLInputObjectType):
            return self._object(nullable, place)
        if isinstance(nullable, GraphQLEnumType):
            return self.one_of(list(nullable.values))
        return self._scalar(nullable.name, place)

    def chance(self, one_in: int) -> bool:
        """True once in so many times."""
        return self._random.randrange(one_in) == 0

    def one_of(self, options: Sequence[Any]) -> Any:
        """One of them."""
        return self._random.choice(options)

    def _list(self, kind: GraphQLList[Any], place: Place) -> Any:
        if self.chance(8):
            return self.of(kind.of_type, place)  # one value stands for a list of it
        return [self.of(kind.of_type, place) for _ in range(self._random.randrange(4))]

    def _object(self, kind: GraphQLInputObjectType, place: Place) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for name, found in kind.fields.items():
            required = isinstance(found.type, GraphQLNonNull)
            if not required and self.chance(2):
                continue
            null = not required and self.chance(5)
            value[name] = None if null else self.of(found.type, place)
        return value

    def _scalar(self, name: str, place: Place) -> Any:
        careless = self.mood is not Mood.FAIR and self.chance(4)
        match name:
            case "ID":
                return self._id(place, careless=careless)
            case "Boolean":
                return self.chance(2)
            case "DateTime":
                return self.one_of(CARELESS_MOMENTS if careless else GOOD_MOMENTS)
            case "Int" | "Float" | "SafeInt":
                return self.one_of(CARELESS_SIZES if careless else GOOD_SIZES)
        if place.argument in ("after", "before"):
            return self._cursor(place, careless=careless)
        if careless:
            return "".join(self.one_of(PIECES) for _ in range(self._random.randrange(4)))
        return self.one_of(GOOD_TEXTS)

    def _id(self, place: Place, *, careless: bool) -> str:
        if careless:
            return self.one_of(BAD_IDS)
        if self.chance(20):
            return self.one_of(list(self._pools.absent.values()))
        fitting = [kind for kind in place.kinds if kind in self._pools.ids]
        kind = self.one_of(list(self._pools.ids) if self.chance(20) or not fitting else fitting)
        return self.one_of(
            self._pools.ids[kind] if self.chance(10) else self._pools.seen[kind] or self._pools.ids[kind]
        )

    def _cursor(self, place: Place, *, careless: bool) -> str:
        if careless and self.chance(2):
            return self.one_of(BAD_CURSORS)
        fields = list(self._pools.cursors) if self.chance(8) else [place.field]
        cursor = self.one_of(self._pools.cursors[self.one_of(fields)])
        return self._tampered(cursor) if careless else cursor

    def _tampered(self, cursor: str) -> str:
        """A cursor that is written as ours are, with another value in it."""
        name, values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values[self.one_of(list(values))] = self.one_of(EXTREMES)
        return _mangled(json.dumps([name, values], ensure_ascii=False, separators=(",", ":")))

    def _wrong(self, kind: GraphQLInputType) -> Any:
        if isinstance(kind, GraphQLNonNull) and self.chance(4):
            return None
        named = get_named_type(kind)
        if isinstance(named, GraphQLEnumType):
            return self.one_of(("NOPE", next(iter(named.values)).lower(), 5, True))
        if isinstance(named, GraphQLInputObjectType):
            return self.one_of(({"nope": 1}, "x", 5, [], {next(iter(named.fields)): {}}))
        return self.one_of(WRONG.get(named.name, (1, "x", {})))


def literal(value: Any, kind: GraphQLInputType) -> str:
    """A value as it stands in a document."""
    if isinstance(value, Reference):
        return f"${value}"
    named = get_named_type(kind)
    if isinstance(value, list):
        return f"[{', '.join(literal(item, named) for item in value)}]"
    if isinstance(value, dict):
        fields = named.fields if isinstance(named, GraphQLInputObjectType) else {}
        parts = (f"{n}: {literal(v, fields[n].type if n in fields else named)}" for n, v in value.items())
        return f"{{{', '.join(parts)}}}"
    if isinstance(value, str) and isinstance(named, GraphQLEnumType):
        return value
    return json.dumps(value, ensure_ascii=False)
