"""Headers as ASGI has them, to look things up in."""

from collections.abc import Mapping
from typing import cast

from starlette.types import Scope

Headers = Mapping[bytes, bytes]
_KEPT = "edge.headers"


def headers(scope: Scope) -> Headers:
    """By their names in lower case, the first value of each; made once for a request, which is asked for many."""
    if _KEPT not in scope:
        scope[_KEPT] = dict(reversed(scope["headers"]))
    return cast("Headers", scope[_KEPT])


def header(scope: Scope, name: bytes) -> str | None:
    """The first value of the header `name`, in lower case, or None where there is none."""
    value = headers(scope).get(name)
    return None if value is None else value.decode("latin-1")
