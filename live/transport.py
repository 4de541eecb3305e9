"""The ASGI application that speaks graphql-transport-ws, and all sockets of this process."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Generic

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from live.codes import CloseCode
from live.limits import Limits
from live.lines import line_of
from live.operations import Caller, Operations
from live.protocol import CUT_OFF, SUBPROTOCOL, THERE_AGAIN, Closing
from live.socket import Socket
from live.ties import Standing, Ties
from live.wheel import Wheel

_AT_ONCE = 100
"""Sockets to which the same is said before anybody else has a turn."""


class Transport(Generic[Caller]):
    """Mount it as the endpoint of a Starlette `WebSocketRoute`.

    The server's own limits belong beside ours: `ws_max_size` at `Limits.message_bytes`, no per-message deflate, and no
    pings of its own.
    """

    def __init__(self, operations: Operations[Caller], limits: Limits | None = None) -> None:
        self._operations = operations
        self._limits = limits or Limits()
        self._sockets: set[Socket[Caller]] = set()
        self._ties: Ties[Socket[Caller]] = Ties()
        self._wheel: Wheel[Socket[Caller]] = Wheel(self._limits.ping_seconds, Socket.ping)
        self._draining = False
        self._is_live = True
        self.closed_as_too_slow = 0
        """Sockets that were closed since the start because their clients did not read."""
        self._ended = asyncio.Event()

    @property
    def open_sockets(self) -> int:
        """Clients connected now."""
        return len(self._sockets)

    def callers(self, names: Collection[str] | None = None) -> list[Caller]:
        """Who is connected now, once for each socket that has been let in; of `names`, who hangs on any of them."""
        return [socket.caller for socket in self._let_in(names) if socket.caller is not None]

    @property
    def open_operations(self) -> int:
        """Operations running now, over all sockets."""
        return sum(socket.open_operations for socket in self._sockets)

    @property
    def waiting_bytes(self) -> int:
        """What waits to be sent, over all sockets, beside the network's own buffers."""
        return sum(socket.waiting_bytes for socket in self._sockets)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one websocket."""
        await receive()  # websocket.connect
        if SUBPROTOCOL not in scope["subprotocols"]:
            await _refuse(send, None, Closing(CloseCode.BAD_SUBPROTOCOL, f"Only {SUBPROTOCOL} is spoken here"))
        elif self._draining:
            await _refuse(send, SUBPROTOCOL, _RESTART)
        else:
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
            await self._serve(self._socket(scope, send), receive, send)

    def end(
        self, predicate: Callable[[Caller], bool], reason: str = "Forbidden", *, names: Collection[str] | None = None
    ) -> int:
        """Close (4403) the sockets of callers for whom `predicate` holds; returns how many.

        With `names` only those who hang on any of them are asked. A socket that is still connecting has no caller yet:
        `connect` must take care that what it has found is still so when it returns.
        """
        among = self._let_in(names)
        lost = [socket for socket in among if socket.caller is not None and predicate(socket.caller)]
        for socket in lost:
            socket.close(CloseCode.FORBIDDEN, reason)
        return len(lost)

    def tell_live(self, *, is_live: bool) -> None:
        """Tells all who have been let in whether what happens can be told at the moment.

        By a ping, which any client answers, and one that cares looks into.
        """
        self._is_live = is_live
        self._tell_some(iter([*self._let_in(None)]))

    def _tell_some(self, sockets: Iterator[Socket[Caller]]) -> None:
        # How it stands by now: a change that comes meanwhile is told to them all, too, perhaps before this one.
        frame = THERE_AGAIN if self._is_live else CUT_OFF
        some = list(islice(sockets, _AT_ONCE))
        for socket in some:
            socket.put(frame)
        if some:
            asyncio.get_running_loop().call_soon(self._tell_some, sockets)

    async def drain(self) -> None:
        """Tell every client to come back to another process (1012), take no new one, and wait until all have gone.

        Clients spread their return over time by themselves. It takes at most `Limits.close_seconds`, and what
        operations need to unwind.
        """
        self._draining = True
        for socket in self._sockets:
            socket.close(_RESTART.code, _RESTART.reason)
        while self._sockets:
            self._ended.clear()
            await self._ended.wait()

    def _socket(self, scope: Scope, send: Send) -> Socket[Caller]:
        return Socket(HTTPConnection(scope), line_of(scope, send), self._operations, self._limits, self._tie)

    def _tie(self, socket: Socket[Caller], standing: Standing) -> None:
        self._ties.tie(socket, standing.names)

    def _let_in(self, names: Collection[str] | None) -> Collection[Socket[Caller]]:
        return self._ties.everybody() if names is None else self._ties.tied_to(names)

    async def _serve(self, socket: Socket[Caller], receive: Receive, send: Send) -> None:
        self._sockets.add(socket)
        socket.spoke = self._wheel.board(socket)
        try:
            await socket.run(receive, send)
        finally:
            self.closed_as_too_slow += socket.closed_as is CloseCode.TOO_SLOW
            self._wheel.leave(socket, socket.spoke)
            self._sockets.discard(socket)
            self._ties.untie(socket)
            self._ended.set()


async def _refuse(send: Send, subprotocol: str | None, closing: Closing) -> None:
    # Accepted first: a browser does not show its page why a handshake was turned down, but it shows a close code.
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    await send({"type": "websocket.close", "code": int(closing.code), "reason": closing.reason})


_RESTART = Closing(CloseCode.RESTART, "The server restarts; come back in a moment")
