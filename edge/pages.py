"""The few pages of our own, where the links of mails lead: a form with a button, or a sentence.

The button is there because mail scanners follow links; what they follow must not use the link up.
"""

from html import escape
from string import Template
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from domain.errors import DomainError, Throttled
from edge import negotiation
from edge.services import Services, origin_of
from i18n import direction, translate
from resolvers.passwords import LONGEST, SHORTEST

MOST_BYTES = 4096
"""Of the form that a button sends."""

_PAGE = Template("""<!doctype html>
<html lang="$locale" dir="$dir"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="referrer" content="same-origin"><title>Video Creator</title>
<style>body{font:1.1rem system-ui;margin:20vh auto;max-width:28rem;padding:0 1rem}
button,input{font:inherit;padding:.5em 1em;margin:.5em 0}label{display:block}</style>
</head><body><h1>Video Creator</h1>$body</body></html>""")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
# The secret in an address is told to no other site. To ours it may be: with `no-referrer` browsers would not say either
# that a form is our own, and over plain HTTP they say it by nothing else.
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


NEW_PASSWORD = Template(
    '<label>$label <input type="password" name="password" autocomplete="new-password" required'
    ' minlength="$least" maxlength="$most"></label>'
)


def form(
    request: Request,
    locale: str,
    button: str,
    fields: str = "",
    *,
    token: str | None = None,
    second: str = "",
    wrong: DomainError | None = None,
    action: str = "",
    then: str = "",
) -> Response:
    """The page with the button, which posts the link's token and what the HTML of `fields` asks for.

    Asked again, it is told the `token` that was posted, and what was `wrong`. It posts to itself, or to `action`,
    which may send the browser on to the origin `then`. A `second` button says no to all that: see `said_no`.
    """
    token = escape(token or request.query_params.get("token", ""), quote=True)
    hidden = f'<input type="hidden" name="token" value="{token}">'
    pressed = f"<button>{escape(translate(locale, button))}</button>"
    if second:
        pressed += f' <button name="answer" value="no" formnovalidate>{escape(translate(locale, second))}</button>'
    to = f' action="{escape(action, quote=True)}"' if action else ""
    said = f"<p>{escape(translate(locale, wrong.message, **wrong.params))}</p>" if wrong else ""
    return _page(locale, f'{said}<form method="post"{to}>{hidden}{fields}{pressed}</form>', 409 if wrong else 200, then)


def new_password(locale: str) -> str:
    """The field for a password that somebody chooses."""
    label = escape(translate(locale, "page.new_password"))
    return NEW_PASSWORD.substitute(label=label, least=SHORTEST, most=LONGEST)


def one_time_code(locale: str) -> str:
    """The field for a second factor."""
    label = escape(translate(locale, "page.code"))
    return f'<label>{label} <input name="code" autocomplete="one-time-code" required maxlength="30"></label>'


def sentence(locale: str, key: str, status: int = 200) -> Response:
    """A page that says one thing."""
    return _page(locale, f"<p>{escape(translate(locale, key))}</p>", status)


def refusal(locale: str, error: DomainError) -> Response:
    """A page that says why it was not done; for who has tried too often, with how long they have to wait."""
    said = f"<p>{escape(translate(locale, error.message, **error.params))}</p>"
    if not isinstance(error, Throttled):
        return _page(locale, said, 409)
    response = _page(locale, said, 429)
    response.headers["Retry-After"] = str(error.params["retry_after_seconds"])
    return response


def closed(locale: str, message: str, seconds: int) -> Response:
    """A page that says that nothing can be done for the next `seconds`, and what the operator has to say of it."""
    said = "".join(f"<p>{escape(text)}</p>" for text in (translate(locale, "page.maintenance"), message) if text)
    response = _page(locale, said, 503)
    response.headers["Retry-After"] = str(seconds)
    return response


def is_foreign(request: Request, services: Services) -> bool:
    """Whether another site's page has sent the form.

    Our pages are those of the address that the request has come to, and of the public one: a proxy may have put another
    in its place.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origin = request.headers.get("origin")  # all that browsers tell over plain HTTP
    if origin is None or origin == origin_of(services.public_url):
        return False
    return origin.partition("://")[2] != request.headers.get("host")


def is_embedded(request: Request) -> bool:
    """Whether a page has it fetched, as an image or in a frame: nobody goes there. As far as browsers tell."""
    told = request.headers
    return told.get("sec-fetch-mode", "navigate") != "navigate" or told.get("sec-fetch-dest", "document") != "document"


async def sent(request: Request) -> dict[str, str]:
    """What the form holds."""
    return dict(parse_qsl((await request.body()).decode(errors="replace")))


def said_no(sent: dict[str, str]) -> bool:
    """Whether the second button has sent the form."""
    return sent.get("answer") == "no"


def _page(locale: str, body: str, status: int = 200, then: str = "") -> Response:
    headers = {**_HEADERS, "Content-Security-Policy": f"{_POLICY}; form-action 'self' {then}".rstrip()}
    page = _PAGE.substitute(locale=locale, dir=direction(locale), body=body)
    response = HTMLResponse(page, status_code=status, headers=headers)
    negotiation.say(response, locale)
    return response
