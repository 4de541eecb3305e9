"""Answers of no endpoint, in the form that GraphQL clients know: no such address, no such method, a fault of ours."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


def refusal(status: int, message: str, *, headers: Mapping[str, str] | None = None, **extensions: Any) -> Response:
    """A response with one error and no data."""
    return JSONResponse({"errors": [{"message": message, "extensions": extensions}]}, status, headers)


async def refused(_request: Request, error: Exception) -> Response:
    """Starlette's handler of HTTPException."""
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).name
    return refusal(error.status_code, error.detail, headers=error.headers, code=code)
