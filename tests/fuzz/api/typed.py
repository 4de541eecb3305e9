"""What must hold of every answer, whatever was asked."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from local.guide import CODES as DESCRIBED
from tests.fuzz.compare import null_above

CODES = frozenset(str(code.value) for enum in DESCRIBED if issubclass(enum, StrEnum) for code in enum)
"""All that docs/errors.md describes; the contract itself says which of them mutations answer."""
OURS = frozenset({"INTERNAL", "TIMEOUT", "UNAVAILABLE"})
"""They are told well, but nothing that is asked may bring them about while everything is up."""
STATUSES = frozenset({200, 204, 304, 400, 404, 405, 406, 408, 413, 414, 415, 422, 429, 431})
TYPES = frozenset({"application/json", "application/graphql-response+json"})
WITHOUT_BODY = frozenset({204, 304})


@dataclass(frozen=True)
class Response:
    """As it came over HTTP; names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def faults_of(response: Response) -> Iterator[str]:
    """What is not typed in a response of `/graphql`, in words."""
    if response.status not in STATUSES:
        yield f"status {response.status}"
    if response.status in WITHOUT_BODY:
        return
    if response.headers.get("content-type", "").partition(";")[0] not in TYPES:
        yield f"content type {response.headers.get('content-type')}"
    try:
        answer = json.loads(response.body)
    except ValueError:
        yield f"no JSON: {response.body[:200]!r}"
        return
    yield from faults_in(answer, ran=response.status == 200)


def faults_in(answer: Any, *, ran: bool) -> Iterator[str]:
    """What is not typed in a GraphQL answer, of something that `ran` unless it has errors and no data."""
    if not isinstance(answer, dict) or not answer.keys() <= {"data", "errors", "extensions"}:
        yield f"no GraphQL answer: {answer!r:.200}"
        return
    errors = answer.get("errors", [])
    if "errors" in answer and not (isinstance(errors, list) and errors):
        yield f"errors that are none: {errors!r:.200}"
        return
    if not errors and (answer.get("data") is None or not ran):
        yield "neither data nor errors, or errors without any"
    for error in errors:
        yield from fault_of(error, answer)


def fault_of(error: Any, answer: Mapping[str, Any]) -> Iterator[str]:
    """What is not typed in one error of an answer."""
    if not isinstance(error, dict) or not isinstance(error.get("message"), str) or not error["message"]:
        yield f"an error without a message: {error!r:.200}"
        return
    code = (error.get("extensions") or {}).get("code")
    if code not in CODES or code in OURS:
        yield f"code {code} of {error['message']!r:.150} at {error.get('path')}"
    if "path" in error and "data" in answer and not _leads_to_null(answer["data"], error["path"]):
        yield f"an error at {error['path']}, where there is a value"


def _leads_to_null(data: Any, path: Any) -> bool:
    try:
        null_above(data, tuple(path))
    except (AssertionError, KeyError, IndexError, TypeError):
        return False
    return True
