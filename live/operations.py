"""What the application gives the transport: who is calling, and what an operation answers."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from starlette.requests import HTTPConnection

from live.codes import OperationCode
from live.ties import Standing

if TYPE_CHECKING:
    from live.seats import Seat

Caller = TypeVar("Caller")
"""Whoever is behind a socket; only the application looks into it."""

INTERNAL: Mapping[str, Any] = {
    "message": "Something went wrong on our side.",
    "extensions": {"code": OperationCode.INTERNAL},
}
"""What a client learns of a fault of ours; the log has all of it."""
Payload = bytes | Mapping[str, Any]
"""A GraphQL result: a mapping, or the same encoded as JSON once for all who get it."""


@dataclass(frozen=True, slots=True)
class Attention:
    """Stands where a payload may: while the operation runs, its client is asked for a sign of life this often."""

    seconds: float


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """A `subscribe` message: the client's id for the operation, and a GraphQL request.

    `query` may be empty where `extensions` name the document.
    """

    id: str
    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)


class RefusedError(Exception):
    """The connection is not let in; its text, if any, is the reason that the client is told with 4403."""


class OperationError(Exception):
    """The operation has failed, or never began: `errors` are GraphQL errors as the client shall see them."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(errors)
        self.errors = errors


class Operations(Protocol[Caller]):
    """The application side of the transport."""

    async def connect(self, connection: HTTPConnection, params: Mapping[str, Any]) -> Caller:
        """Judge a handshake and the payload of its `connection_init`; raises RefusedError."""

    def standing(self, caller: Caller) -> Standing:
        """On what the place of a caller who has just been let in hangs."""

    def greeting(self, caller: Caller) -> Mapping[str, Any]:
        """What a caller who has just been let in is told, as the payload of `connection_ack`; empty for nothing."""

    def start(
        self, caller: Caller, request: OperationRequest
    ) -> "AsyncGenerator[Payload | Attention | Seat[Any], None]":
        """Run a query, mutation or subscription: each item is one `next`, but for `Attention`; the end is `complete`.

        A seat as the last item is handed over: what follows is told in its room, and so is the end. Until then it is
        the generator's own, which leaves it when it is closed.

        Raises OperationError, at the first item or later, to end with `error`. The generator is closed, and what it
        awaits is cancelled, when the client completes the operation or goes. It is asked for its next item when the
        client has room for it, so that a slow client slows its own operations and nobody else's.
        """
