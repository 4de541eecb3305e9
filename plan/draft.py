"""What the compiler works on: the outline as it grows, and the small steps of which its making consists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from graphql import (
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    get_nullable_type,
    is_nullable_type,
    is_object_type,
)
from strawberry.types.field import StrawberryField

from plan.arguments import Arguments, Binding, Convert
from plan.collecting import Collector, Selected
from plan.declarations import PlanField, Standing
from plan.nodes import NodeDefinition
from plan.outline import Choice, Field, Object
from plan.sql import ColumnOf, FirstOfJoin, IdOf, Level, Related, ToOneJoin
from plan.texts import Fixed, Spelled, Text, usual


class NotCompilable(Exception):
    """The operation is not for the plan. `reason` is one of a few words, to be counted; `detail` is for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    @classmethod
    def resolved(cls, selected: Selected) -> NotCompilable:
        """For a field that has a resolver of its own."""
        return cls("resolver", f"{selected.parent.name}.{selected.name} has a resolver of its own")


@dataclass(frozen=True, slots=True)
class BatchField:
    """Values that are computed for all rows of a level at once, if what holds them (`presence`) is there."""

    level: Level
    node: NodeDefinition
    presence: int | None
    columns: dict[str, int]
    by: Callable[..., Any]
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row's columns lie: level, alias, and the column that says whether there is a row (None: always)."""

    node: NodeDefinition
    level: Level
    alias: str
    presence: int | None = None


@dataclass(eq=False, slots=True)
class Outline:
    """What one object and all below it takes: its fields, the roots to read, the bindings, the names in expressions."""

    object: Object
    roots: list[Level] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    batches: list[BatchField] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    read: dict[str, Callable[..., Any]] = field(default_factory=dict)
    """Expressions that were needed one by one, as functions."""
    spelled: bool = False
    """Whether the database writes some of it as JSON: then nobody can look at it carefully."""
    fields: int = 0
    """How many fields are asked for, each as often as it is: fragments let a short document ask for many."""

    @property
    def standings(self) -> list[Standing]:
        """What must be known of whoever asks, each once."""
        return list(dict.fromkeys(batch.standing for batch in self.batches if batch.standing is not None))


class TooLongToSpell(Exception):
    """The database would have to be told of too many fields."""


MOST_FIELDS = 1_000
"""Of a plan. Ours have some 200; each takes 30 µs to compile, and a thousand bytes to keep."""
TYPES_REMEMBERED = 500
"""Of fields: a schema has some fifty."""
MOST_SPELLED = 300
"""Fields of which the database writes JSON: each takes 150 characters of SQL, and what is longer than 64 KB is prepared
for each request anew."""


class Draft:
    """An outline in the making. With `spelling`, the database writes rows as JSON wherever it can."""

    def __init__(self, made: Object, collector: Collector, convert: Convert, *, spelling: bool) -> None:
        self.outline = Outline(made)
        self.collector = collector
        self._convert = convert
        self._spelling = spelling
        self._most = MOST_SPELLED if spelling else MOST_FIELDS
        self._aliases = 0
        self._named: dict[int, str] = {}

    def below(self, selected: Selected, kind: GraphQLObjectType | None = None) -> list[Selected]:
        """What is asked of a field's object; `kind` is which, where it may be of several types."""
        return self.collector.below(selected, kind or object_type(selected))

    def field(
        self,
        selected: Selected,
        raw: str,
        *,
        quick: str | None = None,
        inner: Object | Choice | None = None,
        present: str | None = None,
        rows: str | None = None,
        text: Text | None = None,
    ) -> Field:
        """See `plan.outline.Field`."""
        self.outline.fields += 1
        if self.outline.fields > self._most:
            self._too_many()
        return Field(
            key=selected.key,
            parent=selected.parent.name,
            name=selected.name,
            nodes=selected.nodes,
            type=selected.definition.type,
            raw=raw,
            quick=quick,
            inner=inner,
            present=present,
            rows=rows,
            text=text,
        )

    def _too_many(self) -> None:
        if self._spelling:
            raise TooLongToSpell
        raise NotCompilable("fields", f"a plan has at most {MOST_FIELDS} fields, with those of fragments")

    def simple(self, selected: Selected, raw: str, text: Text | None = None) -> Field:
        """A field that never fails, whose value is complete as it is."""
        return self.field(selected, raw, quick=raw, text=text)

    def typename(self, selected: Selected) -> Field | None:
        """The field, if it is `__typename`."""
        if selected.name == "__typename":
            return self.simple(selected, repr(selected.parent.name), Fixed(selected.parent.name))
        if selected.name.startswith("__"):
            raise NotCompilable("introspection", selected.name)
        return None

    def column(self, place: Place, name: str) -> str:
        """The value of a column."""
        return f"r[{place.level.index_of(ColumnOf(place.alias, name))}]"

    def level(self, selected: Selected, node: NodeDefinition, binding: int, parent: Place | None = None) -> Level:
        """A level of rows; it becomes part of the statement as a root, or when it is related to its parents."""
        path = f"{parent.level.path}.{selected.key}" if parent else selected.key
        made = Level(node, self.alias(), binding, path)
        self.outline.levels.append(made)
        return made

    def relate(self, level: Level, parent: Place, key: str) -> int:
        """Makes the level a column of the tuples of its parents; answers which."""
        level.relate(Related(level.node, level.alias, key, parent.alias, level.binding), parent.level)
        return level.place

    def join(self, name: str, place: Place) -> Place:
        """Where the row lies that the relation `name` leads to; it is joined once, however often it is asked for."""
        declaration, target = place.node.fields[name].declaration, place.node.target(name)
        joins, key = place.level.joins, (place.alias, name)
        if key not in joins:
            joins[key] = _join(declaration, target, self.alias(), place.alias)
        alias = joins[key].alias
        return Place(target, place.level, alias, place.level.index_of(IdOf(alias)))

    def spell(self, made: Field | Object, place: Place, before: dict[Any, int]) -> None:
        """Lets the database write this part of the row at `place`, if it can.

        Then the columns that were added since `before`, to build it of, are not read.
        """
        text = made.text
        if text is None or not self._spelling:
            return
        place.level.columns = before
        made.quick = f"{self.name(usual)}(r[{place.level.index_of(Spelled(text))}])"
        self.outline.spelled = True

    def bind(self, binding: Binding) -> int:
        """Adds a binding; answers its place."""
        self.outline.bindings.append(binding)
        return len(self.outline.bindings) - 1

    def arguments(self, selected: Selected) -> Arguments:
        """The arguments of a declared field."""
        declared = declaration_of(selected)
        assert isinstance(declared, PlanField), "only declared fields have arguments"
        return Arguments(declared, selected.definition, selected.nodes[0], self._convert)

    def alias(self) -> str:
        """A new alias for a table."""
        self._aliases += 1
        return f"t{self._aliases}"

    def name(self, thing: Any) -> str:
        """The name by which expressions call a function or a table of ours."""
        name = _names.name(thing) if callable(thing) else self._own_name(thing)
        self.outline.names[name] = thing
        return name

    def _own_name(self, table: Any) -> str:
        return self._named.setdefault(id(table), f"n{len(self._named)}")


class _Names:
    """What functions are called, in all plans: they are made once for the process, and what is alike reads alike."""

    def __init__(self) -> None:
        self._known: dict[Callable[..., Any], str] = {}

    def name(self, function: Callable[..., Any]) -> str:
        """Its own for each."""
        return self._known.setdefault(function, f"f{len(self._known)}")


_names = _Names()


def declaration_of(selected: Selected) -> StrawberryField:
    """The field as it was declared."""
    declared: StrawberryField | None = selected.definition.extensions.get("strawberry-definition")
    if declared is None:
        raise NotCompilable.resolved(selected)
    return declared


@lru_cache(TYPES_REMEMBERED)
def shape(kind: GraphQLOutputType) -> tuple[str, bool]:
    """How a field's type reads where it may be null, and whether it may."""
    return str(get_nullable_type(kind)), is_nullable_type(kind)


def object_type(selected: Selected) -> GraphQLObjectType:
    """The type of a field's object, where there is just one."""
    kind = get_named_type(selected.definition.type)
    if not is_object_type(kind):
        raise NotCompilable("abstract", f"{selected.parent.name}.{selected.name} may be of several types")
    return kind


def _join(declaration: Any, target: NodeDefinition, alias: str, parent: str) -> ToOneJoin | FirstOfJoin:
    if hasattr(declaration, "order"):
        return FirstOfJoin(target, alias, parent, declaration.key, declaration.order)
    return ToOneJoin(target, alias, parent, declaration.key)
