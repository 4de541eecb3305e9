"""From a field's arguments to what they mean for the statement, anew for each request."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputType,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.language import ListValueNode
from graphql.utilities.coerce_input_value import coerce_input_literal

from plan.connections import Paging
from plan.declarations import ListOf, Reference, ToMany
from plan.ids import decode_id
from plan.nodes import NODES
from plan.plain import NOTHING, condition_of, narrowed, order_of
from plan.predicates import Template, template_of
from plan.writing import OfViewer

if TYPE_CHECKING:
    from plan.declarations import PlanField
    from plan.nodes import NodeDefinition

Convert = Callable[["PlanField", dict[str, Any]], dict[str, Any]]
"""Makes of coerced arguments by their GraphQL names those that a resolver would get."""


TYPES_REMEMBERED = 500
"""Of arguments: a schema has some fifty."""
_SIMPLE = {"ID", "String", "Int", "Boolean"}


class Request(NamedTuple):
    """What a binding may look at: the object that has the field, the context, and the coerced variables."""

    source: Any
    context: Any
    variables: VariableValues


@dataclass(slots=True)
class Bound:
    """Arguments as the statement and the answer's builder need them.

    `values` are the parameters: the keysets' first, then those of the condition `template`. `keysets` says where each
    keyset begins, and whether it is the far end. `order` is how rows are read (backwards from the end for `last`),
    `shown` how they are shown. `failed` is what was wrong with the arguments.
    """

    values: tuple[Any, ...] = ()
    template: Template | None = None
    order: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    limit: int = 0
    keysets: tuple[tuple[int, bool], ...] = ()
    paging: Paging | None = None
    chosen: str | None = None
    failed: Exception | None = None
    shape: Hashable = field(init=False, default=None)
    """Equal where the SQL is equal."""
    size: int = field(init=False, default=0)
    """How many rows of those that were read are shown."""
    backwards: bool = field(init=False, default=False)
    """Whether they were read from the end."""

    def __post_init__(self) -> None:
        condition = None
        if self.template:
            of_viewer = tuple(isinstance(slot, OfViewer) for slot in self.template.slots)
            condition = (self.template.text, self.template.rights, of_viewer)
        self.size = self.paging.size if self.paging else self.limit
        self.backwards = self.paging is not None and self.paging.backwards
        self.shape = (self.failed is None, self.chosen, condition, self.order, self.limit, self.keysets, self.backwards)


class Arguments:
    """The arguments of one selected field.

    Scalars that variables or the document give are taken as they are: graphql-core and Strawberry would look at each
    again, which takes longer than all else about a small operation. Whatever else there is, is left to them.
    """

    def __init__(self, field: PlanField, definition: GraphQLField, node: FieldNode, convert: Convert) -> None:
        self._field = field
        self._definition = definition
        self._node = node
        self._convert = convert
        self._parts = _parts(field, definition, node)
        self.constant = not any(_varies(argument.value) for argument in node.arguments or ())

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """By Python name, as a resolver would get them."""
        if self._parts is None:
            return self._converted(variables)
        values: dict[str, Any] = {}  # `dict[str, Any]()` takes twenty times as long
        for part in self._parts:
            value = part.value if part.variable is None else variables.coerced.get(part.variable)
            if part.required if value is None else not part.simple:
                return self._converted(variables)
            values[part.name] = value
        return values

    def _converted(self, variables: VariableValues) -> dict[str, Any]:
        return self._convert(self._field, get_argument_values(self._definition, self._node, variables))


@dataclass(frozen=True, slots=True)
class _Part:
    """An argument: a value, or the variable that holds it. Where `simple` it is taken as it is."""

    name: str
    variable: str | None
    value: Any
    simple: bool
    required: bool


def _parts(field: PlanField, definition: GraphQLField, node: FieldNode) -> list[_Part] | None:
    """The arguments, where none has a default or a literal that is more than a scalar."""
    names = field.python_names
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    parts = list[_Part]()
    for name, declared in definition.args.items():
        simple = _is_simple(declared.type)
        value = given.get(name)
        if not isinstance(value, VariableNode) and not (simple or value is None):
            return None
        if declared.default_value not in (None, Undefined):
            return None
        variable = value.name.value if isinstance(value, VariableNode) else None
        literal = None if value is None or variable else coerce_input_literal(value, declared.type)
        parts.append(_Part(names[name.lower()], variable, literal, simple, is_non_null_type(declared.type)))
    return parts


@lru_cache(TYPES_REMEMBERED)
def _is_simple(kind: GraphQLInputType) -> bool:
    return get_named_type(kind).name in _SIMPLE and not is_list_type(get_nullable_type(kind))


class Binding:
    """What becomes of a field's arguments. Where they hold no variable, they are bound once."""

    def __init__(self, *, constant: bool) -> None:
        self._constant = constant
        self._known: Bound | None = None

    def bound(self, request: Request) -> Bound:
        """The arguments of this request; what is wrong with them is in `failed`."""
        if self._known is not None:
            return self._known
        try:
            bound = self._bind(request)
        except Exception as error:  # noqa: BLE001 - told at the field's place, as its resolver's would be
            return Bound(failed=error)  # never kept: what is raised again keeps the frames of every time that it was
        if self._constant:
            self._known = bound
        return bound

    def _bind(self, request: Request) -> Bound:
        raise NotImplementedError


class IdBinding(Binding):
    """`id` of a row of `node`; of any type where that is None. An id of another type finds nothing."""

    def __init__(self, arguments: Arguments, node: NodeDefinition | None) -> None:
        super().__init__(constant=arguments.constant)
        self._arguments = arguments
        self._node = node

    def _bind(self, request: Request) -> Bound:
        name, row_id = decode_id(self._arguments.values(request.variables)["id"])
        if self._node is not None and name != self._node.name:
            return Bound((None,))
        return Bound((row_id,), chosen=None if self._node else name if name in NODES else "")


class ReferenceBinding(Binding):
    """The id that a declared function answers for the object at hand."""

    def __init__(self, declaration: Reference) -> None:
        super().__init__(constant=False)
        self._declaration = declaration

    def _bind(self, request: Request) -> Bound:
        return Bound((self._declaration.by(request.source, request.context),))


class PageBinding(Binding):
    """A page of a connection to `target`."""

    def __init__(self, arguments: Arguments, target: NodeDefinition, declaration: ToMany) -> None:
        super().__init__(constant=arguments.constant)
        self._arguments = arguments
        self._target = target
        self._declaration = declaration
        self.orders = (declaration.order, *declaration.orders.values())

    def _bind(self, request: Request) -> Bound:
        values = self._arguments.values(request.variables)
        if values.get("filter") is values["after"] is values["before"] is None:
            return self._usual(values["first"], values["last"], values.get("order_by"))
        return self._bound(values)

    def _usual(self, *asked: Any) -> Bound:
        """An end of the whole connection: the same for everybody who asks for so many rows."""
        key = (id(self._declaration), *asked)
        if key not in _ends:
            first, last, order_by = asked
            chosen = {"order_by": order_by} if self._declaration.orders else {}
            made = self._bound({"first": first, "after": None, "last": last, "before": None, **chosen})
            _ends[key] = self._declaration, made
        return _ends[key][1]

    def _bound(self, values: dict[str, Any]) -> Bound:
        condition = condition_of(self._declaration.where, values.pop("filter", None))
        order = order_of(self._declaration, values.pop("order_by", None))
        paging = Paging.checked(**values)
        window = paging.window(self._target, order)
        ends = [(window.beyond, False), (window.until, True)]
        keysets = [(keyset, until) for keyset, until in ends if keyset is not None]
        template = template_of(self._target.table, condition) if condition else None
        return Bound(
            values=(*(value for keyset, _ in keysets for value in keyset), *_known(template)),
            template=template,
            order=window.order,
            shown=order,
            limit=window.limit,
            keysets=tuple((index * len(order), until) for index, (_, until) in enumerate(keysets)),
            paging=paging,
        )


class WholeBinding(Binding):
    """No arguments: what is counted, summed or listed of the rows that `declaration` relates to; `given` narrows it."""

    def __init__(
        self, target: NodeDefinition, declaration: ToMany | ListOf, given: Mapping[str, Any] = NOTHING
    ) -> None:
        super().__init__(constant=True)
        self._target = target
        self._declaration = declaration
        self._given = given

    def _bind(self, request: Request) -> Bound:
        del request  # it is the same for all
        if isinstance(self._declaration, ListOf):
            return Bound(order=self._declaration.order, limit=self._declaration.most)
        condition = narrowed(self._declaration.where, self._given)
        template = template_of(self._target.table, condition) if condition else None
        return Bound(_known(template), template)


_ends: dict[tuple[Any, ...], tuple[ToMany, Bound]] = {}
"""By declaration (held here, so that its id stays its own) and what was asked: a hundred sizes, from two ends."""


def _known(template: Template | None) -> tuple[Any, ...]:
    """A condition's values: they are known when it is rendered, but for whoever asks."""
    slots = template.slots if template else ()
    return tuple(None if isinstance(slot, OfViewer) else slot.value(None, ()) for slot in slots)


def _varies(node: ValueNode) -> bool:
    if isinstance(node, ListValueNode):
        return any(map(_varies, node.values))
    if isinstance(node, ObjectValueNode):
        return any(_varies(part.value) for part in node.fields)
    return isinstance(node, VariableNode)
