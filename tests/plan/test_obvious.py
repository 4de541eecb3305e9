"""Documents that are seen to be valid at a glance: what clients send is, and nothing that has errors."""

import pytest
from graphql import DocumentNode, parse

from local.client import document, operation_names
from plan.obvious import MOST_STEPS, Obvious
from plan.validation import validate
from tests.plan.conftest import Desk
from tests.plan.test_validation import WRONG

MORE_THAT_IS_WRONG = (
    "{ viewer { ...a } } fragment a on User { memberships { team { members { nodes { user { ...a } } } } } }",
    "query ($id: ID!) { video(id: $id) { title } } fragment a on User { id }",
    "query ($first: String) { viewer { memberships { team { videos(first: $first) { totalCount } } } } }",
    "query ($id: ID = {}) { video(id: $id) { id } }",
    "query ($yes: Boolean) { viewer @skip(if: $yes) { id } }",
    '{ viewer { id @include(if: "yes") } }',
    "{ viewer { id { __typename } } }",
    "{ viewer { memberships } }",
    "subscription { __typename }",
    "subscription ($id: ID!) { videoChanged(id: $id) @skip(if: true) { video { title } } }",
    "mutation { addComment(input: {versionId: 1, body: null}) { __typename } }",
    "mutation { addComment(input: {versionId: 1}) { __typename } }",
    "mutation { addComment(input: [{versionId: 1}]) { __typename } }",
    "{ viewer { memberships(first: 9999999999) { totalCount } } }",
    "{ viewer { a: id } viewer { a: name } }",
    "query ($a: ID!) { video(id: $a) { id } ...x } fragment x on Query { y: video(id: $b) { id } }",
)
NOT_OBVIOUS = (
    "query A { viewer { id } } query B { viewer { id } }",
    'mutation { addComment(input: {versionId: 1, body: "", startMs: 1}) { __typename } }',
    "{ viewer { memberships { totalCount } } viewer { memberships { totalCount } } }",
    "{ __schema { queryType { name } } }",
)


@pytest.fixture
def obvious(desk: Desk) -> Obvious:
    return Obvious(desk.engine.schema)


@pytest.mark.parametrize("name", operation_names())
def test_what_clients_send_is(obvious: Obvious, name: str) -> None:
    assert obvious.is_valid(parse(document(name)))


@pytest.mark.parametrize("text", [*WRONG.values(), *MORE_THAT_IS_WRONG])
def test_what_has_errors_is_not(desk: Desk, obvious: Obvious, text: str) -> None:
    assert validate(desk.engine.schema, parse(text), 1)
    assert not obvious.is_valid(parse(text))


@pytest.mark.parametrize("text", NOT_OBVIOUS)
def test_what_takes_more_than_a_glance_is_left_to_the_rules(desk: Desk, obvious: Obvious, text: str) -> None:
    assert validate(desk.engine.schema, parse(text), 1) == []
    assert not obvious.is_valid(parse(text))


def test_a_glance_is_short(desk: Desk, obvious: Obvious) -> None:
    """However often fragments are spread: each object of the answer opens them anew."""
    many = " ".join(f"f{index}: id" for index in range(MOST_STEPS // 40))

    def spread(times: int) -> DocumentNode:
        places = " ".join(f"u{index}: viewer {{ ...many }}" for index in range(times))
        return parse(f"{{ {places} }} fragment many on User {{ {many} }}")

    assert obvious.is_valid(spread(39))
    assert not obvious.is_valid(spread(40))
    assert validate(desk.engine.schema, spread(40), 1) == []
