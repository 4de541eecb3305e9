"""Answers made smaller on their way, in the coding that the client prefers: zstd or gzip.

Only what queries answer. Mutations answer secrets, some beside what a client has sent: how well the two compress
together would tell of the one to who chooses the other (BREACH). See docs/decisions/0022-graphql-over-http.md.
"""

import asyncio
import zlib
from collections.abc import Callable

import zstandard
from starlette.types import Scope

from edge.headers import listed
from plan.http import Reply
from plan.negotiation import content_coding

LEAST_BYTES = 1400
"""What is smaller goes out in one packet as it is."""
MOST_BYTES_AT_ONCE = 256 * 1024
"""What is larger takes milliseconds, and is left to a thread."""
_GZIP_WINDOW = 31  # the largest (15), with a head and a checksum as gzip has them (16)


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(body)  # a new one: it is not to be shared by threads


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, 1, _GZIP_WINDOW)


_CODINGS: dict[bytes, Callable[[bytes], bytes]] = {b"zstd": _zstd, b"gzip": _gzip}
"""At their quickest: slower levels take up to three times as long for a twentieth less."""


def coding_of(scope: Scope) -> bytes | None:
    """The coding that the client prefers of those that there are; None for none."""
    return content_coding(listed(scope, b"accept-encoding") or b"")


def compressed(coding: bytes, body: bytes) -> bytes:
    """The body in that coding."""
    return _CODINGS[coding](body)


async def shrink(reply: Reply, scope: Scope) -> None:
    """Compresses the body if the client takes that; caches are told that it depends on the client in any case."""
    reply.raw_headers.append((b"vary", b"Accept-Encoding"))
    coding = coding_of(scope)
    if coding is None:
        return
    body = bytes(reply.body)
    at_once = len(body) <= MOST_BYTES_AT_ONCE
    reply.body = compressed(coding, body) if at_once else await asyncio.to_thread(compressed, coding, body)
    reply.raw_headers.append((b"content-encoding", coding))
    reply.headers["content-length"] = str(len(reply.body))
