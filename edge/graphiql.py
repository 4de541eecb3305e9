"""GraphiQL at `/graphql`, for browsers, in development.

Its files are made by `make graphiql` out of npm packages, and served from here: a page that has somebody's rights loads
nothing from elsewhere. Without them the page says how to get them.
"""

from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from edge.headers import listed
from plan.negotiation import takes_html_first

FOLDER = Path(__file__).parent.parent / ".cache/graphiql"
"""Where `make graphiql` puts what it makes."""
_PATH = "/graphiql"
_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self' {sockets}; font-src 'self' data:; "
    "img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>GraphiQL</title><link rel="icon" href="data:,">'
)
_PAGE = f"""{_HEAD}<link rel="stylesheet" href="{_PATH}/graphiql.css">
<style>body{{margin:0}}#page{{height:100dvh}}</style></head>
<body><div id="page">Loading…</div><script type="module" src="{_PATH}/graphiql.js"></script></body></html>"""
_ABSENT = f"""{_HEAD}<style>body{{font:1.1rem system-ui;margin:20vh auto;max-width:34rem;padding:0 1rem}}</style></head>
<body><h1>GraphiQL is not here yet</h1><p>Run <code>make graphiql</code>, which needs Node and npm, then load this page
again. The API is at this address all the same: POST to it.</p></body></html>"""


class Graphiql:
    """The page and its files."""

    def __init__(self, public_url: str, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._policy = _POLICY.format(sockets=public_url.replace("http", "ws", 1))

    def routes(self) -> list[Mount]:
        """Where the files are."""
        return [Mount(_PATH, _Files(directory=self._folder, check_dir=False))]

    def is_wanted(self, scope: Scope) -> bool:
        """Whether a browser shows what it gets to somebody."""
        return scope["method"] != "POST" and takes_html_first(listed(scope, b"accept") or b"")

    def page(self) -> Response:
        """GraphiQL; it looks for an operation in the address by itself."""
        html = _PAGE if (self._folder / "graphiql.js").exists() else _ABSENT
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": self._policy, "Vary": "Accept"}
        return HTMLResponse(html, headers=headers)


class _Files(StaticFiles):
    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Asked for again each time, by its ETag: another version has the same names."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response
