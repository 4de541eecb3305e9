"""GraphQL over HTTP: the request out of a POST, the answer into a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive

from plan.requests import Answer, Request

MOST_BYTES = 1024**2
_RESPONSE_TYPE = b"application/graphql-response+json"
_MODERN, _LEGACY = _RESPONSE_TYPE + b"; charset=utf-8", b"application/json; charset=utf-8"

Headers = Mapping[bytes, bytes]
"""As ASGI has them: names in lower case."""


class BadRequest(Exception):
    """The HTTP request holds no GraphQL request. `status` is the HTTP status to answer with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_request(headers: Headers, receive: Receive) -> Request:
    """The GraphQL request in a POST with a JSON body; BadRequest for anything else.

    Only `application/json` is taken: no form of another site can send it without asking first (CORS preflight).
    """
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        raise BadRequest(415, "Send a POST whose Content-Type is application/json.")
    try:
        body = orjson.loads(await _body(receive))
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


class Reply(Response):
    """JSON whose headers are known: Starlette takes longer to find them out than orjson to write a small answer."""

    def __init__(self, body: bytes, status: int, media_type: bytes) -> None:
        self.body, self.status_code, self.background = body, status, None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", media_type)]


def respond(headers: Headers, answer: Answer, *, status: int | None = None) -> Response:
    """The answer in the media type that the client prefers.

    In `application/graphql-response+json` a request that never came to execution is a 400; in `application/json`, for
    older clients, it is a 200 that carries `errors`.
    """
    modern = _RESPONSE_TYPE in headers.get(b"accept", b"")
    code = status or (400 if modern and "data" not in answer else 200)
    return Reply(orjson.dumps(answer), code, _MODERN if modern else _LEGACY)


def refuse(headers: Headers, problem: BadRequest) -> Response:
    """The response to what is no GraphQL request."""
    error = {"message": str(problem), "extensions": {"code": "BAD_REQUEST"}}
    return respond(headers, {"errors": [error]}, status=problem.status)


async def _body(receive: Receive) -> bytes | bytearray:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest(400, "The connection broke off.")
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise BadRequest(413, f"The body is larger than {MOST_BYTES} bytes.")
        more = message.get("more_body", False)
    return body
