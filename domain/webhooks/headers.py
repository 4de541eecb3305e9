"""The headers that a webhook has sent with each delivery, beside our own."""

import re
from collections.abc import Sequence

from domain.errors import Invalid

MOST = 20
LONGEST_NAME, LONGEST_VALUE = 100, 1000
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A token of RFC 9110."""
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
_OURS = re.compile(
    r"webhook-.*|x-webhook-.*|content-.*|proxy-.*|sec-.*|accept-encoding|connection|date|expect|host|keep-alive|te|trailer"
    r"|transfer-encoding|upgrade|user-agent|via|forwarded|x-forwarded-.*",
    re.IGNORECASE,
)
"""What we say ourselves, and what says how the connection is used."""


def checked(headers: Sequence[tuple[str, str]], *, path: tuple[str, ...]) -> dict[str, str]:
    """The headers as they are sent; Invalid for what cannot be one, or is ours to say, and for too many."""
    if len({name.lower() for name, _ in headers}) != len(headers):
        raise Invalid("problem.header_twice", path=path)
    if len(headers) > MOST:
        raise Invalid("problem.header_count", path=path, most=MOST)
    for index, (name, value) in enumerate(headers):
        _require_name(name, (*path, str(index), "name"))
        if not _VALUE.fullmatch(value) or len(value) > LONGEST_VALUE:
            raise Invalid("problem.header_value", path=(*path, str(index), "value"), name=name, most=LONGEST_VALUE)
    return dict(headers)


def _require_name(name: str, path: tuple[str, ...]) -> None:
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise Invalid("problem.header_name", path=path, most=LONGEST_NAME)
    if _OURS.fullmatch(name.replace("_", "-")):  # CGI, WSGI and PHP make one name of both
        raise Invalid("problem.header_ours", path=path, name=name)
