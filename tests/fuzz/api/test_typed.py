"""The checks themselves: what they take for typed, and what they do not."""

from typing import Any

import orjson
import pytest

from tests.fuzz.api.documents import SCHEMA
from tests.fuzz.api.shape import Shape
from tests.fuzz.api.typed import Response, faults_of

TYPE = {"content-type": "application/json; charset=utf-8"}
REFUSED = {"message": "no", "extensions": {"code": "BAD_REQUEST"}}
FAILED = {"message": "no", "path": ["node", "id"], "extensions": {"code": "INVALID"}}


def response(body: Any, status: int = 200, headers: dict[str, str] = TYPE) -> Response:
    return Response(status, headers, body if isinstance(body, bytes) else orjson.dumps(body))


TYPED = [
    response({"data": {"viewer": None}}),
    response({"data": {"viewer": None}, "extensions": {"position": 1}}),
    response({"data": {"node": None}, "errors": [FAILED]}),
    response({"data": None, "errors": [FAILED]}),
    response({"errors": [REFUSED]}),
    response({"errors": [REFUSED]}, 400),
    response({"errors": [{"message": "no", "extensions": {"code": "IDEMPOTENCY_KEY_REUSED"}}]}, 422),
    response({"errors": [{"message": "no", "extensions": {"code": "METHOD_NOT_ALLOWED"}}]}, 405),
    response(b"", 304, {}),
]
UNTYPED = [
    response({"errors": [REFUSED]}, 500),
    response({"errors": [REFUSED]}, 307),
    response({"data": {}}, headers={"content-type": "text/html"}),
    response({"data": {}}, headers={}),
    response({"data": {}}, 400),
    response(b"{"),
    response(b""),
    response([]),
    response({}),
    response({"data": None}),
    response({"data": {}, "errors": []}),
    response({"data": {}, "more": 1}),
    response({"errors": [{"message": "", "extensions": {"code": "BAD_REQUEST"}}]}, 400),
    response({"errors": [{"message": "no"}]}, 400),
    response({"errors": [{"message": "no", "extensions": {"code": "OF_OUR_OWN"}}]}, 400),
    response({"errors": [{"message": "no", "extensions": {"code": "READ"}}]}, 400),
    response({"data": None, "errors": [{"message": "no", "extensions": {"code": "INTERNAL"}}]}),
    response({"data": {"node": {"id": "x"}}, "errors": [FAILED]}),
]


@pytest.mark.parametrize("answer", TYPED)
def test_typed(answer: Response) -> None:
    assert [*faults_of(answer)] == []


@pytest.mark.parametrize("answer", UNTYPED)
def test_untyped(answer: Response) -> None:
    assert [*faults_of(answer)] != []


ASKED = """{ node(id: "x") {
    __typename id
    ... on Job { percent state startedAt createdBy { name } }
    ... on Upload { size missing: viewerCan }
    ... on Node { again: id }
} }"""
JOB = {"__typename": "Job", "id": "x", "again": "x", "percent": 1, "state": "QUEUED", "startedAt": None}
JOB |= {"createdBy": {"name": "Ada"}}
UPLOAD = {"__typename": "Upload", "id": "x", "again": "x", "size": 2**40, "missing": ["VIDEO_EDIT"]}
FITTING: list[Any] = [
    {"node": None},
    {"node": JOB},
    {"node": JOB | {"startedAt": "2026-01-02T03:04:05Z", "createdBy": None}},
    {"node": UPLOAD},
    {"node": UPLOAD | {"missing": []}},
    {"node": {"__typename": "Team", "id": "x", "again": "x"}},
    None,
]
UNFIT: list[Any] = [
    {},
    [],
    {"node": None, "more": 1},
    {"node": [JOB]},
    {"node": JOB | {"id": None}},
    {"node": JOB | {"id": 5}},
    {"node": JOB | {"percent": "1"}},
    {"node": JOB | {"percent": 2**31}},
    {"node": JOB | {"percent": True}},
    {"node": JOB | {"state": "queued"}},
    {"node": JOB | {"startedAt": "2026-01-02T03:04:05"}},
    {"node": JOB | {"startedAt": "yesterday"}},
    {"node": JOB | {"createdBy": {}}},
    {"node": JOB | {"createdBy": {"name": None}}},
    {"node": JOB | {"__typename": "Upload"}},
    {"node": JOB | {"__typename": "Nothing"}},
    {"node": {key: value for key, value in JOB.items() if key != "again"}},
    {"node": UPLOAD | {"size": 2**53}},
    {"node": UPLOAD | {"missing": None}},
    {"node": UPLOAD | {"missing": [None]}},
    {"node": UPLOAD | {"missing": ["NOTHING"]}},
]


@pytest.mark.parametrize("data", FITTING)
def test_fits_the_schema(data: Any) -> None:
    assert [*Shape(SCHEMA, ASKED).faults(data)] == []


@pytest.mark.parametrize("data", UNFIT)
def test_does_not_fit_the_schema(data: Any) -> None:
    assert [*Shape(SCHEMA, ASKED).faults(data)] != []
