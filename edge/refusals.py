"""Answers of no endpoint, in the form that GraphQL clients know: no such address or method, a fault, an outage."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from domain.errors import Unavailable
from edge import negotiation
from edge.codes import AddressCode
from i18n import translate
from plan.codes import RequestCode

_CODES = {HTTPStatus[code.value].value: code for code in AddressCode}


def refusal(
    status: int, message: str, *, headers: Mapping[str, str] | None = None, locale: str | None = None, **extensions: Any
) -> Response:
    """A response with one error and no data; in English, unless `locale` says otherwise."""
    response = JSONResponse({"errors": [{"message": message, "extensions": extensions}]}, status, headers)
    if locale is None:
        negotiation.say_english(response)
    else:
        negotiation.say(response, locale)
    return response


def failed(scope: Scope, request_id: str) -> Response:
    """The response to a request that failed by a fault of ours; the log has it under the id."""
    locale = negotiation.asked(scope)
    message = translate(locale, "problem.internal", request_id=request_id)
    return refusal(500, message, locale=locale, code=RequestCode.INTERNAL, requestId=request_id)


def unavailable(scope: Scope) -> Response:
    """The response to a request that could not be served without a service that is away."""
    locale, error = negotiation.asked(scope), Unavailable()
    message = translate(locale, error.message)
    return refusal(503, message, headers={"Retry-After": "5"}, locale=locale, code=error.code)


async def refused(_request: Request, error: Exception) -> Response:
    """Starlette's handler of HTTPException."""
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, AddressCode.BAD_REQUEST)
    return refusal(error.status_code, error.detail, headers=error.headers, code=code)
