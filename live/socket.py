"""One client's socket: the protocol's state machine, and its operations.

It has no task but the server's own, which reads; an operation has one until it is answered, or sits in a room. What is
said goes straight to the line; only where that is not read does it wait.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from time import thread_time
from typing import Any, Generic

from starlette.requests import HTTPConnection
from starlette.types import Receive, Send

from live import protocol
from live.codes import CloseCode, OperationCode
from live.limits import Limits
from live.lines import Line
from live.operations import INTERNAL, Attention, Caller, OperationError, OperationRequest, Operations, RefusedError
from live.outbox import Outbox
from live.places import Place
from live.protocol import ClientMessage, Closing, ProtocolError
from live.seats import Seat
from live.ties import Standing

log = logging.getLogger(__name__)


class Socket(Generic[Caller]):
    """Serves one accepted websocket until either side ends it."""

    __slots__ = (
        "_asking",
        "_attention",
        "_closing",
        "_connecting",
        "_connection",
        "_interrupted",
        "_is_busy",
        "_let_in",
        "_limits",
        "_operations",
        "_outbox",
        "_reading",
        "_running",
        "_stall",
        "_timer",
        "caller",
        "heard",
        "line",
        "spoke",
    )

    def __init__(
        self,
        connection: HTTPConnection,
        line: Line,
        operations: Operations[Caller],
        limits: Limits,
        let_in: Callable[["Socket[Caller]", Standing], None],
    ) -> None:
        self.caller: Caller | None = None
        """Set once the connection is acknowledged."""
        self.line = line
        self.heard = True
        """Whether the client has said anything since it was last asked to."""
        self.spoke = 0
        """Where it rides on the wheel of pings."""
        self._connection: HTTPConnection | None = connection
        self._operations = operations
        self._limits = limits
        self._let_in = let_in
        self._outbox: Outbox | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._running: dict[str, asyncio.Task[None] | Seat[Any]] = {}
        self._closing: Closing | None = None
        self._reading: asyncio.Task[Any] | None = None
        self._interrupted = False
        self._is_busy = False
        """Whether what the client says has to wait: what it said last is still being seen to."""
        self._stall: asyncio.TimerHandle | None = None
        self._attention: dict[str, float] | None = None
        """How often the client is pinged for the sake of a running operation, in seconds; None where it never was."""
        self._asking: asyncio.TimerHandle | None = None
        loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = loop.call_later(limits.init_seconds, self._init_is_late)
        line.drained = self._drained

    @property
    def open_operations(self) -> int:
        """How many operations run."""
        return len(self._running)

    @property
    def waiting_bytes(self) -> int:
        """What waits to be sent."""
        return self._outbox.waiting_bytes if self._outbox else 0

    @property
    def closed_as(self) -> CloseCode | None:
        """How we have ended it, if we have."""
        return self._closing.code if self._closing else None

    def close(self, code: CloseCode, reason: str) -> None:
        """End the socket: nothing that still waits is sent, and its operations are cancelled."""
        if self._closing is not None:
            return
        self._closing = Closing(code, reason)
        if self._outbox is not None:
            self._outbox.close()
        if self._reading is not None and self._reading is not asyncio.current_task():
            self._interrupted = self._reading.cancel()

    async def run(self, receive: Receive, send: Send) -> None:
        """Serve; returns when the socket has ended and nothing of it runs any more."""
        self._reading = asyncio.current_task()
        try:
            await self._read(receive)
        except ProtocolError as broken:
            self._closing = self._closing or broken.closing
        except asyncio.CancelledError:
            if not self._interrupted or self._reading is None or self._reading.uncancel():
                raise
        finally:
            self._reading = None
            unwinding = self._cancel()
        try:
            if self._closing is not None:
                await self._say(self._closing, send)
        finally:
            await asyncio.gather(*unwinding, return_exceptions=True)

    def _cancel(self) -> list[asyncio.Task[Any]]:
        if self._outbox is not None:
            self._outbox.close()
        self.line.abandon()
        for timer in (self._timer, self._stall, self._asking):
            if timer is not None:
                timer.cancel()
        running = [_stopped(operation) for operation in self._running.values()]
        self._running.clear()
        if self._connecting is not None:
            running.append(_stopped(self._connecting))
        return [task for task in running if task is not None]

    async def _say(self, closing: Closing, send: Send) -> None:
        try:
            async with asyncio.timeout(self._limits.close_seconds):
                await send({"type": "websocket.close", "code": int(closing.code), "reason": closing.reason})
        except OSError:
            # Too late (TimeoutError) or already gone: the line is dropped when we return.
            log.debug("A client left before it could be told %s.", closing)

    def put(self, *parts: bytes, latest_of: str | None = None) -> None:
        """Says something at once; where that would make too much wait for the client, it is closed.

        Of what is the `latest_of` the same only the latest waits.
        """
        if self._closing is not None:
            return  # what waited is lost: behind a hole, nothing may come that the client would resume from
        if not self._outbox and self.line.clear:
            self.line.write(*parts)
        elif not self._waiting().push(b"".join(parts), latest_of):
            self.close(_TOO_SLOW.code, _TOO_SLOW.reason)

    async def send(self, *parts: bytes) -> None:
        """Says something when there is room for it."""
        if self._closing is not None:
            return
        if not self._outbox and self.line.clear:
            self.line.write(*parts)
        else:
            await self._waiting().send(b"".join(parts))
            if self.line.clear:  # it was cleared while we waited for room
                self._drained()
            self._waiting()
        # Without this, one client's long answer, for which there is room, would hold up everybody.
        await asyncio.sleep(0)

    def _waiting(self) -> Outbox:
        """What waits, while the client must read."""
        if self._outbox is None:
            self._outbox = Outbox(self._limits.queue_bytes)
            if self._closing is not None:
                self._outbox.close()
        if self._stall is None and not self.line.clear:
            self._stall = asyncio.get_running_loop().call_later(self._limits.stall_seconds, self._is_stalled)
        return self._outbox

    def _drained(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        written = 0
        while self._outbox and self.line.clear and written < _AT_ONCE and (frame := self._outbox.take()) is not None:
            self.line.write(frame)
            written += len(frame)
        if not self._outbox:
            return
        if self.line.clear:  # as far as is known: what was just written is only put on the line when the loop turns
            asyncio.get_running_loop().call_soon(self._drained)
        else:
            self._waiting()

    def _is_stalled(self) -> None:
        self._stall = None
        self.close(_TOO_SLOW.code, _TOO_SLOW.reason)

    async def _read(self, receive: Receive) -> None:
        while self._closing is None and (event := await receive())["type"] != "websocket.disconnect":
            self.heard = self._is_busy = True
            await self._handle(await self._parsed(self._text(event)))
            self._is_busy = False

    async def _parsed(self, data: bytes) -> ClientMessage:
        """The message. To read a large one may take as long as twenty operations: then everybody else has a turn."""
        if len(data) <= _SMALL:
            return protocol.parse(data)
        began = thread_time()
        message = protocol.parse(data)
        await asyncio.sleep(_REST * (thread_time() - began))
        return message

    def _text(self, event: Mapping[str, Any]) -> bytes:
        text: str | None = event.get("text")
        if text is None:
            raise ProtocolError(CloseCode.BAD_REQUEST, "Messages are text, not binary.")
        data = text.encode()
        if len(data) > self._limits.message_bytes:
            raise ProtocolError(CloseCode.TOO_BIG, f"A message has at most {self._limits.message_bytes} bytes.")
        return data

    async def _handle(self, message: ClientMessage) -> None:
        match message:
            case protocol.Init(params):
                self._init(params)
            case protocol.Ping(payload):
                self.put(protocol.pong(payload))
            case protocol.Pong():
                pass
            case OperationRequest():
                self._subscribe(message)
            case protocol.Complete(operation_id):
                await self._complete(operation_id)

    def _init(self, params: Mapping[str, Any]) -> None:
        if self._connecting is not None or self.caller is not None:
            raise ProtocolError(CloseCode.TOO_MANY_INITS, "Too many initialisation requests")
        self._end_timer()
        self._connecting = asyncio.create_task(self._connect(params))

    async def _connect(self, params: Mapping[str, Any]) -> None:
        assert self._connection is not None, "it connects once"
        try:
            self.caller = await self._operations.connect(self._connection, params)
        except RefusedError as refused:
            self.close(CloseCode.FORBIDDEN, str(refused) or "Forbidden")
        except Exception:  # whatever went wrong is ours, and may be over when the client tries again
            log.exception("A websocket could not be connected.")
            self.close(CloseCode.TRY_AGAIN, "Try again later")
        else:
            self._connection.scope["headers"] = []  # nobody asks for them again, and the scope stays
            self._connection = self._connecting = None
            self._welcome(self._operations.standing(self.caller), self._operations.greeting(self.caller))

    def _welcome(self, standing: Standing, greeting: Mapping[str, Any]) -> None:
        # Nothing is suspended since the caller was found good: what they hang on is watched from that moment.
        self._let_in(self, standing)
        if standing.seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(standing.seconds, self._expire)
        self.put(protocol.ack(greeting))

    def _subscribe(self, request: OperationRequest) -> None:
        if self.caller is None:
            raise ProtocolError(CloseCode.UNAUTHORIZED, "Unauthorized")
        if request.id in self._running:
            raise ProtocolError(CloseCode.DUPLICATE_ID, f"Subscriber for {request.id} already exists")
        if len(self._running) >= self._limits.operations:
            self.put(protocol.error(request.id, [self._too_many()]))
            return
        self._running[request.id] = asyncio.create_task(self._operate(self.caller, request))

    async def _complete(self, operation_id: str) -> None:
        operation = self._running.get(operation_id)
        if operation is not None and (unwinding := _stopped(operation)) is not None:
            # Not reading on until it has ended keeps a client from piling up operations that are still unwinding.
            await asyncio.wait({unwinding})
        self.forget(operation_id)

    async def _operate(self, caller: Caller, request: OperationRequest) -> None:
        place = Place(self, request.id)
        try:
            async with aclosing(self._operations.start(caller, request)) as payloads:
                async for payload in payloads:
                    if isinstance(payload, Seat):
                        # Nothing is suspended in between: the room may end it at once.
                        self._running[request.id] = payload
                        payload.sit(place)
                        return
                    if isinstance(payload, Attention):
                        self._attend(request.id, payload.seconds)
                    else:
                        await place.send(payload if isinstance(payload, bytes) else protocol.encoded(payload))
            end = protocol.complete(request.id)
        except OperationError as failed:
            end = protocol.error(request.id, failed.errors)
        except Exception:  # a fault in one operation ends that operation only
            log.exception("An operation failed.")
            end = protocol.error(request.id, [INTERNAL])
        await self.send(end)
        self.forget(request.id)

    def forget(self, operation_id: str) -> None:
        """The operation has ended: its id is free."""
        self._running.pop(operation_id, None)
        self._stop_attending(operation_id)

    def _too_many(self) -> Mapping[str, Any]:
        message = f"At most {self._limits.operations} operations run on a socket."
        return {"message": message, "extensions": {"code": OperationCode.TOO_MANY_OPERATIONS}}

    def _end_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _init_is_late(self) -> None:
        self.close(CloseCode.INIT_TIMEOUT, "Connection initialisation timeout")

    def _expire(self) -> None:
        self.close(CloseCode.FORBIDDEN, "What let you in has expired")

    def ping(self) -> None:
        """Asks for a sign of life, unless that is done more often; closes where none has come since the last time."""
        if not self._attention:
            self._ping()

    def _attend(self, operation_id: str, seconds: float) -> None:
        self._attention = {**(self._attention or {}), operation_id: seconds}
        self._ask_later()

    def _stop_attending(self, operation_id: str) -> None:
        if self._attention and self._attention.pop(operation_id, None) is not None:
            self._ask_later()
            self.heard = True  # the next to ask may have its turn just after the last, whom nobody could answer yet

    def _ask_later(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        seconds = min(self._attention.values(), default=None) if self._attention else None
        self._asking = None if seconds is None else asyncio.get_running_loop().call_later(seconds, self._ask)

    def _ask(self) -> None:
        self._ask_later()
        self._ping()

    def _ping(self) -> None:
        if not self.heard and not self._is_busy:
            self.close(CloseCode.SILENT, "No answer to our ping")
            return
        self.heard = False
        self.put(protocol.PING)


def _stopped(operation: asyncio.Task[None] | Seat[Any]) -> asyncio.Task[None] | None:
    """What of an operation that is stopped has still to unwind."""
    if isinstance(operation, Seat):
        return operation.leave()
    operation.cancel()
    return operation


_SMALL, _REST = 16 * 1024, 9
"""Bytes that are read in no time; and for how many times as long as it took to read more the client then waits."""
_AT_ONCE = 64 * 1024
"""Bytes of what has waited that are written before it is looked whether they are taken."""
_TOO_SLOW = Closing(CloseCode.TOO_SLOW, "Read faster, or ask for less; then come back")
