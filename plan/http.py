"""GraphQL over HTTP: the request out of a POST, the answer into a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from plan.requests import Answer, Request

MOST_BYTES = 1024**2
_RESPONSE_TYPE = "application/graphql-response+json"


class BadRequest(Exception):
    """The HTTP request holds no GraphQL request. `status` is the HTTP status to answer with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_request(http: HttpRequest) -> Request:
    """The GraphQL request in a POST with a JSON body; BadRequest for anything else.

    Only `application/json` is taken: no form of another site can send it without asking first (CORS preflight).
    """
    if http.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadRequest(415, "Send a POST whose Content-Type is application/json.")
    try:
        body = orjson.loads(await _body(http))
    except orjson.JSONDecodeError as error:
        raise BadRequest(400, f"The body is not JSON: {error}.") from error
    return request_from(body)


def request_from(body: Any) -> Request:
    """The GraphQL request in a decoded JSON body; BadRequest when its members are not of their types."""
    if not isinstance(body, Mapping):
        raise BadRequest(400, "The body must be a JSON object.")
    query, name = body.get("query"), body.get("operationName")
    variables, extensions = body.get("variables"), body.get("extensions")
    if not isinstance(query, str):
        raise BadRequest(400, "`query` must be a string.")
    if name is not None and not isinstance(name, str):
        raise BadRequest(400, "`operationName` must be a string or null.")
    for key, value in (("variables", variables), ("extensions", extensions)):
        if value is not None and not isinstance(value, Mapping):
            raise BadRequest(400, f"`{key}` must be an object or null.")
    return Request(query, name or None, variables or {}, extensions or {})


def respond(http: HttpRequest, answer: Answer, *, status: int | None = None) -> Response:
    """The answer in the media type that the client prefers.

    In `application/graphql-response+json` a request that never came to execution is a 400; in `application/json`, for
    older clients, it is a 200 that carries `errors`.
    """
    modern = _RESPONSE_TYPE in http.headers.get("accept", "")
    code = status or (400 if modern and "data" not in answer else 200)
    media_type = _RESPONSE_TYPE if modern else "application/json"
    return Response(orjson.dumps(answer), status_code=code, media_type=f"{media_type}; charset=utf-8")


def refuse(http: HttpRequest, problem: BadRequest) -> Response:
    """The response to what is no GraphQL request."""
    error = {"message": str(problem), "extensions": {"code": "BAD_REQUEST"}}
    return respond(http, {"errors": [error]}, status=problem.status)


async def _body(http: HttpRequest) -> bytes:
    body = bytearray()
    try:
        async for chunk in http.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise BadRequest(413, f"The body is larger than {MOST_BYTES} bytes.")
    except ClientDisconnect as error:
        raise BadRequest(400, "The connection broke off.") from error
    return bytes(body)
