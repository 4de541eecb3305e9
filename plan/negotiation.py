"""What a client prefers, by the lists in its headers `Accept` and `Accept-Encoding` (RFC 9110, section 12.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")
MODERN, LEGACY = b"application/graphql-response+json", b"application/json"
HEADERS_KEPT, MOST_BYTES = 200, 1000
"""Clients send the same few again and again. What stands beyond so many bytes of one is not looked at."""

_WEIGHT = re.compile(rb"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_EXACT = 2


def kept(choose: Callable[[bytes], T]) -> Callable[[bytes], T]:
    """The same, with what was chosen last for a header at hand."""
    keeping = lru_cache(HEADERS_KEPT)(choose)

    @wraps(choose)
    def chosen(header: bytes) -> T:
        return keeping(header[:MOST_BYTES])

    return chosen


@kept
def media_type(accept: bytes) -> bytes | None:
    """MODERN or LEGACY, whichever `accept` prefers, or None where it takes neither.

    Of two that are equal, MODERN is the better where it is named: who takes anything may be older than it.
    """
    ranges = [(name, weight) for name, parameters, weight in _listed(accept) if _is_ours(parameters)]
    if not accept.strip():
        return LEGACY
    modern, legacy = _standing(ranges, MODERN), _standing(ranges, LEGACY)
    if modern[0] > legacy[0] or (modern[0] == legacy[0] > 0 and modern[1] == _EXACT):
        return MODERN
    return LEGACY if legacy[0] > 0 else None


@kept
def takes_html_first(accept: bytes) -> bool:
    """Whether a page is named, and nothing that we answer is preferred to it: it is a browser's address bar."""
    ranges = [(name, weight) for name, _, weight in _listed(accept)]
    page = _standing(ranges, b"text/html")
    others = (_standing(ranges, MODERN), _standing(ranges, LEGACY))
    return page[1] == _EXACT and page[0] > 0 and all(page > other for other in others)


@kept
def content_coding(accept_encoding: bytes) -> bytes | None:
    """`zstd` or `gzip`, whichever `accept_encoding` prefers, or None for the answer as it is.

    Of two that are equal, zstd is the better where it is named: who takes any coding may not know it.
    """
    weights = {name: weight for name, _, weight in _listed(accept_encoding)}
    zstd, gzip = weights.get(b"zstd", 0.0), weights.get(b"gzip", weights.get(b"*", 0.0))
    best = max(zstd, gzip)
    if best == 0 or weights.get(b"identity", 0.0) > best:
        return None
    return b"zstd" if zstd == best else b"gzip"


def _standing(ranges: list[tuple[bytes, float]], name: bytes) -> tuple[float, int]:
    """The weight of a media type, and how exactly it is named: the range that is closest to it says both."""
    closeness = {b"*/*": 0, name.partition(b"/")[0] + b"/*": 1, name: _EXACT}
    found = [(closeness[each], weight) for each, weight in ranges if each in closeness]
    close, weight = max(found, default=(-1, 0.0))
    return weight, close


def _listed(header: bytes) -> Iterator[tuple[bytes, dict[bytes, bytes], float]]:
    """Name, parameters and weight of each member; what has no sound weight says nothing."""
    for member in header.lower().split(b","):
        name, *rest = (part.strip() for part in member.split(b";"))
        parameters = {key.strip(): value.strip(b' \t"') for key, _, value in (part.partition(b"=") for part in rest)}
        weight = parameters.pop(b"q", b"1")
        if name and _WEIGHT.fullmatch(weight):
            yield name, parameters, float(weight)


def _is_ours(parameters: dict[bytes, bytes]) -> bool:
    """Whether the range takes UTF-8, which is all that we write; whatever else it may say is nothing to us."""
    return parameters.get(b"charset", b"utf-8") in (b"utf-8", b"utf8")
