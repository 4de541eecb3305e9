"""Answers of no endpoint, in the form that GraphQL clients know: no such address or method, a fault, an outage."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from domain.errors import Unavailable
from i18n import negotiate, translate


def refusal(status: int, message: str, *, headers: Mapping[str, str] | None = None, **extensions: Any) -> Response:
    """A response with one error and no data."""
    return JSONResponse({"errors": [{"message": message, "extensions": extensions}]}, status, headers)


def failed(request_id: str) -> Response:
    """The response to a request that failed by a fault of ours; the log has it under the id."""
    message = f"Something went wrong on our side. Request {request_id}."
    return refusal(500, message, code="INTERNAL", requestId=request_id)


def unavailable(scope: Scope) -> Response:
    """The response to a request that could not be served without a service that is away."""
    locale = negotiate(Headers(scope=scope).get("accept-language"))
    error = Unavailable()
    return refusal(503, translate(locale, error.message), headers={"Retry-After": "5"}, code=error.code.value)


async def refused(_request: Request, error: Exception) -> Response:
    """Starlette's handler of HTTPException."""
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).name
    return refusal(error.status_code, error.detail, headers=error.headers, code=code)
