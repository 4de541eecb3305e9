"""That nothing reaches people untranslated is found by `tests/pseudo.py`: here, that it would be."""

import re

import pytest
from graphql import GraphQLObjectType, build_schema

from i18n.pseudo import plainly
from local.programs import ROOT
from tests.pseudo import SAYING, look_through, revealed, said_in, said_on

SCHEMA = build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))
SAID = "⟦So̍me̍thi̍ng ⸱⸱⸱⸱⟧"
HEAD = "<head><title>Video Creator</title><style>p{}</style></head>"
PAGE = f"<html>{HEAD}<body><h1>Video Creator</h1><p>{SAID}</p>%s</body>"


@pytest.mark.parametrize(
    "value",
    [
        {"data": {"addComment": {"code": "INVALID", "message": "Plain"}}},
        {"data": {"a": [{"b": {"code": "NOT_FOUND", "message": "Plain"}}]}},
        {"data": {"job": {"failure": {"message": "Plain"}}}},
        {"type": "next", "payload": {"data": {"notifications": {"notification": {"text": "Plain"}}}}},
        {"errors": [{"message": "Plain", "extensions": {"code": "UNAVAILABLE"}}]},
        {"type": "error", "payload": [{"message": "Plain", "extensions": {"code": "THROTTLED"}}]},
    ],
)
def test_what_people_are_told_is_found_wherever_it_is(value):
    assert list(said_in(value)) == ["Plain"]


@pytest.mark.parametrize(
    "value",
    [
        {"errors": [{"message": "Cannot query field", "extensions": {"code": "INVALID"}}]},
        {"errors": [{"message": "Must provide query string."}]},
        {"data": {"comment": {"body": "Mine", "message": None}}},
    ],
)
def test_what_developers_are_told_is_in_english(value):
    assert list(said_in(value)) == []


@pytest.mark.parametrize(
    "part", ["<b>Plain</b>", '<input placeholder="Plain">', '<button title="Plain"></button>', "<label>Plain</label>"]
)
def test_a_page_is_read_to_its_end(part):
    assert "Plain" in list(said_on(PAGE % part))
    assert list(said_on(PAGE % "")) == [SAID]


def test_the_fields_that_say_something_are_looked_at():
    """As their descriptions have it, and no others."""
    found = {
        name
        for type_ in SCHEMA.type_map.values()
        if isinstance(type_, GraphQLObjectType)
        for name, field in type_.fields.items()
        if re.search(r"in (your|the viewer's) language", field.description or "")
    }
    assert found == set(SAYING)


def test_what_has_no_disguise_is_logged(capfd):
    look_through("/graphql", b"", {"data": {"code": "INVALID", "message": "Plain"}})
    look_through("/graphql", b"", {"data": {"code": "INVALID", "message": SAID}})
    assert capfd.readouterr().err == "said without a translation: /graphql: 'Plain'\n"


def test_the_disguise_is_taken_off():
    assert revealed(SAID.encode()) == b"Something"
    assert plainly("what people write: é ⸱ ⟦") == "what people write: é "
