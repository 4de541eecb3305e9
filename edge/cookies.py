"""The cookies: the session, and that somebody has signed in with this browser before."""

import re
from datetime import datetime
from functools import cache

from starlette.responses import Response
from starlette.types import Scope

from domain.api_keys import looks_like_key
from domain.proofs import GOOD_FOR, ProofKind
from edge.headers import headers

NAME = "session"
DEVICE = "device"


def session(scope: Scope) -> str | None:
    """The token in the cookie that a request brought, if any. An API key is none: browsers never hold one."""
    token = given(scope, NAME)
    return None if token is None or looks_like_key(token) else token


def device(scope: Scope) -> str | None:
    """The device token in the cookie that a request brought, if any."""
    return given(scope, DEVICE)


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


def given(scope: Scope, name: str) -> str | None:
    """The value of a cookie that a request brought, if any.

    Not by Python's `http.cookies`: up to 3.12.5 it takes minutes to read a quoted value of many backslashes. Ours have
    none.
    """
    found: list[bytes] = _named(name).findall(headers(scope).get(b"cookie", b""))
    return found[-1].strip().strip(b'"').decode("latin-1") if found else None


@cache
def _named(name: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?:^|;)[ \t]*%s[ \t]*=([^;]*)" % re.escape(name.encode()))


def _is_secure(public_url: str) -> bool:
    return public_url.startswith("https:")
