"""Declared types: a table, who may see its rows, and the fields."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, dataclass_transform, get_args

import strawberry
from strawberry.types.base import StrawberryList, StrawberryOptional, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition

from plan.declarations import (
    AggregateOf,
    Batch,
    Column,
    Computed,
    CountOf,
    FirstOf,
    ListOf,
    PlanField,
    ToMany,
    ToOne,
    aggregate_of,
    batch,
    column,
    computed,
    count_of,
    first_of,
    list_of,
    to_many,
    to_one,
)
from plan.predicates import Visibility, Visible
from plan.rows import Row
from plan.tables import column_names, is_nullable, table_name

T = TypeVar("T", bound=type)


@dataclass(slots=True, eq=False)
class NodeDefinition:
    """What `@node` learned of a type. `columns` are the ones that its fields and its relations need."""

    name: str
    cls: type
    table: Any
    visible: Visible
    fields: dict[str, PlanField]
    columns: tuple[str, ...] = ("id",)
    enums: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    visibility: Visibility = field(init=False)
    _targets: dict[str, NodeDefinition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.visibility = Visibility(self.table, self.visible)

    def target(self, name: str) -> NodeDefinition:
        """The node that the relation `name` leads to."""
        if name not in self._targets:
            self._targets[name] = node_of(innermost(self.fields[name].type))
        return self._targets[name]


_LONGEST_NAME = 40
"""PostgreSQL breaks base64 into lines of 76 characters: an id must fit into one."""
NODES: dict[str, NodeDefinition] = {}


@dataclass_transform(
    kw_only_default=True,
    field_specifiers=(column, computed, batch, to_one, first_of, to_many, list_of, count_of, aggregate_of),
)
def node(*, table: Any, visible: Visible, description: str = "") -> Callable[[T], T]:
    """Declares a type over `table`, whose rows a viewer sees where `visible(viewer)` holds: there is no way without.

    The class docstring is the type's description unless `description` is given.
    """

    def declare(cls: T) -> T:
        text = description or (cls.__doc__ or "").strip()
        if len(cls.__name__) > _LONGEST_NAME:
            raise TypeError(f"{cls.__name__} is too long a name")
        if not callable(visible):
            raise TypeError(f"{cls.__name__} does not say who may see its rows")
        definition = NodeDefinition(cls.__name__, cls, table, visible, {})
        cls.is_type_of = classmethod(lambda _cls, value, _info: isinstance(value, Row) and value.node is definition)  # type: ignore[attr-defined]
        declared = strawberry.type(cls, description=text)
        definition.cls = declared
        definition.fields = {
            f.python_name: f for f in get_object_definition(declared, strict=True).fields if isinstance(f, PlanField)
        }
        declared.__plan_node__ = definition  # type: ignore[attr-defined]
        NODES[definition.name] = definition
        return declared

    return declare


def node_of(cls: type) -> NodeDefinition:
    """The definition behind a declared type; TypeError for any other."""
    definition: NodeDefinition | None = getattr(cls, "__plan_node__", None)
    if definition is None:
        raise TypeError(f"{cls} is not declared with @node")
    return definition


def link(viewers: Sequence[Any], several: Sequence[Any] = ()) -> list[type]:
    """Joins the declared types, once, before the schema is made; answers them all.

    Types name each other in annotations without importing each other: here the names get their meaning. Every
    predicate is tried with `viewers`, one of each kind, so that one which needs a join fails at start-up; with those
    that are `several` people at once, too, by which is known what these may share.
    """
    for module in {definition.cls.__module__ for definition in NODES.values()}:
        _name_types(vars(sys.modules[module]))
    for definition in NODES.values():
        _complete(definition)
        definition.visibility.require_sound(viewers, several)
    return [definition.cls for definition in NODES.values()]


def _name_types(module: dict[str, Any]) -> None:
    """Lets every GraphQL type of a module, declared or plain, name every declared type."""
    names = {**module, **{definition.name: definition.cls for definition in NODES.values()}}
    own = (value for value in module.values() if getattr(value, "__module__", None) == module["__name__"])
    for definition in filter(None, map(get_object_definition, own)):
        for declared in definition.fields:
            if declared.type_annotation is not None:
                declared.type_annotation.namespace = names


def _complete(definition: NodeDefinition) -> None:
    """Fills in what is known only when every type is: columns, on both ends of relations, and enums."""
    for name, declared in definition.fields.items():
        declaration = declared.declaration
        if isinstance(declaration, Column):
            declared.declaration = declaration = replace(declaration, name=declaration.name or name)
            _complete_column(definition, declared, declaration)
        elif isinstance(declaration, Computed | Batch):
            _need(definition, *declaration.columns)
        elif isinstance(declaration, ToOne):
            _need(definition, declaration.key)
            definition.target(name)
        elif isinstance(declaration, FirstOf | ToMany | ListOf):
            _need(definition.target(name), declaration.key)
            orders = declaration.orders.values() if isinstance(declaration, ToMany) else ()
            for order in (declaration.order, *orders):
                _need_order(definition.target(name), order)
        elif isinstance(declaration, CountOf | AggregateOf):
            _need_field(definition, name, declaration.field, ToMany)
            if isinstance(declaration, AggregateOf):
                _need(definition.target(declaration.field), declaration.column)


def _complete_column(definition: NodeDefinition, declared: PlanField, declaration: Column) -> None:
    owner = definition
    if declaration.through:
        _need_field(definition, declared.python_name, declaration.through, ToOne | FirstOf)
        owner = definition.target(declaration.through)
    _need(owner, declaration.name)
    kind = innermost(declared.type)
    if isinstance(kind, StrawberryEnumDefinition):
        owner.enums[declaration.name] = kind.wrapped_cls


def _need(definition: NodeDefinition, *columns: str) -> None:
    known = column_names(definition.table)
    for name in columns:
        if name not in known:
            raise TypeError(f"{definition.name}: the table {table_name(definition.table)} has no column {name}")
    definition.columns = tuple(dict.fromkeys((*definition.columns, *columns)))


def _need_order(definition: NodeDefinition, order: tuple[str, ...]) -> None:
    columns = [name.removeprefix("-") for name in order]
    _need(definition, *columns)
    if nullable := [name for name in columns if is_nullable(definition.table, name)]:
        raise TypeError(f"{definition.name} cannot be ordered by {', '.join(nullable)}: null has no place in an order")


def _need_field(definition: NodeDefinition, asking: str, name: str, kind: Any) -> None:
    if name not in definition.fields or not isinstance(definition.fields[name].declaration, kind):
        raise TypeError(f"{definition.name}.{asking} reads by {name}, which is no relation of that kind")


def innermost(kind: Any) -> Any:
    """The type inside optionals, lists and `Connection[…]`."""
    while isinstance(kind, StrawberryOptional | StrawberryList):
        kind = kind.of_type
    held = get_args(kind) or tuple(_type_arguments(kind))
    return innermost(held[0]) if held else kind


def _type_arguments(kind: Any) -> list[Any]:
    definition = get_object_definition(kind)
    return list(definition.type_var_map.values()) if definition and definition.type_var_map else []
