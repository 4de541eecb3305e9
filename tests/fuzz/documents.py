"""Documents, drawn from the schema itself: what it offers is asked for, in every way that GraphQL has of asking."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

from plan.declarations import PlanField
from tests.fuzz.arguments import Arguments
from tests.fuzz.names import Names, Parent, possible
from tests.fuzz.values import Mood, Pools, Values

ALIASES = ("a", "b", "id", "title", "nodes")
FAULTY = "isOneOf"
"""Of `__Type`: Strawberry's resolver of it fails on lists and on what may not be null."""
TOO_DEEP = 25
OFTEN = 5
"""A field that was answered so many times is not rare."""
MOST_SELECTED = 8
MOODS = (Mood.FAIR,) * 12 + (Mood.CARELESS,) * 5 + (Mood.WRONG,) * 3
NAMES = (("",),) * 6 + (("Q",),) * 12 + (("Q", "R"),) * 2
KINDS = ("field",) * 16 + ("inline", "inline", "spread", "spread", "__typename", "leaves")


@dataclass(frozen=True)
class Document:
    """What a client sends, and which arguments it gives in which way (as `first: variable`)."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]
    ways: frozenset[str] = frozenset()
    operations: tuple[str, ...] = ()
    """The names of all its operations."""

    def __str__(self) -> str:
        return f"{self.query}\noperation {self.operation_name!r}, variables {self.variables!r}"


@dataclass
class Fragment:
    """A named fragment, and the variables that it needs, those of its own fragments included."""

    name: str
    on: Parent
    text: str
    needs: set[str]


class Writer:
    """Writes one document."""

    def __init__(self, random: Random, schema: GraphQLSchema, pools: Pools, mood: Mood) -> None:
        self._random = random
        self._schema = schema
        self.values = Values(random, pools, mood)
        self.arguments = Arguments(schema, self.values)
        self._names = Names()
        self._closed = pools.closed
        self._answered = pools.answered
        self._fragments: list[Fragment] = []
        self._left = random.randint(5, 120)

    def operation(self, root: GraphQLObjectType, head: str, fields: Iterable[str] | None = None) -> str:
        """`head` (`query Name`) with variables and a selection; `fields` are those it may ask for at its root."""
        only = None if fields is None else sorted(fields)
        with self.arguments.scope() as needs:
            selected = self._selection(root, self._random.randint(1, 10), 1, 0, only)
        if self._wrong(20):
            selected = "{ ... " * TOO_DEEP + selected + "}" * TOO_DEEP
        return f"{head}{self.arguments.definitions(needs)} {selected}"

    def payloads(self, head: str, calls: Iterable[str], kind: Parent, *defined: str) -> str:
        """An operation of these calls, whose variables are `defined`, each with a drawn selection of its `kind`."""
        with self.arguments.scope() as needs:
            parts = [f"  {call} {self._selection(kind, self._random.randint(1, 10), 1, 1, None)}\n" for call in calls]
        return f"{head}{self.arguments.definitions(needs, *defined)} {{\n{''.join(parts)}}}"

    def fragments(self) -> list[str]:
        """The definitions of all fragments that are spread somewhere."""
        return [f"fragment {fragment.name} on {fragment.on.name} {fragment.text}" for fragment in self._fragments]

    def _selection(self, parent: Parent, depth: int, rows: int, level: int, only: list[str] | None) -> str:
        if self.values.mood is not Mood.FAIR and self.values.chance(80):
            return "{}"  # graphql-core takes that for a selection of nothing
        margin, inside = "  " * level, list[str]()
        most = min(MOST_SELECTED, 1 + len(getattr(parent, "fields", ())))
        while not inside or (self._left > 0 and len(inside) < most and not self.values.chance(6)):
            inside.append(f"{margin}  {self._selected(parent, depth, rows, level + 1, only)}\n")
        return f"{{\n{''.join(inside)}{margin}}}"

    def _selected(self, parent: Parent, depth: int, rows: int, level: int, only: list[str] | None) -> str:
        self._left -= 1
        kind = "leaves" if self._is_rare(parent) and self.values.chance(2) else self.values.one_of(KINDS)
        if depth > 0 and (kind == "inline" or (kind == "field" and isinstance(parent, GraphQLUnionType))):
            return self._inline(parent, depth, rows, level, only)
        if depth > 0 and kind == "spread" and only is None:
            return self._spread(parent, depth, rows)
        if kind == "__typename" or isinstance(parent, GraphQLUnionType):
            return self._shown(parent, "__typename", "", "String!") + self._directives()
        if kind == "leaves" and only is None:
            return self._leaves(parent, "  " * level)
        return self._field(parent, depth, rows, level, only)

    def _leaves(self, parent: Any, margin: str) -> str:
        """All that has no fields of its own."""
        found = {name: field for name, field in parent.fields.items() if self._is_open(parent, name) and not field.args}
        found = {name: field for name, field in found.items() if is_leaf_type(get_named_type(field.type))}
        shown = (self._shown(parent, name, "", str(field.type)) for name, field in found.items())
        return f"\n{margin}".join(["__typename", *shown])

    def _inline(self, parent: Parent, depth: int, rows: int, level: int, only: list[str] | None) -> str:
        on = parent if self.values.chance(4) else self._condition(parent)
        condition = "" if on is parent and self.values.chance(2) else f" on {on.name}"
        inside = self._selection(on, depth - 1, rows, level, only if on is parent else None)
        return f"...{condition}{self._directives()} {inside}"

    def _spread(self, parent: Parent, depth: int, rows: int) -> str:
        known = [fragment for fragment in self._fragments if self._meet(parent, fragment.on)]
        if known and self.values.chance(2):
            fragment = self.values.one_of(known)
        else:
            fragment = self._new_fragment(self._condition(parent), depth, rows)
        self.arguments.need(fragment.needs)
        return f"...{fragment.name}{self._directives()}"

    def _new_fragment(self, on: Parent, depth: int, rows: int) -> Fragment:
        with self.arguments.scope() as needs:
            text = self._selection(on, depth - 1, rows, 0, None)
        fragment = Fragment(f"F{len(self._fragments)}", on, text, needs)
        self._fragments.append(fragment)
        return fragment

    def _condition(self, parent: Parent) -> Parent:
        """A type that objects of `parent` can be of; when things go wrong any."""
        if self._wrong(20):
            return self.values.one_of([k for k in self._schema.type_map.values() if isinstance(k, GraphQLObjectType)])
        if isinstance(parent, GraphQLObjectType):
            return self.values.one_of([parent, *parent.interfaces])
        kinds = possible(self._schema, parent)
        if isinstance(parent, GraphQLUnionType):
            kinds += [interface for kind in kinds for interface in kind.interfaces]
            return self.values.one_of([*kinds[:1] * len(kinds), *kinds])  # the first is what was asked for
        return self.values.one_of([*kinds, parent])

    def _meet(self, one: Parent, other: Parent) -> bool:
        kinds = [{kind.name for kind in possible(self._schema, parent)} for parent in (one, other)]
        return not kinds[0].isdisjoint(kinds[1])

    def _field(self, parent: Any, depth: int, rows: int, level: int, only: list[str] | None) -> str:
        name, found = self._chosen(parent, depth, only)
        call = self.arguments.call(f"{parent.name}.{name}", found, rows)
        text = self._shown(parent, name, call.text, str(found.type)) + self._directives()
        inside = get_named_type(found.type)
        if is_leaf_type(inside):
            return text
        return f"{text} {self._selection(inside, depth - 1, rows * call.rows, level, None)}"

    def _chosen(self, parent: Any, depth: int, only: list[str] | None) -> tuple[str, GraphQLField]:
        if only is None and parent is self._schema.query_type and self.values.chance(40):
            name = self.values.one_of(["__schema", "__type"])
            return name, self._schema.get_field(parent, name)
        names = [name for name in only or parent.fields if self._is_open(parent, name)]
        leaves = [name for name in names if is_leaf_type(get_named_type(parent.fields[name].type))]
        others = [name for name in names if name not in leaves]
        deeper = others and (not leaves or (depth > 0 and self._left > 0 and not self.values.chance(3)))
        name = self._one_of(parent, others if deeper else leaves)
        if parent is self._schema.query_type and not _is_declared(parent.fields[name]) and not self.values.chance(4):
            # What has a resolver of its own has no plan: one is enough of it.
            name = self._one_of(parent, [other for other in others if _is_declared(parent.fields[other])])
        return name, parent.fields[name]

    def _is_rare(self, parent: Parent) -> bool:
        """Whether something of this type was hardly ever answered."""
        return bool(self._rare(parent, getattr(parent, "fields", ())))

    def _rare(self, parent: Parent, names: Iterable[str]) -> list[str]:
        return [name for name in names if self._answered and self._answered[f"{parent.name}.{name}"] < OFTEN]

    def _one_of(self, parent: Parent, names: Sequence[str]) -> str:
        """Any of these fields, more often one that was hardly ever answered."""
        rare = self._rare(parent, names)
        return self.values.one_of(rare if rare and self.values.chance(2) else names)

    def _is_open(self, parent: Parent, name: str) -> bool:
        return name != FAULTY and f"{parent.name}.{name}" not in self._closed

    def _shown(self, parent: Parent, name: str, arguments: str, shape: str) -> str:
        """The field with its arguments, aliased where its name has another meaning already, or for its own sake."""
        wished = self.values.one_of(ALIASES) if self.values.chance(8) else name
        if self._wrong(40):
            return f"{wished}: {name}{arguments}"  # perhaps in conflict with another
        shown = self._names.taken(wished, name, parent, f"{name}{arguments}", shape)
        return f"{name}{arguments}" if shown == name else f"{shown}: {name}{arguments}"

    def _directives(self) -> str:
        return "".join(self.arguments.directive(name) for name in ("skip", "include") if self.values.chance(20))

    def _wrong(self, one_in: int) -> bool:
        return self.values.mood is Mood.WRONG and self.values.chance(one_in)


def drawn(random: Random, schema: GraphQLSchema, pools: Pools, fields: Iterable[str] | None = None) -> Document:
    """A document of queries; `fields` are those that may be asked for at the root."""
    writer = Writer(random, schema, pools, random.choice(MOODS))
    names = random.choice(NAMES)
    operations = [writer.operation(schema.query_type, f"query {name}", fields) for name in names]
    chosen = random.choice([*names, None] if len(names) == 1 else names) or None
    if writer.values.mood is Mood.WRONG and writer.values.chance(8):
        chosen = random.choice(["Nope", None])
    text = "\n".join([*operations, *writer.fragments()])
    return Document(text, chosen, writer.arguments.given, frozenset(writer.arguments.ways), names)


def _is_declared(found: GraphQLField) -> bool:
    return isinstance(found.extensions["strawberry-definition"], PlanField)
