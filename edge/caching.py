"""What caches may keep of what is asked by GET: what is the same for everybody, and nothing else."""

import re
from hashlib import blake2b

import orjson
from graphql import FieldNode, GraphQLSchema
from starlette.types import Scope

from edge.headers import listed
from plan.http import Reply
from plan.requests import Answer, Operation
from schema.fields import QueryField

SECONDS = 60
"""For so long a cache need not ask again: what is public changes when the operator changes something."""
_TAG = re.compile(rb'(?:W/)?("[^"]*")')
_PUBLIC, _PRIVATE = b"public, max-age=%d" % SECONDS, b"private, no-store"


def is_public(schema: GraphQLSchema, operation: Operation) -> bool:
    """Whether a query asks for nothing but the contract itself, and root fields that are declared to be public.

    What hides in fragments at the root is not looked for.
    """
    return all(
        isinstance(part, FieldNode) and _is_for_all(schema, part) for part in operation.node.selection_set.selections
    )


def offer(reply: Reply, scope: Scope, media_type: bytes, answer: Answer) -> None:
    """Lets caches keep a public answer without errors, and leaves its body out for whoever has the same already."""
    tag = _tag(media_type, answer)
    reply.raw_headers += [(b"cache-control", _PUBLIC), (b"vary", b"Accept"), (b"etag", b"W/" + tag)]
    if is_held(scope, tag):
        reply.status_code, reply.body = 304, b""
        reply.raw_headers = [each for each in reply.raw_headers if not each[0].startswith(b"content-")]
        # A cache takes these headers for those of the answer that it holds, which may be compressed.
        reply.raw_headers.append((b"vary", b"Accept-Encoding"))


def is_held(scope: Scope, tag: bytes) -> bool:
    """Whether who asks has what has this tag (in its quotes, without `W/`) already."""
    held = listed(scope, b"if-none-match") or b""
    return held.strip() == b"*" or tag in _TAG.findall(held)


def withhold(reply: Reply) -> None:
    """Keeps from caches whatever has not been offered to them."""
    if not any(name == b"cache-control" for name, _ in reply.raw_headers):
        reply.raw_headers.append((b"cache-control", _PRIVATE))


def _is_for_all(schema: GraphQLSchema, part: FieldNode) -> bool:
    name = part.name.value
    if name.startswith("__"):
        return True
    assert schema.query_type is not None
    declared = schema.query_type.fields[name].extensions["strawberry-definition"]
    return isinstance(declared, QueryField) and declared.public


def _tag(media_type: bytes, answer: Answer) -> bytes:
    """Of the data alone, so a weak one: the position beside it moves on, and an older one only makes events repeat."""
    return b'"%s"' % blake2b(media_type + orjson.dumps(answer["data"]), digest_size=16).hexdigest().encode()
