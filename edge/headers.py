"""Headers as ASGI has them, to look things up in."""

from collections.abc import Mapping

from starlette.types import Scope

Headers = Mapping[bytes, bytes]
_KEPT = "edge.headers"


def headers(scope: Scope) -> Headers:
    """By their names in lower case, the first value of each; made once for a request, which is asked for many."""
    found: Headers | None = scope.get(_KEPT)
    if found is None:
        found = scope[_KEPT] = dict(reversed(scope["headers"]))
    return found


def header(scope: Scope, name: bytes) -> str | None:
    """The first value of the header `name`, in lower case, or None where there is none."""
    value = headers(scope).get(name)
    return None if value is None else value.decode("latin-1")


def listed(scope: Scope, name: bytes) -> bytes | None:
    """The values of all headers `name`, which hold lists, as the one list that they mean."""
    given = headers(scope)
    first = given.get(name)
    if first is None or len(given) == len(scope["headers"]):  # none comes twice, as nearly always
        return first
    return b", ".join(value for each, value in scope["headers"] if each == name)
