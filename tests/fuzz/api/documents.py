"""Operations as schemathesis generates them from the committed schema, and how they are asked.

Made from the types alone, an operation hardly ever comes past its first check. So half of them get arguments with which
they do what they are for, and a quarter such with something wrong in one place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import schemathesis
from graphql import (
    FieldNode,
    GraphQLSchema,
    IntValueNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Visitor,
    build_schema,
    parse,
    parse_value,
    print_ast,
    print_schema,
    visit,
)
from graphql.utilities import value_from_ast_untyped
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.graphql import nodes, scalar

from local.programs import ROOT
from tests.fuzz.api.given import Given, Root
from tests.fuzz.arguments import PAGING, PAGINGS
from tests.fuzz.values import BAD_IDS, CARELESS_MOMENTS, EXTREMES, GOOD_MOMENTS, GOOD_SIZES, literal

CONTRACT = (ROOT / "schema.graphql").read_text()
SCHEMA = build_schema(CONTRACT)
ROOTS: tuple[Root, ...] = tuple(
    (kind, name) for kind in OperationType if (found := SCHEMA.get_root_type(kind)) for name in found.fields
)
CALLERS = ("anonymous", "owner", "admin", "editor", "viewer", "stranger", "reading key", "writing key")
FITTING, ONE_OFF, AS_GENERATED, NEGATIVE = "fitting", "one off", "as generated", "negative"
MOODS = (FITTING,) * 4 + (ONE_OFF,) * 2 + (AS_GENERATED, NEGATIVE)
SAFE = 2**53 - 1
DRAWINGS = (
    '{version: 1, items: [{kind: "text", at: [0, 1], text: "x", color: "#ffffff", size: 0.1}]}',
    '{version: 1, items: [{kind: "stroke", points: [[0, 0.5]], color: "#00FF00", width: 0.01}]}',
    '{version: 1, items: [{kind: "line", from: [0, 0], to: [2, 1e999], color: "red", width: -1}]}',
    "{version: 2, items: []}", "{}", "[[[[]]]]", '"x"', "null", "1e999",
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One operation, and who asks for it."""

    root: Root
    text: str
    variables: dict[str, Any]
    caller: str

    def __str__(self) -> str:
        return f"{self.caller} asks\n{self.text}\nwith {self.variables!r}"


class Contract:
    """Draws operations on what is given in the round at hand."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._ids = st.integers(0, 99).map(lambda number: given.ids[number % len(given.ids)])
        scalar("ID", (self._ids | st.sampled_from([str(bad) for bad in BAD_IDS])).map(nodes.String))
        scalar("SafeInt", (st.sampled_from(GOOD_SIZES) | st.integers(-SAFE - 2, SAFE + 2)).map(nodes.Int))
        scalar("DateTime", st.sampled_from(GOOD_MOMENTS + CARELESS_MOMENTS).map(nodes.String))
        scalar("Drawing", st.sampled_from(DRAWINGS).map(parse_value))
        self.calls = {(kind, name): self._of((kind, name), _fields(kind)[name]) for kind, name in ROOTS}
        """Of each root field. The simplest call, which is drawn first, is one that does what the field is for."""

    def _of(self, root: Root, operation: Any) -> st.SearchStrategy[Asked]:
        modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        sound, unsound = (operation.as_strategy(generation_mode=mode).map(lambda case: case.body) for mode in modes)
        moods = st.sampled_from(MOODS)

        @st.composite
        def drawn(draw: st.DrawFn) -> Asked:
            mood = draw(moods)
            usual = str(self._given.asked_by.get(root, "owner"))
            caller = draw(st.sampled_from((usual,) * len(CALLERS) + CALLERS))
            if mood == NEGATIVE:
                call = visit(_call(draw(unsound)), _Typed())
                return Asked(root, f"{root[0].value} {{ {print_ast(call)} }}", {}, caller)
            call = visit(_call(draw(sound)), _Sensible(draw))
            values = {each.name.value: value_from_ast_untyped(each.value) for each in call.arguments or ()}
            if mood in (FITTING, ONE_OFF):
                values = draw(st.sampled_from(self._given.arguments.get(root) or [values]))
            if mood == ONE_OFF and values:
                values = self._one_off(draw, values)
            return Asked(root, *_written(root, call, values, in_variables=draw(st.booleans())), caller)

        return drawn()

    def _one_off(self, draw: st.DrawFn, values: Any) -> Any:
        """The same with something else in one place."""
        if not isinstance(values, dict | list) or not values:
            return draw(self._ids | st.text() | st.sampled_from(EXTREMES) | st.sampled_from(BAD_IDS))
        if isinstance(values, list):
            return [self._one_off(draw, values[0]), *values[1:]]
        name = draw(st.sampled_from([*values]))
        return {**values, name: self._one_off(draw, values[name])}


class _Typed(Visitor):
    """Asks for the type of every object, too."""

    def leave_selection_set(self, node: SelectionSetNode, *_: object) -> SelectionSetNode:
        return replace(node, selections=(FieldNode(name=NameNode(value="__typename")), *node.selections))


class _Sensible(_Typed):
    """Asks for small pages, from one end: of four random arguments for it hardly any make sense."""

    def __init__(self, draw: st.DrawFn) -> None:
        super().__init__()
        self._draw = draw

    def enter_field(self, node: FieldNode, *_: object) -> FieldNode | None:
        if not {each.name.value for each in node.arguments or ()} >= set(PAGING) or self._draw(st.integers(0, 7)) == 0:
            return None
        wanted = self._draw(st.sampled_from(PAGINGS))
        size = IntValueNode(value=str(self._draw(st.sampled_from(GOOD_SIZES))))
        kept = [each for each in node.arguments if each.name.value not in PAGING or each.name.value in wanted]
        sized = tuple(replace(each, value=size) if each.name.value in ("first", "last") else each for each in kept)
        return replace(node, arguments=sized)


@cache
def _fields(kind: OperationType) -> Mapping[str, Any]:
    """What schemathesis makes of each root field. It knows no subscriptions: they are queries to it."""
    root = SCHEMA.get_root_type(kind)
    told = CONTRACT
    if kind is OperationType.SUBSCRIPTION:
        told = print_schema(GraphQLSchema(query=root, types=[*SCHEMA.type_map.values()]))
    return schemathesis.graphql.from_file(told, config=schemathesis.Config())[root.name]


def _call(text: str) -> FieldNode:
    """The root field of an operation."""
    (operation,) = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    (call,) = operation.selection_set.selections
    assert isinstance(call, FieldNode)
    return call


def _written(
    root: Root, call: FieldNode, values: Mapping[str, Any], *, in_variables: bool
) -> tuple[str, dict[str, Any]]:
    """An operation of one field with these arguments, and its variables."""
    kind, name = root
    types = {n: argument.type for n, argument in SCHEMA.get_root_type(kind).fields[name].args.items()}
    known = {n: value for n, value in values.items() if n in types}
    selected = print_ast(call.selection_set) if call.selection_set else ""
    variables = dict(known) if in_variables else {}
    given = (f"{n}: {f'${n}' if in_variables else literal(value, types[n])}" for n, value in known.items())
    defined = ", ".join(f"${n}: {types[n]}" for n in variables)
    arguments = ", ".join(given)
    definitions = f"({defined})" if defined else ""
    return f"{kind.value} Asked{definitions} {{ {name}{f'({arguments})' if arguments else ''} {selected} }}", variables
