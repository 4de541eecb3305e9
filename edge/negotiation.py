"""In which language a request is answered, and how the response says so: see docs/decisions/0029-languages.md."""

from functools import cache, lru_cache

from starlette.responses import Response
from starlette.types import Scope

from edge.headers import listed
from i18n import DEFAULT, closest, wanted
from i18n.negotiation import MOST_CHARACTERS

HEADERS_KEPT = 1000
"""Browsers send the same few again and again."""
_VARY = (b"vary", b"Accept-Language")


def asked(scope: Scope, first: str | None = None, last: str | None = None) -> str:
    """The language that whoever is behind a connection asks for; what they have chosen, if they are known, goes before.

    Where `first`, written as the header is, names one of ours, that; where neither does, what is closest to `last`.
    """
    header = listed(scope, b"accept-language")
    written = None if header is None else _wanted(header[: MOST_CHARACTERS + 1])
    return wanted(first) or written or closest(last) or DEFAULT


def say(response: Response, locale: str) -> None:
    """The response is in `locale`, and may be in another language for who asks for that."""
    response.raw_headers += (_said(locale), _VARY)


def say_english(response: Response) -> None:
    """The response is in English whoever asks: it is for who writes a client."""
    response.raw_headers.append(_said(DEFAULT))


@lru_cache(HEADERS_KEPT)
def _wanted(header: bytes) -> str | None:
    return wanted(header.decode("latin-1"))


@cache
def _said(locale: str) -> tuple[bytes, bytes]:
    return b"content-language", locale.encode()
