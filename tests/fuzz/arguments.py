"""Arguments and variables of one document."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from plan.connections import PAGE
from plan.costs import LISTED
from tests.fuzz.values import Mood, Place, Reference, Values, literal

MOST_ROWS = 1000
"""A page is made small where more rows than this might come of it."""
PAGING = ("first", "last", "after", "before")
PAGINGS = tuple(
    tuple(paging.split())
    for paging in ("", "first", "last", "first after", "last before", "first before", "after", "first after before")
)
WAYS = ("literal", "null", "variable", "stricter", "default", "overridden", "absent")
"""How an argument can be given: as it is, or by a variable that is given, or not given, or has a default …"""
CONDITION: GraphQLInputType = GraphQLNonNull(GraphQLBoolean)


@dataclass(frozen=True)
class Call:
    """Arguments as they stand behind a field, the variables in them, and how many rows may come of it for each row."""

    text: str
    needs: frozenset[str]
    rows: int


class Arguments:
    """Draws them, and knows which variables an operation must define for them."""

    def __init__(self, schema: GraphQLSchema, values: Values) -> None:
        self._schema = schema
        self._values = values
        self._scopes: list[set[str]] = []
        self._defined: dict[str, str] = {}
        self._calls: dict[str, list[Call]] = {}
        self.given: dict[str, Any] = {}
        self.ways: set[str] = set()

    @contextmanager
    def scope(self) -> Iterator[set[str]]:
        """Gathers the variables that are needed inside."""
        self._scopes.append(set())
        yield self._scopes[-1]
        self._scopes.pop()

    def need(self, names: Iterable[str]) -> None:
        """The present scope needs these variables."""
        self._scopes[-1].update(names)

    def definitions(self, needs: set[str], *more: str) -> str:
        """The variables of an operation that needs these, and `more` as they are written."""
        written = [*more, *(f"${name}: {self._defined[name]}" for name in sorted(needs))]
        return f"({', '.join(written)})" if written else ""

    def directive(self, name: str) -> str:
        """` @name(if: …)`."""
        return f" @{name}(if: {self._written(Place(f'@{name}', 'if', ()), CONDITION)})"

    def call(self, field: str, found: GraphQLField, rows: int) -> Call:
        """Arguments for `Type.field` of so many rows, now and then those of an earlier call: the two are merged."""
        earlier = [call for call in self._calls.get(field, ()) if rows * call.rows <= MOST_ROWS]
        if earlier and self._values.chance(3):
            call = self._values.one_of(earlier)
        else:
            call = self._new_call(field, found, rows)
            self._calls.setdefault(field, []).append(call)
        self.need(call.needs)
        return call

    def _new_call(self, field: str, found: GraphQLField, rows: int) -> Call:
        kinds = tuple(kind.name for kind in self._leads_to(found))
        parts, page = [], 1
        with self.scope() as needs:
            if is_connection(found):
                page, parts = self._paging(field, found, max(1, MOST_ROWS // rows))
            for name, argument in found.args.items():
                if name not in PAGING or not is_connection(found):
                    parts += self._argument(Place(field, name, kinds), argument)
        if is_list_type(get_nullable_type(found.type)):
            page = LISTED if not found.args else page
        return Call(f"({', '.join(parts)})" if parts else "", frozenset(needs), page)

    def _leads_to(self, found: GraphQLField) -> list[Any]:
        """What an id may be meant for: the type that the field has, or what can be found behind that."""
        kind: Any = get_named_type(found.type)
        fields = getattr(kind, "fields", {})
        return [kind] if "id" in fields else [get_named_type(field.type) for field in fields.values()]

    def _paging(self, field: str, found: GraphQLField, most: int) -> tuple[int, list[str]]:
        wanted = self._values.one_of(PAGINGS)
        if most < PAGE and not {"first", "last"} & set(wanted):
            wanted = ("first", *wanted)
        if self._values.mood is Mood.CARELESS and self._values.chance(8):
            wanted = PAGING
        page, parts = PAGE, []
        for name in wanted:
            value = self._values.of(found.args[name].type, Place(field, name, ()))
            if name in ("first", "last") and isinstance(value, int):
                value = page = min(value, most)
            parts.append(f"{name}: {self._written(Place(field, name, ()), found.args[name].type, value)}")
        return max(page, 1), parts

    def _argument(self, place: Place, argument: GraphQLArgument) -> list[str]:
        if not isinstance(argument.type, GraphQLNonNull) and self._values.chance(2):
            return []
        if self._values.mood is Mood.WRONG and self._values.chance(40):
            return []
        return [f"{place.argument}: {self._written(place, argument.type)}"]

    def _written(self, place: Place, kind: GraphQLInputType, value: Any = ...) -> str:
        """The value, or a variable of it, as it stands behind the argument's name."""
        value = self._values.of(kind, place) if value is ... else value
        if not isinstance(kind, GraphQLNonNull) and self._values.chance(10):
            value = None
        # What is wrong is mostly a variable: validation would find a literal before anything else looks at it.
        if self._values.chance(2) or (self._values.mood is Mood.WRONG and not self._values.chance(4)):
            return f"${self._variable(place, kind, value)}"
        self._note(place, kind, value, "null" if value is None else "literal")
        return literal(self._with_variables(place, kind, value), kind)

    def _with_variables(self, place: Place, kind: GraphQLInputType, value: Any) -> Any:
        """An input object as a literal may hold variables."""
        named = get_named_type(kind)
        if not isinstance(value, dict) or not isinstance(named, GraphQLInputObjectType):
            return value
        inside = {name: named.fields[name].type for name in value if name in named.fields}
        return {
            name: Reference(self._variable(place, inside[name], item))
            if name in inside and self._values.chance(4)
            else item
            for name, item in value.items()
        }

    def _variable(self, place: Place, kind: GraphQLInputType, value: Any) -> str:
        name = f"v{len(self._defined)}"
        way = self._values.one_of(WAYS[2:])
        kind_text, nullable = str(kind), not isinstance(kind, GraphQLNonNull)
        if way in ("default", "overridden") and value is not None:
            # A variable with a default may stand where null may not, and be null.
            kind_text = f"{kind_text.rstrip('!')} = {literal(value, kind)}"
            if way == "overridden":
                self.given[name] = None if self._careless() else value
        elif way == "absent" and nullable:
            pass
        else:
            if way == "stricter" and nullable and value is not None:
                kind_text += "!"
            else:
                way = "null" if value is None else "variable"
            self.given[name] = self._loosely(value)
        if self._values.mood is Mood.WRONG and self._values.chance(20):
            kind_text = self._values.one_of(("String", "Int!", "[ID!]", "Nope", "Video"))
        self._defined[name] = kind_text
        self._note(place, kind, value, way)
        self.need([name])
        return name

    def _loosely(self, value: Any) -> Any:
        """A whole float will do where an Int is asked for, as a variable."""
        return float(value) if type(value) is int and abs(value) < 2**31 and self._values.chance(10) else value

    def _careless(self) -> bool:
        return self._values.mood is not Mood.FAIR and self._values.chance(3)

    def _note(self, place: Place, kind: GraphQLInputType, value: Any, way: str) -> None:
        self.ways.add(f"{place.field}({place.argument}): {way}")
        if isinstance(value, dict):
            named = get_named_type(kind).name
            self.ways |= {f"{named}.{name}: {'null' if item is None else 'given'}" for name, item in value.items()}


def is_connection(found: GraphQLField) -> bool:
    """Whether the field answers in pages."""
    return found.args.keys() >= set(PAGING)
