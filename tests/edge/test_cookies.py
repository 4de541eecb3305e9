"""The session cookie, as browsers get it."""

from datetime import UTC, datetime

import pytest
from starlette.responses import Response

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
