"""Documents that are obviously valid, found by one walk.

graphql-core asks each of thirty rules about each node, which takes longer than everything else that a new document
needs. What clients send is nearly always valid, and of a simple form: one operation, whose fields, arguments and
variables fit. That is seen here in a twentieth of the time. Whatever is not obvious (which need not be wrong) is left
to the rules, and so are all errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NamedTypeNode,
    Node,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    TypeNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_input_type,
    is_leaf_type,
    is_required_argument,
    type_from_ast,
)
from graphql.utilities import do_types_overlap
from graphql.validation.rules.variables_in_allowed_position import allowed_variable_usage

MOST_STEPS = 10_000
"""Selections that are looked at. A fragment is looked at wherever it is spread: what spreads many is not obvious."""
_CONDITIONS = {"skip", "include"}
_INT_DIGITS = 9
"""A literal of so many is an Int for sure."""
_LITERALS: Mapping[str, tuple[type[ValueNode], ...]] = {
    GraphQLString.name: (StringValueNode,),
    GraphQLID.name: (StringValueNode, IntValueNode),
    GraphQLBoolean.name: (BooleanValueNode,),
    GraphQLInt.name: (IntValueNode,),
    GraphQLFloat.name: (IntValueNode, FloatValueNode),
}
"""Kinds of literals that scalars take. Those of our own say themselves what they take: that is not obvious."""


class _Doubt(Exception):
    """It is not obvious."""


@dataclass(frozen=True, slots=True)
class _Field:
    """What the schema says of a field: its type, what is below it, and what it is to be given."""

    type: Any
    below: GraphQLNamedType
    is_leaf: bool
    arguments: Mapping[str, Any]
    required: frozenset[str]


_Together = dict[str, tuple[FieldNode, _Field]]
"""Fields of one object of the answer, by their names there."""


class Obvious:
    """Knows which documents are obviously valid by a schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._fields: dict[tuple[str, str], _Field] = {}

    def is_valid(self, document: DocumentNode) -> bool:
        """Whether it certainly has no errors. Judge its shape first: see `plan.shapes`."""
        try:
            _Walk(self._schema, self._field, document).through()
        except _Doubt:
            return False
        return True

    def _field(self, parent: GraphQLNamedType, name: str) -> _Field:
        key = parent.name, name
        if key not in self._fields:  # what there is, is bounded by the schema: what there is not is not kept
            self._fields[key] = self._looked_up(parent, name)
        return self._fields[key]

    def _looked_up(self, parent: Any, name: str) -> _Field:
        definition = self._schema.get_field(parent, name)
        if definition is None or name in ("__schema", "__type"):
            raise _Doubt
        below = get_named_type(definition.type)
        return _Field(definition.type, below, is_leaf_type(below), definition.args, _required(definition.args))


class _Walk:
    """One document's."""

    def __init__(self, schema: GraphQLSchema, field: Any, document: DocumentNode) -> None:
        self._schema = schema
        self._field = field
        self._operation, self._fragments = _parts(document)
        variables = self._operation.variable_definitions or ()
        self._variables = {each.variable.name.value: self._declared(each) for each in variables}
        self._defaults = {each.variable.name.value: each.default_value for each in variables}
        self._used = set[str]()
        self._spread = set[str]()
        self._opened = list[str]()
        self._looked_at = set[tuple[int, str]]()
        self._steps = 0

    def through(self) -> None:
        """Raises _Doubt where something is not obvious."""
        operation = self._operation
        root = self._schema.get_root_type(operation.operation)
        _require(root is not None and len(self._variables) == len(operation.variable_definitions or ()))
        if operation.operation is OperationType.SUBSCRIPTION:
            _require_one_field(operation)
        self._selection_set(operation.selection_set, cast("GraphQLNamedType", root))
        _require(self._used == self._variables.keys() and self._spread == self._fragments.keys())

    def _declared(self, definition: Any) -> Any:
        """A variable's type."""
        _require(not definition.directives)
        declared = type_from_ast(self._schema, cast("TypeNode", definition.type))
        _require(is_input_type(declared))
        if definition.default_value is not None:
            self._value(definition.default_value, declared)
        return declared

    def _selection_set(self, selections: SelectionSetNode, parent: GraphQLNamedType) -> None:
        """All that becomes one object of the answer: the fields of fragments, too, which must not be at odds."""
        if (key := (id(selections), parent.name)) in self._looked_at:
            return
        self._looked_at.add(key)
        self._selections(selections, parent, {})

    def _selections(self, selections: SelectionSetNode, parent: Any, together: _Together) -> None:
        for node in selections.selections:
            self._steps += 1
            _require(self._steps < MOST_STEPS)
            if node.directives:
                self._conditions(node.directives)
            if isinstance(node, FieldNode):
                self._selected(node, parent, together)
            elif isinstance(node, InlineFragmentNode):
                kind = self._narrowed(node.type_condition, parent) if node.type_condition else parent
                self._selections(node.selection_set, kind, together)
            else:
                self._fragment(cast("FragmentSpreadNode", node), parent, together)

    def _fragment(self, node: FragmentSpreadNode, parent: Any, together: _Together) -> None:
        name = node.name.value
        _require(name in self._fragments and name not in self._opened and not node.arguments)
        fragment = self._fragments[name]
        self._spread.add(name)
        self._opened.append(name)
        self._selections(fragment.selection_set, self._narrowed(fragment.type_condition, parent), together)
        self._opened.pop()

    def _narrowed(self, condition: NamedTypeNode, parent: Any) -> Any:
        kind: Any = self._schema.type_map.get(condition.name.value)
        _require(is_composite_type(kind) and (kind is parent or do_types_overlap(self._schema, kind, parent)))
        return kind

    def _selected(self, node: FieldNode, parent: Any, together: _Together) -> None:
        field = self._field(parent, node.name.value)
        key = node.alias.value if node.alias else node.name.value
        if key in together:
            _require_same(node, field, *together[key])
            return
        together[key] = node, field
        _require(field.is_leaf == (node.selection_set is None))
        if node.arguments or field.required:
            self._given(node.arguments or (), field.arguments, field.required)
        if node.selection_set is not None:
            self._selection_set(node.selection_set, field.below)

    def _conditions(self, directives: Sequence[DirectiveNode]) -> None:
        names = {directive.name.value for directive in directives}
        _require(len(names) == len(directives) and names <= _CONDITIONS)
        for directive in directives:
            definition = self._schema.get_directive(directive.name.value)
            _require(definition is not None)
            assert definition is not None
            self._given(directive.arguments or (), definition.args, _required(definition.args))

    def _given(
        self,
        given: Sequence[ArgumentNode | ObjectFieldNode],
        wanted: Mapping[str, Any],
        required: frozenset[str],
    ) -> None:
        """Arguments, or the fields of an input object: each known, none twice, none missing, all of their types."""
        values = {each.name.value: each.value for each in given}
        _require(len(values) == len(given) and required <= values.keys() <= wanted.keys())
        for name, value in values.items():
            self._value(value, wanted[name].type, has_default=name not in required)

    def _value(self, value: ValueNode, kind: Any, *, has_default: bool = False) -> None:
        if isinstance(value, VariableNode):
            self._variable(value.name.value, kind, has_default=has_default)
        elif isinstance(value, NullValueNode):
            _require(not isinstance(kind, GraphQLNonNull))
        else:
            self._literal(value, kind.of_type if isinstance(kind, GraphQLNonNull) else kind)

    def _variable(self, name: str, kind: Any, *, has_default: bool) -> None:
        _require(name in self._variables)
        self._used.add(name)
        declared, default = self._variables[name], None if has_default else Undefined
        _require(allowed_variable_usage(self._schema, declared, self._defaults.get(name), kind, default))

    def _literal(self, value: ValueNode, kind: Any) -> None:
        if isinstance(kind, GraphQLList):
            _require(isinstance(value, ListValueNode))
            for item in cast("ListValueNode", value).values:
                self._value(item, kind.of_type)
        elif isinstance(kind, GraphQLInputObjectType):
            _require(isinstance(value, ObjectValueNode) and not kind.is_one_of)
            self._given(cast("ObjectValueNode", value).fields, kind.fields, _required(kind.fields))
        elif isinstance(kind, GraphQLEnumType):
            _require(isinstance(value, EnumValueNode) and value.value in kind.values)
        else:
            _require(isinstance(value, _LITERALS.get(kind.name, ())))
            _require(kind.name != GraphQLInt.name or len(cast("IntValueNode", value).value) <= _INT_DIGITS)


def _require(condition: object) -> None:
    if not condition:
        raise _Doubt


def _required(wanted: Mapping[str, Any]) -> frozenset[str]:
    """The names of what must be given: of arguments, or of an input object's fields."""
    return frozenset(name for name, each in wanted.items() if is_required_argument(each))


def _parts(document: DocumentNode) -> tuple[OperationDefinitionNode, dict[str, FragmentDefinitionNode]]:
    """The one operation, and the fragments by name."""
    first, *others = sorted(document.definitions, key=lambda node: not isinstance(node, OperationDefinitionNode))
    fragments = {each.name.value: each for each in others if isinstance(each, FragmentDefinitionNode)}
    _require(isinstance(first, OperationDefinitionNode) and len(fragments) == len(others))
    _require(not any(_is_special(each) for each in document.definitions))
    return cast("OperationDefinitionNode", first), fragments


def _is_special(definition: Node) -> bool:
    """Whether it has what only rules understand: directives of its own, variables of a fragment."""
    of_fragment = isinstance(definition, FragmentDefinitionNode) and definition.variable_definitions
    return bool(cast("OperationDefinitionNode", definition).directives or of_fragment)


def _require_one_field(subscription: OperationDefinitionNode) -> None:
    (only, *others) = subscription.selection_set.selections
    _require(isinstance(only, FieldNode) and not others and not only.directives)
    _require(not cast("FieldNode", only).name.value.startswith("__"))


def _require_same(node: FieldNode, field: _Field, other: FieldNode, of_other: _Field) -> None:
    """Two fields of one name in the answer are obviously the same only where nothing is in or below them."""
    for each in (node, other):
        _require(not each.arguments and each.selection_set is None)
    _require(node.name.value == other.name.value)
    _require(field.is_leaf and (field.type is of_other.type or str(field.type) == str(of_other.type)))
    _require(not field.required)
