"""Headers as ASGI has them, to look things up in."""

from collections.abc import Mapping, Sequence

from starlette.types import Scope

Headers = Mapping[bytes, bytes]
_KEPT, _BESIDES = "edge.headers", "edge.besides"


def headers(scope: Scope) -> Headers:
    """By their names in lower case, the first value of each; made once for a request, which is asked for many."""
    found: Headers | None = scope.get(_KEPT)
    if found is None:
        found = scope[_KEPT] = dict(reversed(scope["headers"]))
    return found


def say_besides(scope: Scope, header: tuple[bytes, bytes]) -> None:
    """Has the response say this too, whatever it will be: all that is said so is put in by one wrapper of `send`."""
    scope[_BESIDES] = (*besides(scope), header)


def besides(scope: Scope) -> Sequence[tuple[bytes, bytes]]:
    """What the response shall say besides its own headers."""
    said: Sequence[tuple[bytes, bytes]] = scope.get(_BESIDES, ())
    return said


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
