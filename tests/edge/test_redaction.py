"""What a log may know of an operation's variables."""

from typing import Any

import orjson
import pytest

from edge.redaction import MOST_CHARACTERS, redacted
from edge.services import describe
from plan.engine import Engine
from plan.requests import Request
from tests.plan.conftest import the_schema

SIGN_IN = "mutation($input: SignInInput!) {signIn(input: $input) {__typename}}"
INVITE = "mutation($input: InviteMemberInput!) {inviteMember(input: $input) {__typename}}"
START = "mutation($input: StartUploadInput!) {startUpload(input: $input) {__typename}}"
VIDEOS = """query($id: ID!, $first: Int, $last: Int, $trash: Boolean!, $filter: VideoFilter, $order: VideoOrder,
  $start: String) {
  video(id: $id) {
    team {videos(first: $first, last: $last, filter: $filter, orderBy: $order, after: $start) {nodes {id}}}
    title @include(if: $trash)
  }
}"""


@pytest.fixture(scope="module")
def engine(models: None) -> Engine:
    return Engine(the_schema(), describe)


@pytest.mark.parametrize(
    ("query", "variables", "shown"),
    [
        (
            SIGN_IN,
            {"input": {"email": "ada@example.com", "password": "hunter2"}},
            {"input": {"email": "<string 15>", "password": "<string 7>"}},
        ),
        (
            INVITE,
            {"input": {"teamId": "abc", "email": "ada@example.com", "role": "EDITOR"}},
            {"input": {"teamId": "<string 3>", "email": "<string 15>", "role": "EDITOR"}},
        ),
        (INVITE, {"input": {"role": "hunter2"}}, {"input": {"role": "<string 7>"}}),
        (
            START,
            {"input": {"size": 4711, "sha256": None, "hunter2": 1}},
            {"input": {"size": "<int>", "sha256": None}},
        ),
        (
            VIDEOS,
            {"id": "abc", "first": 20, "last": None, "trash": True, "order": "OLDEST", "hunter2": "not declared"},
            {"id": "<string 3>", "first": 20, "last": None, "trash": True, "order": "OLDEST"},
        ),
        (
            VIDEOS,
            {"filter": {"status": "DRAFT", "tags": ["a", "bc", "d", "e", "f"]}, "start": ["x"], "id": {"a": 1}},
            {
                "filter": {"status": "DRAFT", "tags": ["<string 1>", "<string 2>", "<string 1>", "<2 more>"]},
                "start": "<list 1>",
                "id": "<object 1>",
            },
        ),
        (VIDEOS, {"first": "hunter2", "order": ["OLDEST"], "trash": 1.5}, {
            "first": "<string 7>", "order": "<list 1>", "trash": "<float>",
        }),
    ],
)  # fmt: skip
def test_values_are_gone_and_their_shape_is_kept(
    engine: Engine, query: str, variables: dict[str, Any], shown: dict[str, Any]
) -> None:
    assert redacted(engine.schema, engine.operation(Request(query, None, variables))) == shown


def test_however_much_is_sent_little_is_told(engine: Engine) -> None:
    names = [f"{'name' * 20}{number}" for number in range(50)]
    declared = ", ".join(f"${name}: ID!" for name in names)
    asked = " ".join(f"{name}: video(id: ${name}) {{id}}" for name in names)
    operation = engine.operation(Request(f"query({declared}) {{{asked}}}", None, dict.fromkeys(names, "x" * 10_000)))
    shown = redacted(engine.schema, operation)
    assert shown.pop("…") == "more"
    assert set(shown.values()) == {"<string 10000>"}
    assert len(orjson.dumps(shown)) < 2 * MOST_CHARACTERS
