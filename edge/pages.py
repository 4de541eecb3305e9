"""The few pages of our own, where the links of mails lead: a form with a button, or a sentence.

The button is there because mail scanners follow links; what they follow must not use the link up.
"""

from html import escape
from string import Template
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from domain.errors import DomainError
from i18n import translate
from resolvers.passwords import LONGEST, SHORTEST

MOST_BYTES = 4096
"""Of the form that a button sends."""

_PAGE = Template("""<!doctype html>
<html lang="$locale"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer"><title>Video Creator</title>
<style>body{font:1.1rem system-ui;margin:20vh auto;max-width:28rem;padding:0 1rem}
button,input{font:inherit;padding:.5em 1em;margin:.5em 0}label{display:block}</style>
</head><body><h1>Video Creator</h1>$body</body></html>""")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
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
    wrong: DomainError | None = None,
    action: str = "",
    then: str = "",
) -> Response:
    """The page with the button, which posts the link's token and what the HTML of `fields` asks for.

    Asked again, it is told the `token` that was posted, and what was `wrong`. It posts to itself, or to `action`,
    which may send the browser on to the origin `then`.
    """
    token = escape(token or request.query_params.get("token", ""), quote=True)
    hidden = f'<input type="hidden" name="token" value="{token}">'
    pressed = f"<button>{escape(translate(locale, button))}</button>"
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
    """A page that says why it was not done."""
    return _page(locale, f"<p>{escape(translate(locale, error.message, **error.params))}</p>", 409)


def is_foreign(request: Request) -> bool:
    """Whether another site's page has sent the form."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origin = request.headers.get("origin")  # all that browsers tell over plain HTTP
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


async def sent(request: Request) -> dict[str, str]:
    """What the form holds."""
    return dict(parse_qsl((await request.body()).decode(errors="replace")))


def _page(locale: str, body: str, status: int = 200, then: str = "") -> Response:
    headers = {**_HEADERS, "Content-Security-Policy": f"{_POLICY}; form-action 'self' {then}".rstrip()}
    return HTMLResponse(_PAGE.substitute(locale=locale, body=body), status_code=status, headers=headers)
