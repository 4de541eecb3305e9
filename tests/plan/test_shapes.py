"""What a document may look like before anybody asks the schema: quick to say, and bounding what validation takes."""

from time import process_time

import pytest
from graphql import parse, validate

from plan.engine import MOST_ERRORS
from plan.shapes import (
    MOST_ALIASES,
    MOST_COMPARISONS,
    MOST_DEPTH,
    MOST_FRAGMENTS,
    MOST_OPERATIONS,
    MOST_ROOT_FIELDS,
    MOST_TOKENS,
    TooCostly,
    require_modest,
)
from tests.plan.hostile import doubling, spread, tree


def chain(fragments: int) -> str:
    links = " ".join(f"fragment F{link} on Query {{ ...F{link + 1} }}" for link in range(fragments - 1))
    return f"{{ ...F0 }} {links} fragment F{fragments - 1} on Query {{ x }}"


def aliases(count: int, fragments: int = 0) -> str:
    """So many aliases, all of them below one field, in fragments that spread each other."""
    each = " ".join(f"a{number}: id" for number in range(count))
    links = " ".join(f"fragment F{link} on User {{ ...F{link + 1} }}" for link in range(fragments))
    return f"{{ viewer {{ ...F0 }} }} {links} fragment F{fragments} on User {{ {each} }}"


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
        ("{x {" + "a " * 99 + "}}", "{x {" + "a " * 100 + "}}", "comparisons"),
        ("{x {" + "b: a " * 99 + "}}", "{x {" + "b: a c: b " * 71 + "}}", "comparisons"),
        (aliases(MOST_ALIASES), aliases(MOST_ALIASES + 1), "aliases"),
        (aliases(MOST_ALIASES, 9), aliases(MOST_ALIASES + 1, 9), "aliases"),
        ("{ ...F ...F a: a } fragment F on Query { b: x { c: y } c: x }",
         "{ x {" + "...F " * 251 + "} } fragment F on User { x { a: y b: y c: y d: y } }", "aliases"),
        *((f"{kind.value} {{ {'a ' * most} }}", f"{kind.value} {{ {'a ' * (most + 1)} }}", "fields at the root")
          for kind, most in MOST_ROOT_FIELDS.items()),
        ("{" + "...F " * 25 + "} fragment F on Query { ... { a } b }",
         "{" + "...F " * 25 + " a } fragment F on Query { ... { a } b }", "fields at the root"),
    ],
    ids=range(13),
)  # fmt: skip
def test_up_to_the_limit_and_no_further(at_most, one_more, words):
    require_modest(parse(at_most))
    assert words in over(one_more)


def test_the_message_says_what_and_how_much():
    most = MOST_COMPARISONS
    assert over("{a {" + "a " * 199 + "}}") == (
        f"The document costs too much: 40401 comparisons of fields, where {most} are allowed."
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
    "aliases further down": aliases(600, 20),
    "aliases that double": doubling(50),
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
    "fragments": spread(MOST_FRAGMENTS, "id name"),
    "deep fragments": spread(19, "memberships { nodes { user { memberships { totalCount } } } }"),
    "one field": "{ viewer {" + "memberships{totalCount}" * 44 + "} }",
    "one leaf": "{ viewer {" + "id " * 99 + "} }",
    "a bush": "{" + tree(2, 4) + "}",
    "a slender bush": "{" + tree(4, 2) + "}",
    "aliases": "{ viewer {" + " ".join(f"a{n}: memberships {{ i{n}: totalCount }}" for n in range(100)) + "} }",
    "fragments that double": doubling(5),
    "each fragment in each set": "{" + " ".join(f"a{number}: viewer {{ ...A }}" for number in range(50)) + "}"
    + f"fragment A on User {{ {' '.join(f'...F{number}' for number in range(59))} }}"
    + " ".join(f"fragment F{number} on User {{ id }}" for number in range(59)),
    "operations that share": " ".join(f"query A{number} {{ ...F0 }}" for number in range(MOST_OPERATIONS))
    + " ".join(f"fragment F{link} on Query {{ ...F{link + 1} }}" for link in range(22))
    + "fragment F22 on Query { viewer { id } }",
    "errors far down": "\n" * 45_000 + "{ viewer {" + " ".join(f"membershipx{number}" for number in range(300)) + "} }",
    "unknown types": "query(" + " ".join(f"$a{number}: VideoConnectiox{number}" for number in range(240)) + ") { x }",
}  # fmt: skip


@pytest.mark.parametrize("name", BUSY)
def test_what_passes_is_validated_quickly(desk, name):
    """Some 40 ms at most when measured; the slack is for slow machines."""
    document = parse(BUSY[name], max_tokens=MOST_TOKENS)
    require_modest(document)
    assert seconds(lambda: validate(desk.engine.schema, document, max_errors=MOST_ERRORS)) < 0.25
