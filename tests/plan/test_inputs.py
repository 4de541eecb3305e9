"""Input objects come out as graphql-core's own function makes them, whatever is sent."""

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, build_schema, coerce_input_value

from plan.inputs import coerced

SCHEMA = build_schema("""
enum Colour { RED GREEN }
scalar Anything
input Inner { text: String! number: Int = 7 }
input Outer {
  id: ID! text: String number: Int flag: Boolean = true share: Float colour: Colour = RED any: Anything
  list: [Int!] = [1, 2] inner: Inner inners: [Inner!] default: Inner = {text: "x"}
}
input One @oneOf { text: String number: Int }
type Query { field(outer: Outer, one: One): Int }
""")
NAMES = ["id", "text", "number", "flag", "share", "colour", "any", "list", "inner", "inners", "default", "unknown"]
VALUES: list[Any] = [
    *(None, True, "RED", "BLUE", "", 1.5, 2.0, 0, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1),
    *([], [1], [None], ["x"], [[1]], {}, {"text": "x"}, {"text": None}, {"text": "x", "number": None}),
    *({"number": 1}, {"text": "x", "more": 1}, [{"text": "x"}], [{"text": "x"}, None], {"text": 1}),
]


@pytest.mark.parametrize("kind", ["Outer", "Inner", "One"])
def test_whatever_is_sent(kind: str) -> None:
    named = SCHEMA.type_map[kind]
    assert isinstance(named, GraphQLInputObjectType)
    sound = 0
    for name in NAMES:
        for value in VALUES:
            for given in ({name: value}, {"id": "a", "text": "b", name: value}):
                known = coerce_input_value(given, named)
                assert repr(coerced(named, given)) == repr(known), given
                sound += isinstance(known, dict)
    assert sound > 1


def test_what_is_left_out_is_as_declared() -> None:
    named = SCHEMA.type_map["Outer"]
    assert isinstance(named, GraphQLInputObjectType)
    made = coerced(named, {"id": "a", "inner": {"text": "b"}})
    more = {"flag": True, "colour": "RED", "list": [1, 2], "default": {"text": "x", "number": 7}}
    assert made == {"id": "a", "inner": {"text": "b", "number": 7}, **more}
