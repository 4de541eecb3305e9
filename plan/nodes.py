"""Declared types: a table, who may see its rows, and the fields."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform, get_args

import strawberry
from strawberry.types.base import StrawberryList, StrawberryOptional, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition

from plan.declarations import (
    Batch,
    Column,
    Computed,
    CountOf,
    FirstOf,
    PlanField,
    ToMany,
    ToOne,
    batch,
    column,
    computed,
    count_of,
    first_of,
    to_many,
    to_one,
)
from plan.predicates import require_joinless
from plan.rows import Row
from plan.tables import column_names, table_name

T = TypeVar("T", bound=type)
Visible = Callable[[Any], Any]
"""Takes a viewer and answers the `Q` of the rows they may see."""


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

    def target(self, name: str) -> NodeDefinition:
        """The node that the relation `name` leads to."""
        return node_of(innermost(self.fields[name].type))


NODES: dict[str, NodeDefinition] = {}


@dataclass_transform(
    kw_only_default=True, field_specifiers=(column, computed, batch, to_one, first_of, to_many, count_of)
)
def node(*, table: Any, visible: Visible, description: str = "") -> Callable[[T], T]:
    """Declares a type over `table`, whose rows a viewer sees where `visible(viewer)` holds: there is no way without.

    The class docstring is the type's description unless `description` is given.
    """

    def declare(cls: T) -> T:
        text = description or (cls.__doc__ or "").strip()
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
    """The definition behind a declared type."""
    definition: NodeDefinition = cls.__plan_node__  # type: ignore[attr-defined]
    return definition


def link(viewers: list[Any]) -> list[type]:
    """Joins the declared types, once, before the schema is made; answers them all.

    Types name each other in annotations without importing each other: here the names get their meaning. Every
    predicate is tried with `viewers`, one of each kind, so that one which needs a join fails at start-up.
    """
    for module in {definition.cls.__module__ for definition in NODES.values()}:
        _name_types(vars(sys.modules[module]))
    for definition in NODES.values():
        _complete(definition)
        for viewer in viewers:
            require_joinless(definition.table, definition.visible, viewer)
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
            declared.declaration = declaration = Column(declaration.name or name, declaration.through)
            _complete_column(definition, declared, declaration)
        elif isinstance(declaration, Computed | Batch):
            _need(definition, *declaration.columns)
        elif isinstance(declaration, ToOne):
            _need(definition, declaration.key)
        elif isinstance(declaration, FirstOf | ToMany):
            ordered = (part.removeprefix("-") for part in declaration.order)
            _need(definition.target(name), declaration.key, *ordered)
        elif isinstance(declaration, CountOf) and declaration.field not in definition.fields:
            raise TypeError(f"{definition.name}.{name} counts {declaration.field}, which is not there")


def _complete_column(definition: NodeDefinition, declared: PlanField, declaration: Column) -> None:
    owner = definition.target(declaration.through) if declaration.through else definition
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


def innermost(kind: Any) -> Any:
    """The type inside optionals, lists and `Connection[…]`."""
    while isinstance(kind, StrawberryOptional | StrawberryList):
        kind = kind.of_type
    held = get_args(kind) or tuple(_type_arguments(kind))
    return innermost(held[0]) if held else kind


def _type_arguments(kind: Any) -> list[Any]:
    definition = get_object_definition(kind)
    return list(definition.type_var_map.values()) if definition and definition.type_var_map else []
