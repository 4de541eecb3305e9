"""The events that webhooks tell of, for who writes a receiver: `/events/` lists them, with their schemas and examples.

They are the same for everybody, and change with a release: a cache keeps them for a minute, and asks whether they have.
"""

from functools import cache
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.webhooks.catalogue import EVENT_KINDS, Kind
from domain.webhooks.editions import EDITION
from domain.webhooks.examples import example
from domain.webhooks.schemas import schema
from edge.caching import SECONDS, is_held
from edge.compression import coding_of, compressed

_FOR_ALL = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""Pages of any origin may read what is the same for everybody."""
_KEPT = {"Cache-Control": f"public, max-age={SECONDS}", "Vary": "Accept-Encoding"}
_NOT_KEPT = {"Cache-Control": "no-cache"}
_JSON, _SCHEMA = "application/json", "application/schema+json"


class _Page(NamedTuple):
    """What lies at an address: the list of all, or the schema of a version of one, or an example."""

    media_type: str
    body: bytes
    tag: bytes


class EventPages:
    """The pages, with the addresses of this installation in them."""

    def __init__(self, api_url: str, app_url: str) -> None:
        self._api_url, self._app_url = api_url, app_url
        self._page = cache(self._made)  # there are no more of them than names that it knows
        self._shrunk = cache(lambda name, coding: compressed(coding, self._page(name).body))

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/events/", self.serve, methods=["GET"]),
            Route("/events/{name}.json", self.serve, methods=["GET"]),
        ]

    async def serve(self, request: Request) -> Response:
        """The page, or that there is none."""
        name: str = request.path_params.get("name", "")
        if name and name not in _addresses():
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no event of that name.", {**_FOR_ALL, **_NOT_KEPT})
        page, coding = self._page(name), coding_of(request.scope)
        headers = {**_FOR_ALL, **_KEPT, "ETag": f"W/{page.tag.decode()}"}
        if is_held(request.scope, page.tag):
            return Response(None, HTTPStatus.NOT_MODIFIED, headers)
        if coding is None:
            return Response(page.body, HTTPStatus.OK, headers, page.media_type)
        headers["Content-Encoding"] = coding.decode()
        return Response(self._shrunk(name, coding), HTTPStatus.OK, headers, page.media_type)

    def _made(self, name: str) -> _Page:
        media_type, content = self._content(name)
        body = orjson.dumps(content, option=orjson.OPT_INDENT_2)
        return _Page(media_type, body, b'"%s"' % blake2b(body, digest_size=16).hexdigest().encode())

    def _content(self, name: str) -> tuple[str, Any]:
        if not name:
            return _JSON, {"edition": EDITION, "events": [self._listed(kind) for kind in EVENT_KINDS.values()]}
        kind, version, is_example = _addresses()[name]
        if is_example:
            return _JSON, example(kind, version, app_url=self._app_url, api_url=self._api_url)
        return _SCHEMA, schema(kind, version, api_url=self._api_url)

    def _listed(self, kind: Kind) -> dict[str, Any]:
        return {
            "type": kind.type,
            "description": kind.description,
            "recorded": kind.recorded,
            "version": kind.version,
            **self._links(kind.type),
            "versions": [{"version": each, **self._links(f"{kind.type}.v{each}")} for each in kind.shapes],
        }

    def _links(self, name: str) -> dict[str, str]:
        base = f"{self._api_url}/events/{name}"
        return {"schema": f"{base}.json", "example": f"{base}.example.json"}


@cache
def _addresses() -> dict[str, tuple[Kind, int, bool]]:
    """Name → what lies there: of a type's newest version without one, with `.example` an example of it."""
    found: dict[str, tuple[Kind, int, bool]] = {}
    for kind in EVENT_KINDS.values():
        named = {kind.type: kind.version, **{f"{kind.type}.v{version}": version for version in kind.shapes}}
        for name, version in named.items():
            found |= {name: (kind, version, False), f"{name}.example": (kind, version, True)}
    return found
