"""GraphQL over HTTP: the request out of a POST or an address, the answer into a response."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.responses import Response
from starlette.types import Receive

from plan.codes import RequestCode
from plan.effort import noted
from plan.negotiation import LEGACY, MODERN, kept
from plan.requests import Answer, Request

MOST_BYTES, MOST_URL_BYTES = 1024**2, 16 * 1024
_MOST_PARAMETERS = 100
SMALL = 16 * 1024
"""What is not larger is read in no time, whatever it says."""
MOST_VALUES = 100_000
"""In a body, by its commas and brackets. The most that ours need are 40,000, for an upload of 10,000 parts."""
_TYPES = {MODERN: MODERN + b"; charset=utf-8", LEGACY: LEGACY + b"; charset=utf-8"}


Body = bytes | bytearray


class BadRequest(Exception):
    """The HTTP request holds no GraphQL request. `status` is the HTTP status to answer with, `headers` go with it."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


async def read_body(
    content_type: bytes | None, content_encoding: bytes | None, receive: Receive, most: int = MOST_BYTES
) -> Body:
    """The body of a POST that says it is JSON, of at most so many bytes; BadRequest for anything else.

    Only `application/json` is taken: no form of another site can send it without asking first (CORS preflight).
    """
    if content_type != LEGACY and not _is_json(content_type or b""):
        raise BadRequest(415, "Send a POST whose Content-Type is application/json, in UTF-8.")
    if content_encoding is not None and content_encoding.strip().lower() not in (b"", b"identity"):
        raise BadRequest(415, "Send the body without a Content-Encoding.", accept_encoding="identity")
    return await _body(receive, most)


def request_in_body(body: Body) -> Request:
    """The GraphQL request in a JSON body; BadRequest where there is none."""
    return request_from(_decoded(body, "The body"))


def request_in_url(query_string: bytes) -> Request:
    """The GraphQL request in the address of a GET; BadRequest where there is none.

    `variables` and `extensions` are JSON; a parameter that is empty is as good as none.
    """
    if len(query_string) > MOST_URL_BYTES:
        raise BadRequest(414, f"The address is longer than {MOST_URL_BYTES} bytes: send a POST.")
    try:
        pairs = parse_qsl(query_string.decode(), True, errors="strict", max_num_fields=_MOST_PARAMETERS)  # noqa: FBT003
    except ValueError as error:
        raise BadRequest(400, "The address is no sound one: its parameters are in UTF-8, and few.") from error
    ours = [(name, value) for name, value in pairs if name in ("query", "operationName", "variables", "extensions")]
    body: dict[str, Any] = dict(ours)
    if len(body) < len(ours):
        raise BadRequest(400, "A parameter of the address is there twice.")
    for name in body.keys() & {"variables", "extensions"}:
        body[name] = _decoded(body[name].encode(), f"`{name}`") if body[name] else None
    return request_from(body)


def request_from(body: Any) -> Request:
    """The GraphQL request in a decoded JSON body; BadRequest when its members are not of their types."""
    if not isinstance(body, Mapping):
        raise BadRequest(400, "The body must be a JSON object.")
    query, name = body.get("query"), body.get("operationName")
    variables, extensions = body.get("variables"), body.get("extensions")
    if query is None and isinstance(extensions, Mapping) and "persistedQuery" in extensions:
        query = ""
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
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", _TYPES[media_type])]


def respond(media_type: bytes, answer: Answer) -> Reply:
    """The answer in `media_type`, MODERN or LEGACY.

    In `application/graphql-response+json` a request that never came to execution is a 400; in `application/json`, for
    older clients, it is a 200 that carries `errors`.
    """
    return Reply(orjson.dumps(answer), 400 if media_type == MODERN and "data" not in answer else 200, media_type)


def refuse(media_type: bytes, problem: BadRequest) -> Reply:
    """The response to what is no GraphQL request."""
    error = {"message": str(problem), "extensions": {"code": RequestCode.BAD_REQUEST}}
    reply = Reply(orjson.dumps({"errors": [error]}), problem.status, media_type)
    reply.headers.update(problem.headers)
    return reply


@kept
def _is_json(content_type: bytes) -> bool:
    """Whether it is `application/json` in UTF-8; a second charset, or a second header, leaves it open."""
    name, *parameters = (part.strip().lower() for part in content_type.split(b";"))
    named = [part.partition(b"=") for part in parameters]
    charsets = [value.strip(b' \t"') for key, _, value in named if key.strip() == b"charset"]
    return name == LEGACY and charsets in ([], [b"utf-8"], [b"utf8"])


def _decoded(text: Body, what: str) -> Any:
    # A value takes as long to make as fifty bytes to read, and the collector of garbage looks at each of them again.
    if len(text) > MOST_VALUES and sum(map(text.count, b",[{")) > MOST_VALUES:
        raise BadRequest(400, f"{what} has more than {MOST_VALUES} values.")
    try:
        with noted() if len(text) > SMALL else nullcontext():
            return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(400, f"{what} is not JSON: {error}.") from error


async def _body(receive: Receive, most: int) -> Body:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest(408, "The request broke off before its end.")
        body += message.get("body", b"")
        if len(body) > most:
            raise BadRequest(413, f"The body is larger than {most} bytes.")
        more = message.get("more_body", False)
    return body
