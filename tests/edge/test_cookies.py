"""The session cookie, as browsers get it, and what is read of cookies, whoever has written them."""

from datetime import UTC, datetime
from time import process_time

import pytest
from starlette.responses import Response

from edge import cookies
from edge.cookies import clear_session, set_session

SOON = datetime(2040, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(("public_url", "secure"), [("https://studio.example", True), ("http://127.0.0.1:8000", False)])
def test_it_is_sent_over_https_alone_where_there_is_https(public_url: str, secure: bool) -> None:
    kept, cleared = Response(), Response()
    set_session(kept, "token", SOON, public_url)
    clear_session(cleared, public_url)
    for response in (kept, cleared):
        parts = response.headers["set-cookie"].split("; ")
        assert ("Secure" in parts) is secure
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(parts)
    assert "expires=Mon, 02 Jan 2040 03:04:05 GMT" in kept.headers["set-cookie"]
    assert "Max-Age=0" in cleared.headers["set-cookie"]


def scope(cookie: bytes) -> dict[str, object]:
    return {"type": "http", "headers": [(b"cookie", cookie)]}


@pytest.mark.parametrize(
    ("cookie", "token"),
    [
        (b"session=abc", "abc"),
        (b"a=b; session=abc; c=d", "abc"),
        (b"a=b;session = abc ;c=d", "abc"),
        (b'session="a=="', "a=="),
        (b"session=first; session=last", "last"),
        (b"session=", ""),
        (b"xsession=abc; session-2=abc; SESSION=abc", None),
        (b"a=session=abc", None),
        (b"session", None),
        (b"", None),
        (b"session=\xff", "\xff"),
    ],
)
def test_the_session_is_found(cookie: bytes, token: str | None) -> None:
    assert cookies.session(scope(cookie)) == token


@pytest.mark.parametrize(
    "cookie",
    [
        b'a="' + b"\\" * 200_000 + b'"',
        b"a=" + b'"\\' * 100_000 + b'"',
        b'session="' + b"\\012" * 50_000 + b'"',
        b"session;" * 25_000,
        b"; " * 100_000,
        b" " * 200_000,
    ],
    ids=["backslashes", "quotes", "octals", "names", "nothing", "blanks"],
)
def test_no_cookie_takes_long(cookie: bytes) -> None:
    began = process_time()
    cookies.session(scope(cookie))
    cookies.device(scope(cookie))
    assert process_time() - began < 0.1
