"""Where an operation is told: under its id, on the socket over which it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from live import protocol

if TYPE_CHECKING:
    from live.seats import Errors
    from live.socket import Socket


class Place:
    """Where one operation of a socket is told: `live.seats.Outlet`."""

    __slots__ = ("_head", "_id", "_socket")

    def __init__(self, socket: Socket[Any], operation_id: str) -> None:
        self._socket = socket
        self._id = operation_id
        self._head = protocol.next_head(operation_id)

    def tell(self, payload: bytes, *, lasting: bool) -> None:
        """See `Outlet`."""
        self._socket.put(self._head, payload, protocol.NEXT_END, latest_of=None if lasting else self._id)

    async def send(self, payload: bytes) -> None:
        """See `Outlet`."""
        await self._socket.send(self._head, payload, protocol.NEXT_END)

    def ended(self, errors: Errors | None) -> None:
        """See `Outlet`."""
        # Nothing is suspended in between: when the client sees the end, its id is free.
        self._socket.forget(self._id)
        self._socket.put(protocol.complete(self._id) if errors is None else protocol.error(self._id, errors))
