"""The local mailbox as a page: what `make run` has sent, to be read where no mail server is."""

import re
from html import escape
from string import Template

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from edge.loopback import local_only
from gateways.mail.mailbox import Letter, Mailbox

_MOST = 200
_HEADS = ("Date", "From", "To", "Return-Path", "Message-ID", "List-Unsubscribe")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY + "frame-src 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
# The mail itself runs nothing, loads nothing and is nobody: all it can do is open a link beside this page.
_MAIL_HEADERS = {
    **_HEADERS,
    "Content-Security-Policy": _POLICY + f"img-src data:; frame-ancestors 'self'; sandbox {_SANDBOX}",
}
_LINK = 'target="_blank" rel="noopener noreferrer"'
_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>$title</title><style>
:root{color-scheme:light dark}body{font:1rem/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:start;padding:.3em 1em .3em 0;vertical-align:top}
th{font-weight:600;white-space:nowrap}tbody tr{border-top:1px solid #8884}td{overflow-wrap:anywhere}
iframe{width:100%;height:42rem;border:1px solid #8884}pre{white-space:pre-wrap;overflow-wrap:anywhere}
</style></head><body>$body</body></html>""")


def routes(mailbox: Mailbox) -> list[BaseRoute]:
    """The list, a mail, its HTML, and its file; for requests from this machine alone."""

    async def listed(_request: Request) -> Response:
        return _page("Mailbox", _list(await mailbox.newest(_MOST)))

    async def shown(request: Request) -> Response:
        letter = await _found(mailbox, request)
        return _page(str(letter.message["Subject"]), _letter(letter))

    async def html(request: Request) -> Response:
        letter = await _found(mailbox, request)
        return HTMLResponse(_opening_beside(letter.part("html") or ""), headers=_MAIL_HEADERS)

    async def raw(request: Request) -> Response:
        letter = await _found(mailbox, request)
        return PlainTextResponse(letter.raw, headers=_HEADERS)

    return [
        Route("/mailbox", local_only(listed), methods=["GET"]),
        Route("/mailbox/{name}", local_only(shown), methods=["GET"]),
        Route("/mailbox/{name}/html", local_only(html), methods=["GET"]),
        Route("/mailbox/{name}/raw", local_only(raw), methods=["GET"]),
    ]


async def _found(mailbox: Mailbox, request: Request) -> Letter:
    letter = await mailbox.find(request.path_params["name"])
    if letter is None:
        raise HTTPException(404)
    return letter


def _page(title: str, body: str) -> Response:
    return HTMLResponse(_PAGE.substitute(title=escape(title), body=body), headers=_HEADERS)


def _list(letters: list[Letter]) -> str:
    rows = "".join(map(_row, letters)) or '<tr><td colspan="3">No mail yet.</td></tr>'
    heads = "<thead><tr><th>Date<th>To<th>Subject</thead>"
    return f"<h1>Mailbox</h1><table>{heads}<tbody>{rows}</tbody></table>"


def _row(letter: Letter) -> str:
    date, to, subject = (escape(str(letter.message[name])) for name in ("Date", "To", "Subject"))
    return f'<tr><td>{date}<td>{to}<td><a href="/mailbox/{letter.name}">{subject}</a></tr>'


def _letter(letter: Letter) -> str:
    message, address = letter.message, f"/mailbox/{letter.name}"
    heads = "".join(f"<tr><th>{name}<td>{escape(str(message[name]))}</tr>" for name in _HEADS if name in message)
    frame = f'<iframe sandbox="{_SANDBOX}" src="{address}/html" title="The mail"></iframe>'
    return (
        f'<p><a href="/mailbox">Mailbox</a></p><h1>{escape(str(message["Subject"]))}</h1>'
        f'<table>{heads}</table><p><a href="{address}/raw">Raw</a></p>'
        f"{frame if letter.part('html') else ''}<h2>Text</h2><pre>{_with_links(letter.part('plain') or '')}</pre>"
    )


def _opening_beside(html: str) -> str:
    """The mail's HTML with links that open beside it: the first `target` of a tag is the one that counts."""
    return re.sub(r"<a(?=[\s>])", f"<a {_LINK}", html, flags=re.IGNORECASE)


def _with_links(text: str) -> str:
    """The text as HTML. A link stands on a line of its own."""
    return re.sub(r"^https?://[^\s<>\"']+$", rf'<a href="\g<0>" {_LINK}>\g<0></a>', escape(text), flags=re.MULTILINE)
