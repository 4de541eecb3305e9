"""`Idempotency-Key`: with it a mutation may be sent again by whoever has not heard of its end.

Whatever is wrong with a key is about the request, not about the thing: it is told in `errors`, and nothing is done.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLSchema, OperationType

from domain.idempotency import LONGEST, key_in
from domain.sealing import Keys
from edge.codes import EdgeCode
from plan.codes import RequestCode
from plan.requests import Answer, Operation, RequestRefused
from resolvers.idempotency import Once
from schema.fields import MutationField

HEADER = b"idempotency-key"
_PURPOSE = "a request under an idempotency key"


def once(operation: Operation, header: bytes | None, schema: GraphQLSchema, keys: Keys) -> Once | None:
    """Under which key a mutation is asked for, if it is: by the header, or in `extensions`, as over sockets.

    RequestRefused for a key that is none, or with which the operation cannot be asked for. What only reads may be
    repeated anyhow: a key does nothing to it.
    """
    given = _given(operation, header) if operation.kind is OperationType.MUTATION else None
    if given is None:
        return None
    key = key_in(given) if isinstance(given, str) else None
    if key is None:
        message = f"An idempotency key is 1 to {LONGEST} visible ASCII characters."
        raise _refused(message, EdgeCode.IDEMPOTENCY_KEY_INVALID, 400)
    _require_keyed(operation, schema)
    return Once(key, _digest(operation, keys))


def settled(once: Once, found: Answer) -> Answer:
    """The answer, which says whether it is of before; RequestRefused where the key came with another request."""
    if once.reused:
        message = "This idempotency key came with another operation, or other variables: take a new one."
        raise _refused(message, EdgeCode.IDEMPOTENCY_KEY_REUSED, 422)
    if once.replayed:
        found.setdefault("extensions", {})["replayed"] = True
    return found


def _given(operation: Operation, header: bytes | None) -> Any:
    written = operation.request.extensions.get("idempotencyKey")
    if header is None:
        return written
    told = header.decode("latin-1")
    return told if written in (None, told) else ""  # two of them are none


def _require_keyed(operation: Operation, schema: GraphQLSchema) -> None:
    asked = [name for name in operation.all_root_fields().values() if name != "__typename"]
    if len(asked) != 1:
        raise _refused("With an idempotency key, ask for one mutation alone.", EdgeCode.IDEMPOTENCY_KEY_REFUSED, 400)
    assert schema.mutation_type is not None, "a valid mutation has a type"
    field: MutationField = schema.mutation_type.fields[asked[0]].extensions["strawberry-definition"]
    if field.keyless is not None:
        message = f"`{asked[0]}` takes no idempotency key: {field.keyless}."
        raise _refused(message, EdgeCode.IDEMPOTENCY_KEY_REFUSED, 400)


def _digest(operation: Operation, keys: Keys) -> bytes:
    """Of all that is asked. It is keyed: what was asked, a password among it, cannot be found by trying."""
    name = operation.node.name.value if operation.node.name else ""
    asked = [operation.request.query, name, operation.request.variables]
    try:
        return keys.digest(_PURPOSE, orjson.dumps(asked, option=orjson.OPT_SORT_KEYS).decode())
    except orjson.JSONEncodeError as error:  # what orjson reads may be deeper than what it writes
        raise _refused("The variables lie too deep in each other.", RequestCode.BAD_REQUEST, 400) from error


def _refused(message: str, code: StrEnum, status: int) -> RequestRefused:
    return RequestRefused([GraphQLError(message)], code, status)
