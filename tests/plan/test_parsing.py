"""Documents that are parsed at a glance: they are what graphql-core makes of them, and it takes them all."""

from dataclasses import fields
from time import process_time
from typing import Any

import pytest
from graphql import GraphQLError, NameNode, Node, get_introspection_query, parse

from local.client import document, operation_names
from plan.parsing import MOST_LEVELS, Parser
from plan.requests import Request
from plan.shapes import MOST_CHARACTERS, MOST_TOKENS
from tests.plan.conftest import Desk

TAKEN = (
    "{a}", "{ a b: c }", "query{a}", "query Q{a}",
    "mutation M($a: Int = 1, $b: [ID!]!, $c: I! = {a: [1, {b: null}]}) {a}",
    "subscription S @live { a }", "query query($query: query) { query: query(query: $query) @query { query } }",
    "{ a(b: 0, c: -1, d: 1.5, e: -1e10, f: 1E-2, g: 0.0e+0) }", '{ a(b: "", c: "x # y", d: "ü, 日本語 \U0001f600") }',
    "{ a(b: true, c: false, d: null, e: E, f: $v, g: [], h: {}, i: [[$v] {a: $v}]) }",
    "{ ...F ... { a } ... @include(if: true) { a } ... on T { a } ...F @skip(if: $v) on { on } } fragment F on T { a }",
    "fragment F on T @d { a }",
    "# first\n{ # second\n a, ,,b\r\nc\rd\t\ufeffe } # last", "\ufeff{a}", "{a}\n\n ", "{fragment true null type}",
    "{ a @b @c(d: 1) @b { e } }", "fragment of on on { on }",
)  # fmt: skip
LEFT = (
    "", " ", "# only", "{", "}", "{}", "{a", "{a}}", "{ a() }", "query () { a }", "{ a: }", "{ a: b: c }", "{ : a }",
    "{ a(b) }", "{ a(b:) }", "{ a(: 1) }", "{ a(b: 01) }", "{ a(b: 1a) }", "{ a(b: 1.) }", "{ a(b: .5) }",
    "{ a(b: -) }",
    "{ a(b: 1.5.5) }", "{ a(b: 1e) }", "{ a(b: +1) }", "{ a(b: 1_000) }", '{ a(b: "x) }', '{ a(b: "x\ny") }',
    "{ a(b: 'x') }", '{ a(b: "\\n") }', '{ a(b: """x""") }', '{ a(b: """) }', '{ a(b: "\x00") }', "{ a(b: ٣) }",
    "{ é }", "{ a. }", "{ .. }", "{ .... }", "{ a$b }", "{ a & b }", "{ a | b }", "{ a! }", "{ $a }", "{ a(b: $) }",
    "query ($a) { a }", "query (a: Int) { a }", "query ($a: [Int) { a }", "query ($a: Int = $b) { a }",
    "query ($a: Int = [$b]) { a }", "query ($a: Int @d) { a }", "query ($a: Int!!) { a }", "query A B { a }",
    "fragment on on T { a }", "fragment F { a }", "fragment F on T", "fragment F on { a }", "{ ... on }", "{ ...on T }",
    "{ ... on T }", "{ ...F(a: 1) }", '"""described""" query { a }', "type T { a: Int }", "schema { query: Q }",
    "extend type T { a: Int }", "querys { a }", "{ a } b", "{ a } query", "query", "{ a @ }", "{ a @b( }", "{a}\x00",
    "{a}\u00a0", "{a}\ud800", "# \ud800\n{a}", "{ a(b: {c}) }", "{ a(b: [1) }", "{ a(b: {c: 1]) }",
)  # fmt: skip


@pytest.fixture
def parser(desk: Desk) -> Parser:
    return Parser(desk.engine.schema)


def told(found: Any) -> Any:
    """All that a document says, and where: but of its names, which have no places of their own."""
    if isinstance(found, tuple):
        return [told(each) for each in found]
    if not isinstance(found, Node):
        return found
    known = [field.name for field in fields(found) if not (field.name == "loc" and isinstance(found, NameNode))]
    return [type(found), *(told(getattr(found, name)) for name in known)]


@pytest.mark.parametrize("text", [*TAKEN, *map(document, operation_names()), get_introspection_query()])
def test_what_is_taken_is_what_graphql_core_makes_of_it(parser: Parser, text: str) -> None:
    glance = parser.at_a_glance(text, MOST_TOKENS)
    assert glance is not None
    assert told(glance) == told(parse(text))


@pytest.mark.parametrize("text", LEFT, ids=ascii)
def test_the_rest_is_left_to_graphql_core(parser: Parser, text: str) -> None:
    assert parser.at_a_glance(text, MOST_TOKENS) is None


def test_no_more_words_than_may_be(parser: Parser) -> None:
    for text in (f"{{{'a ' * 8}}}", f"{{ #\n#\n{'a ' * 6}}}"):
        assert parser.at_a_glance(text, 10) is not None
        assert parse(text, max_tokens=10)
        assert parser.at_a_glance(text, 9) is None
        with pytest.raises(GraphQLError, match="more than 9 tokens"):
            parse(text, max_tokens=9)


def test_brackets_may_lie_in_each_other_so_deep(parser: Parser) -> None:
    for most, opening, inside, closing in (
        (MOST_LEVELS, "{a", "", "}"),
        (MOST_LEVELS - 2, "[", "1", "]"),
        (MOST_LEVELS - 2, "{b:", "1", "}"),
    ):
        around = ("{}" if most == MOST_LEVELS else "{{a(b:{})}}").format
        deep = f"{opening * most}{inside}{closing * most}"
        text = deep if most == MOST_LEVELS else around(deep)
        assert parser.at_a_glance(text, MOST_TOKENS) is not None
        deeper = f"{opening * (most + 1)}{inside}{closing * (most + 1)}"
        assert parser.at_a_glance(deeper if most == MOST_LEVELS else around(deeper), MOST_TOKENS) is None


@pytest.mark.parametrize("part", ["\n#", "{", '"', '"a', "a ", "#", "[", "1.", "-", "...", '""'], ids=ascii)
def test_a_glance_is_short_whatever_it_is_at(parser: Parser, part: str) -> None:
    text = (part * MOST_CHARACTERS)[:MOST_CHARACTERS]
    began = process_time()
    for end in ("", "%", '"', "}"):
        assert parser.at_a_glance("{" + text + end, MOST_TOKENS) is None
    assert process_time() - began < 0.1


def test_what_has_errors_is_told_where_its_names_lie(desk: Desk) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what it says is looked at
        desk.engine.operation(Request("query A { viewer { id } }\nquery A { viewer { id } }"))
    (error,) = caught.value.answer()["errors"]
    assert error["locations"] == [{"line": 1, "column": 7}, {"line": 2, "column": 7}]
