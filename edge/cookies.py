"""The cookies: the session, and that somebody has signed in with this browser before."""

from datetime import datetime

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from domain.api_keys import looks_like_key
from domain.proofs import GOOD_FOR, ProofKind
from edge.headers import headers

NAME = "session"
DEVICE = "device"


def session(scope: Scope) -> str | None:
    """The token in the cookie that a request brought, if any. An API key is none: browsers never hold one."""
    token = _given(scope, NAME)
    return None if token is None or looks_like_key(token) else token


def device(scope: Scope) -> str | None:
    """The device token in the cookie that a request brought, if any."""
    return _given(scope, DEVICE)


def set_session(response: Response, token: str, expires_at: datetime, public_url: str) -> None:
    """Has the browser keep the session: out of reach of scripts, not sent along from forms of other sites."""
    secure = _is_secure(public_url)
    response.set_cookie(NAME, token, expires=expires_at, httponly=True, samesite="lax", secure=secure)


def clear_session(response: Response, public_url: str) -> None:
    """Has the browser forget the session."""
    response.delete_cookie(NAME, httponly=True, samesite="lax", secure=_is_secure(public_url))


def set_device(response: Response, token: str, public_url: str) -> None:
    """Has the browser keep the device token, also when the session ends."""
    seconds = int(GOOD_FOR[ProofKind.DEVICE].total_seconds())
    secure = _is_secure(public_url)
    response.set_cookie(DEVICE, token, max_age=seconds, httponly=True, samesite="lax", secure=secure)


def _given(scope: Scope, name: str) -> str | None:
    return HTTPConnection(scope).cookies.get(name) if b"cookie" in headers(scope) else None


def _is_secure(public_url: str) -> bool:
    return public_url.startswith("https:")
