"""Where the link of a sign-up mail leads: a page that signs in at the press of a button.

The button is there because mail scanners follow links; what they follow must not use the link up.
"""

from html import escape
from string import Template
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from domain.errors import DomainError
from domain.viewers import Viewer
from edge import cookies
from edge.services import Services
from i18n import translate
from resolvers import accounts

MOST_BYTES = 4096
"""Of the form that the button sends."""

_PAGE = Template("""<!doctype html>
<html lang="$locale"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer"><title>Video Creator</title>
<style>body{font:1.1rem system-ui;margin:20vh auto;max-width:28rem;padding:0 1rem}
button{font:inherit;padding:.5em 1em}</style>
</head><body><h1>Video Creator</h1>$body</body></html>""")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


async def ask(request: Request, services: Services) -> Response:
    """GET: the page with the button."""
    caller = await services.caller(request, None)
    token = escape(request.query_params.get("token", ""), quote=True)
    button = f"<button>{escape(translate(caller.locale, 'page.open_account'))}</button>"
    form = f'<form method="post"><input type="hidden" name="token" value="{token}">{button}</form>'
    return _page(caller.locale, form)


async def confirm(request: Request, services: Services) -> Response:
    """POST, from our own page alone: uses the link up and sets the session cookie."""
    caller = await services.caller(request, None)
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return _page(caller.locale, f"<p>{escape(translate(caller.locale, 'page.foreign'))}</p>", 403)
    form = dict(parse_qsl((await request.body()).decode(errors="replace")))
    try:
        session = await accounts.confirm_sign_up(caller, token=form.get("token", ""))
    except DomainError as error:
        return _page(caller.locale, f"<p>{escape(translate(caller.locale, error.message, **error.params))}</p>", 409)
    await services.has_written(Viewer(session.user_id, session.session_id))
    response = _page(caller.locale, f"<p>{escape(translate(caller.locale, 'page.signed_in'))}</p>")
    cookies.set_session(response, session.token, session.expires_at, services.public_url)
    return response


def _page(locale: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(_PAGE.substitute(locale=locale, body=body), status_code=status, headers=_HEADERS)
