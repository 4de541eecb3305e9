"""The words for clients as files: `/i18n/<locale>/<namespace>.<version>.json`.

What lies at an address never changes: caches keep it for good. Without a version, with one that is over, or in a
language that we lack, the address leads to what there is in its place.
"""

import re
from functools import cache
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from edge.compression import coding_of, compressed
from i18n.bundles import Bundle, bundle, nearest

_FOR_ALL = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""Pages of any origin may read what is the same for everybody."""
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_NOT_KEPT = {"Cache-Control": "no-cache"}
_NAME = re.compile(r"(\w+)(?:\.[0-9a-f]+)?", re.ASCII)


async def serve(request: Request) -> Response:
    """The file, or where it is."""
    found = _meant(**request.path_params)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There are no words of that name.", {**_FOR_ALL, **_NOT_KEPT})
    if request.scope["path"] != found.path:
        return RedirectResponse(found.path, HTTPStatus.TEMPORARY_REDIRECT, {**_FOR_ALL, **_NOT_KEPT})
    headers = {**_FOR_ALL, **_KEPT, "Content-Language": found.locale}
    if coding := coding_of(request.scope):
        headers["Content-Encoding"] = coding.decode()
    return Response(_body(found.locale, found.namespace, coding), HTTPStatus.OK, headers, "application/json")


ROUTE = Route("/i18n/{locale}/{name}.json", serve, methods=["GET"])


def _meant(locale: str, name: str) -> Bundle | None:
    named = _NAME.fullmatch(name)
    return bundle(nearest(locale), named[1]) if named else None


@cache
def _body(locale: str, namespace: str, coding: bytes | None) -> bytes:
    """At most once for each of what there is."""
    found = bundle(locale, namespace)
    assert found is not None
    return compressed(coding, found.body) if coding else found.body
