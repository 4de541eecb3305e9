"""What hostile clients send over HTTP, as bytes: no client's library would send it so."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MODERN = "application/graphql-response+json"
MIB = 1024**2
REFUSED, ANSWERED = frozenset({400}), frozenset({200})
EITHER = REFUSED | ANSWERED


@dataclass(frozen=True)
class Attack:
    """A kind of request: `made` of a number, so that none is known from before, and how it may be answered."""

    made: Callable[[int], bytes]
    statuses: frozenset[int] = REFUSED


Attacks = Mapping[str, Attack]


def posted(
    body: bytes, *headers: str, kind: str = "application/json", accept: str = MODERN, length: bool = True
) -> bytes:
    lines = ["POST /graphql HTTP/1.1", "Host: x", f"Content-Type: {kind}", f"Accept: {accept}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def got(*headers: str, query: str = "query={__typename}") -> bytes:
    return "\r\n".join([f"GET /graphql?{query} HTTP/1.1", "Host: x", *headers, "", ""]).encode("latin-1")


def asked(query: str, **variables: Any) -> bytes:
    return posted(json.dumps({"query": query, "variables": variables}).encode())


def bomb(variables: str, query: str = "query($x: Int) {viewer {memberships(first: $x) {totalCount}}}") -> bytes:
    """A request whose variables are JSON that no encoder would write."""
    return posted(b'{"query":"%s","variables":%s}' % (query.encode(), variables.encode()))


def chunked(body: bytes, size: int) -> bytes:
    """The body in pieces of so many bytes."""
    pieces = (body[begin : begin + size] for begin in range(0, len(body), size))
    written = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return posted(written, "Transfer-Encoding: chunked", length=False)


def from_address(request: bytes, address: str) -> bytes:
    """The request as a proxy hands it on."""
    head, _, rest = request.partition(b"\r\n")
    return b"%b\r\nX-Forwarded-For: %b\r\n%b" % (head, address.encode(), rest)


def signed_in(request: bytes, token: str) -> bytes:
    """The request of whoever has the token."""
    head, _, rest = request.partition(b"\r\n")
    return b"%b\r\nAuthorization: Bearer %b\r\n%b" % (head, token.encode(), rest)
