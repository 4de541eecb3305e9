"""What a document may look like before anybody asks the schema: quick to say, and bounding what validation takes."""

from time import process_time

import pytest
from graphql import parse, validate

from plan.engine import MOST_ERRORS
from plan.shapes import (
    MOST_COMPARISONS,
    MOST_DEPTH,
    MOST_FRAGMENTS,
    MOST_OPERATIONS,
    MOST_TOKENS,
    TooCostly,
    require_modest,
)
from tests.plan.hostile import doubling, spread, tree


def chain(fragments: int) -> str:
    links = " ".join(f"fragment F{link} on Query {{ ...F{link + 1} }}" for link in range(fragments - 1))
    return f"{{ ...F0 }} {links} fragment F{fragments - 1} on Query {{ x }}"


def over(query: str) -> str:
    with pytest.raises(TooCostly) as caught:
        require_modest(parse(query))
    return str(caught.value)


def seconds(run) -> float:
    """Of this process alone, and the best of three: others share the machine."""
    taken = []
    for _ in range(3):
        began = process_time()
        run()
        taken.append(process_time() - began)
    return min(taken)


@pytest.mark.parametrize(
    ("at_most", "one_more", "words"),
    [
        ("{a" * MOST_DEPTH + "}" * MOST_DEPTH, "{a" * (MOST_DEPTH + 1) + "}" * (MOST_DEPTH + 1), "levels"),
        ("{" + "...{" * (MOST_DEPTH - 1) + "a" + "}" * MOST_DEPTH,
         "{" + "...{" * MOST_DEPTH + "a" + "}" * (MOST_DEPTH + 1), "levels"),
        (chain(MOST_DEPTH - 1), chain(MOST_DEPTH), "levels"),
        (spread(MOST_FRAGMENTS, "x"), spread(MOST_FRAGMENTS + 1, "x"), "fragments"),
        ("query A { x } " * MOST_OPERATIONS, "query A { x } " * (MOST_OPERATIONS + 1), "operations"),
        ("{" + "a " * 173 + "}", "{" + "a " * 174 + "}", "comparisons"),
        ("{" + "b: a " * 173 + "}", "{" + "b: a c: b " * 123 + "}", "comparisons"),
    ],
    ids=range(7),
)  # fmt: skip
def test_up_to_the_limit_and_no_further(at_most, one_more, words):
    require_modest(parse(at_most))
    assert words in over(one_more)


def test_the_message_says_what_and_how_much():
    most = MOST_COMPARISONS
    assert over("{" + "a " * 200 + "}") == (
        f"The document costs too much: 40000 comparisons of fields of the same name, where {most} are allowed."
    )


def test_a_fragment_is_as_deep_as_where_it_is_spread():
    """Measured once, near the root, it fits; further down it must not."""
    deep = "{a" * 14 + "}" * 14
    further = "{b" * 14 + "{ ...F }" + "}" * 14
    query = f"query A {{ ...F }} query B {further} fragment F on Query {deep}"
    assert "levels" in over(query)
    require_modest(parse(f"query A {{ ...F }} fragment F on Query {deep}"))


@pytest.mark.parametrize(
    "query",
    ["{ ...F } fragment F on Query { ...F }", "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
     "{ ...Gone }", "{ nothing { here } }", "fragment Unused on Nothing { x }", "type Query { x: Int }",
     "{ x } fragment F on A { x } fragment F on B { y { ...F } }"],
)  # fmt: skip
def test_what_is_not_valid_is_left_to_validation(query):
    require_modest(parse(query))


HOSTILE = {
    "a chain of fragments": chain(300),
    "fragments that double": doubling(20),
    "fragments side by side": spread(600, "x"),
    "one field again and again": "{" + "viewer{id}" * 500 + "}",
    "a bush": "{" + tree(4, 4) + "}",
    "aliases": "{" + " ".join(f"a{number}: viewer {{ id }}" for number in range(300)) + "}",
    "inline fragments": "{" + "...{" * 100 + "viewer{id}" + "}" * 101,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_verdict_is_quick(name):
    document = parse(HOSTILE[name])

    def judge() -> None:
        try:
            require_modest(document)
        except TooCostly:
            return

    assert seconds(judge) < 0.02


BUSY = {
    "fragments": spread(MOST_FRAGMENTS, "viewer { id name email }"),
    "deep fragments": spread(38, "viewer { memberships { nodes { user { memberships { totalCount } } } } }"),
    "one field": "{" + "viewer{id}" * 122 + "}",
    "one leaf": "{ viewer {" + "id " * 173 + "} }",
    "a bush": "{" + tree(2, 4) + "}",
    "a slender bush": "{" + tree(5, 2) + "}",
    "aliases": "{" + " ".join(f"a{number}: viewer {{ i{number}: id }}" for number in range(220)) + "}",
    "fragments that double": doubling(5),
    "each fragment in each set": "{" + " ".join(f"a{number}: viewer {{ ...A }}" for number in range(100)) + "}"
    + f"fragment A on User {{ {' '.join(f'...F{number}' for number in range(59))} }}"
    + " ".join(f"fragment F{number} on User {{ id }}" for number in range(59)),
    "operations that share": " ".join(f"query A{number} {{ ...F0 }}" for number in range(MOST_OPERATIONS))
    + " ".join(f"fragment F{link} on Query {{ ...F{link + 1} }}" for link in range(22))
    + "fragment F22 on Query { viewer { id } }",
    "errors far down": "\n" * 45_000 + "{ viewer {" + " ".join(f"membershipx{number}" for number in range(300)) + "} }",
    "unknown types": "query(" + " ".join(f"$a{number}: VideoConnectiox{number}" for number in range(300)) + ") { x }",
}  # fmt: skip


@pytest.mark.parametrize("name", BUSY)
def test_what_passes_is_validated_quickly(desk, name):
    """Some 40 ms at most when measured; the slack is for slow machines."""
    document = parse(BUSY[name], max_tokens=MOST_TOKENS)
    require_modest(document)
    assert seconds(lambda: validate(desk.engine.schema, document, max_errors=MOST_ERRORS)) < 0.25
