"""The session cookie."""

from datetime import datetime

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from edge.headers import headers

NAME = "session"


def session(scope: Scope) -> str | None:
    """The token in the cookie that a request brought, if any."""
    return HTTPConnection(scope).cookies.get(NAME) if b"cookie" in headers(scope) else None


def set_session(response: Response, token: str, expires_at: datetime, public_url: str) -> None:
    """Has the browser keep the session: out of reach of scripts, not sent along from forms of other sites."""
    secure = _is_secure(public_url)
    response.set_cookie(NAME, token, expires=expires_at, httponly=True, samesite="lax", secure=secure)


def clear_session(response: Response, public_url: str) -> None:
    """Has the browser forget the session."""
    response.delete_cookie(NAME, httponly=True, samesite="lax", secure=_is_secure(public_url))


def _is_secure(public_url: str) -> bool:
    return public_url.startswith("https:")
