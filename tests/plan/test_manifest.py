"""Lists of operations, as they are written and read."""

import orjson
import pytest
from graphql import parse, print_ast

from local.client import document, operation_names
from local.operations import REGISTERED, documents, with_type_names
from plan.manifest import ManifestError, hash_of, read, written

VIEWER = "query Viewer {\n  viewer {\n    id\n  }\n}"
SIGN_OUT = "mutation SignOut { signOut { __typename } }"


def test_a_list_is_read_as_it_was_written():
    made = written([VIEWER, SIGN_OUT])
    assert orjson.loads(made)["operations"][1] == {
        "id": "6b60a201a8fa4993a101ed03b49ac39249c58b33bb0630ea1ec7cac6c1a2ed76",
        "name": "Viewer",
        "type": "query",
        "body": VIEWER,
    }
    assert [each["name"] for each in orjson.loads(made)["operations"]] == ["SignOut", "Viewer"]
    assert read(made) == {hash_of(VIEWER): VIEWER, hash_of(SIGN_OUT): SIGN_OUT}


def test_ours_is_todays():
    """`make operations` writes it."""
    assert REGISTERED.read_bytes() == written(documents())
    assert {hash_of(text): text for text in map(document, operation_names())}.items() <= read(
        REGISTERED.read_bytes()
    ).items()


def test_what_caches_need_is_asked_for_wherever_it_is_not_yet():
    text = "query Both { viewer { id } node(id: 1) { __typename ...Named } } fragment Named on Team { owner { id } }"
    assert with_type_names(text) == print_ast(
        parse(
            "query Both { viewer { id __typename } node(id: 1) { __typename ...Named } }"
            "fragment Named on Team { owner { id __typename } __typename }"
        )
    )


def test_by_its_name_an_operation_is_found_with_what_caches_need():
    bodies = {each["name"]: each["body"] for each in orjson.loads(REGISTERED.read_bytes())["operations"]}
    assert bodies == {name: with_type_names(document(name)) for name in operation_names()}


WRONG = {
    "no JSON": b"{",
    "no object": b"[]",
    "another format": b'{"format": "relay", "version": 1, "operations": []}',
    "another version": b'{"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}',
    "no operations": b'{"format": "apollo-persisted-query-manifest", "version": 1}',
    "an operation that is none": b'{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [1]}',
    "without a body": written([VIEWER]).replace(b'"body"', b'"text"'),
    "of another hash": written([VIEWER]).replace(b"  id", b"  name"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_list_is_told_in_a_sentence(name):
    with pytest.raises(ManifestError, match=r"^(The|In the) list of operations.*\.$"):
        read(WRONG[name])
