"""The words of graphql-transport-ws: what a client may say, what we answer, and how a socket ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from live.codes import CloseCode
from live.operations import OperationRequest

SUBPROTOCOL = "graphql-transport-ws"
ID_CHARACTERS = 256
MOST_VALUES = 100_000
"""In a message, by its commas and brackets: each takes as long as fifty bytes."""
REASON_BYTES = 123
"""What a close frame has room for."""


@dataclass(frozen=True, slots=True)
class Closing:
    """The last word on a socket: its code, and a reason for people, cut to what a close frame holds."""

    code: CloseCode
    reason: str

    def __post_init__(self) -> None:
        cut = self.reason.encode()[:REASON_BYTES].decode(errors="ignore")
        object.__setattr__(self, "reason", cut)


class ProtocolError(Exception):
    """The client broke the protocol; `closing` is how the socket ends."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.closing = Closing(code, reason)


@dataclass(frozen=True, slots=True)
class Init:
    """`connection_init`."""

    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ping:
    """`ping`."""

    payload: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Pong:
    """`pong`."""


@dataclass(frozen=True, slots=True)
class Complete:
    """`complete`: the client wants no more of an operation."""

    id: str


ClientMessage = Init | Ping | Pong | OperationRequest | Complete


def parse(data: bytes) -> ClientMessage:
    """The client's message in `data`; raises ProtocolError (4400) and says which field is wrong."""
    if len(data) > MOST_VALUES and sum(map(data.count, b",[{")) > MOST_VALUES:
        raise _bad(f"A message must have at most {MOST_VALUES} values.")
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise _bad("A message must be JSON.") from None
    if not isinstance(message, dict):
        raise _bad("A message must be a JSON object.")
    match message.get("type"):
        case "connection_init":
            return Init(_object(message, "payload") or {})
        case "ping":
            return Ping(_object(message, "payload"))
        case "pong":
            _object(message, "payload")
            return Pong()
        case "subscribe":
            return _operation(message)
        case "complete":
            return Complete(_id(message))
        case str(other):
            raise _bad(f"There is no message type {other!r} for clients.")
        case _:
            raise _bad("A message must have a string `type`.")


def _operation(message: Mapping[str, Any]) -> OperationRequest:
    operation_id, payload = _id(message), _object(message, "payload")
    if payload is None:
        raise _bad("`subscribe` must have an object `payload`.")
    query, extensions = _string(payload, "query"), _object(payload, "extensions") or {}
    if query is None and "persistedQuery" not in extensions:
        raise _bad("`payload` must have a string `query`.")
    return OperationRequest(
        id=operation_id,
        query=query or "",
        operation_name=_string(payload, "operationName"),
        variables=_object(payload, "variables") or {},
        extensions=extensions,
    )


def _id(message: Mapping[str, Any]) -> str:
    operation_id = _string(message, "id")
    if not operation_id:
        raise _bad("The message must have a string `id` that is not empty.")
    if len(operation_id) > ID_CHARACTERS:
        raise _bad(f"`id` must have at most {ID_CHARACTERS} characters.")
    return operation_id


def _object(message: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    value = message.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise _bad(f"`{name}` must be an object.")


def _string(message: Mapping[str, Any], name: str) -> str | None:
    value = message.get(name)
    if value is None or isinstance(value, str):
        return value
    raise _bad(f"`{name}` must be a string.")


def _bad(reason: str) -> ProtocolError:
    return ProtocolError(CloseCode.BAD_REQUEST, reason)


PING = b'{"type":"ping"}'
CUT_OFF, THERE_AGAIN = b'{"type":"ping","payload":{"live":false}}', b'{"type":"ping","payload":{"live":true}}'
"""Pings that say whether what happens can be told at the moment."""


def ack(payload: Mapping[str, Any] | None) -> bytes:
    """The client is let in."""
    return orjson.dumps({"type": "connection_ack", "payload": payload} if payload else {"type": "connection_ack"})


def pong(payload: Mapping[str, Any] | None) -> bytes:
    """The answer to a ping, with the ping's payload."""
    return orjson.dumps({"type": "pong", "payload": payload} if payload is not None else {"type": "pong"})


def next_head(operation_id: str) -> bytes:
    """How every `next` of an operation begins; made once for each operation."""
    return b'{"id":' + orjson.dumps(operation_id) + b',"type":"next","payload":'


NEXT_END = b"}"
"""How it ends, after the payload."""


def encoded(payload: Mapping[str, Any]) -> bytes:
    """A payload as it is sent."""
    return orjson.dumps(payload)


def complete(operation_id: str) -> bytes:
    """The end of an operation that went well."""
    return orjson.dumps({"id": operation_id, "type": "complete"})


def error(operation_id: str, errors: Sequence[Mapping[str, Any]]) -> bytes:
    """The end of an operation that failed."""
    return orjson.dumps({"id": operation_id, "type": "error", "payload": errors})
