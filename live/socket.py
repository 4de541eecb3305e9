"""One client's socket: the protocol's state machine, its operations, and its writer."""

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
from live.operations import Attention, Caller, OperationError, OperationRequest, Operations, RefusedError
from live.outbox import Outbox
from live.protocol import ClientMessage, Closing, ProtocolError
from live.ties import Standing

log = logging.getLogger(__name__)

INTERNAL = {"message": "Something went wrong on our side.", "extensions": {"code": OperationCode.INTERNAL}}
"""What a client learns of a fault of ours; the log has all of it."""


class Socket(Generic[Caller]):
    """Serves one accepted websocket until either side ends it."""

    def __init__(
        self,
        connection: HTTPConnection,
        operations: Operations[Caller],
        limits: Limits,
        let_in: Callable[["Socket[Caller]", Standing], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.caller: Caller | None = None
        """Set once the connection is acknowledged."""
        self._connection = connection
        self._operations = operations
        self._limits = limits
        self._let_in = let_in
        self._outbox = Outbox(limits.queue_bytes)
        self._connecting: asyncio.Task[None] | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._attention: dict[str, float] = {}
        """How often the client is pinged for the sake of a running operation, in seconds."""
        self._told: asyncio.Future[Closing | None] = loop.create_future()
        self._heard = True
        self._init_timer = loop.call_later(limits.init_seconds, self._init_is_late)
        self._ping_timer = loop.call_later(limits.ping_seconds, self._ping)
        self._expiry_timer: asyncio.TimerHandle | None = None

    @property
    def open_operations(self) -> int:
        """How many operations run."""
        return len(self._running)

    @property
    def waiting_bytes(self) -> int:
        """What waits to be sent."""
        return self._outbox.waiting_bytes

    def close(self, code: CloseCode, reason: str) -> None:
        """End the socket: nothing that still waits is sent, and its operations are cancelled."""
        self._outbox.close()
        if not self._told.done():
            self._told.set_result(Closing(code, reason))

    async def run(self, receive: Receive, send: Send) -> None:
        """Serve; returns when the socket has ended and nothing of it runs any more."""
        reader = asyncio.create_task(self._read(receive))
        writer = asyncio.create_task(self._write(send))
        ends = (self._told, reader, writer)
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            unwinding = self._cancel(reader, writer)
        try:
            closing = next(end for end in ends if end.done()).result()
            if closing is not None:
                await self._say(closing, send)
        finally:
            await asyncio.gather(*unwinding, return_exceptions=True)

    def _cancel(self, *tasks: asyncio.Task[Any]) -> list[asyncio.Task[Any]]:
        self._outbox.close()
        self._init_timer.cancel()
        self._ping_timer.cancel()
        if self._expiry_timer is not None:
            self._expiry_timer.cancel()
        everything = [*tasks, *self._running.values()]
        if self._connecting is not None:
            everything.append(self._connecting)
        for task in everything:
            task.cancel()
        return everything

    async def _say(self, closing: Closing, send: Send) -> None:
        try:
            async with asyncio.timeout(self._limits.close_seconds):
                await send({"type": "websocket.close", "code": int(closing.code), "reason": closing.reason})
        except OSError:
            # Too late (TimeoutError) or already gone: the line is dropped when we return.
            log.debug("A client left before it could be told %s.", closing)

    async def _write(self, send: Send) -> Closing | None:
        while True:
            frame = await self._outbox.first()
            try:
                async with asyncio.timeout(self._limits.stall_seconds):
                    await send({"type": "websocket.send", "text": frame.decode()})
            except TimeoutError:
                return _TOO_SLOW
            except OSError:
                return None
            self._outbox.done()
            if self._outbox.waiting_bytes:
                # send() need not suspend: without this, one client's long queue would hold up everybody.
                await asyncio.sleep(0)

    async def _read(self, receive: Receive) -> Closing | None:
        try:
            while (event := await receive())["type"] != "websocket.disconnect":
                self._heard = True
                await self._handle(await self._parsed(self._text(event)))
        except ProtocolError as broken:
            return broken.closing
        return None

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
                self._push(protocol.pong(payload))
            case protocol.Pong():
                pass
            case OperationRequest():
                self._subscribe(message)
            case protocol.Complete(operation_id):
                await self._complete(operation_id)

    def _init(self, params: Mapping[str, Any]) -> None:
        if self._connecting is not None:
            raise ProtocolError(CloseCode.TOO_MANY_INITS, "Too many initialisation requests")
        self._init_timer.cancel()
        self._connecting = asyncio.create_task(self._connect(params))

    async def _connect(self, params: Mapping[str, Any]) -> None:
        try:
            self.caller = await self._operations.connect(self._connection, params)
        except RefusedError as refused:
            self.close(CloseCode.FORBIDDEN, str(refused) or "Forbidden")
        except Exception:  # whatever went wrong is ours, and may be over when the client tries again
            log.exception("A websocket could not be connected.")
            self.close(CloseCode.TRY_AGAIN, "Try again later")
        else:
            self._welcome(self._operations.standing(self.caller), self._operations.greeting(self.caller))

    def _welcome(self, standing: Standing, greeting: Mapping[str, Any]) -> None:
        # Nothing is suspended since the caller was found good: what they hang on is watched from that moment.
        self._let_in(self, standing)
        if standing.seconds is not None:
            self._expiry_timer = asyncio.get_running_loop().call_later(standing.seconds, self._expire)
        self._push(protocol.ack(greeting))

    def _subscribe(self, request: OperationRequest) -> None:
        if self.caller is None:
            raise ProtocolError(CloseCode.UNAUTHORIZED, "Unauthorized")
        if request.id in self._running:
            raise ProtocolError(CloseCode.DUPLICATE_ID, f"Subscriber for {request.id} already exists")
        if len(self._running) >= self._limits.operations:
            self._push(protocol.error(request.id, [self._too_many()]))
            return
        self._running[request.id] = asyncio.create_task(self._operate(self.caller, request))

    async def _complete(self, operation_id: str) -> None:
        task = self._running.get(operation_id)
        if task is not None:
            # Not reading on until it has ended keeps a client from piling up operations that are still unwinding.
            task.cancel()
            await asyncio.wait({task})
            self._running.pop(operation_id, None)

    async def _operate(self, caller: Caller, request: OperationRequest) -> None:
        head = protocol.next_head(request.id)
        try:
            async with aclosing(self._operations.start(caller, request)) as payloads:
                async for payload in payloads:
                    if isinstance(payload, Attention):
                        self._attend(request.id, payload.seconds)
                    else:
                        await self._outbox.send(protocol.next_frame(head, payload))
            end = protocol.complete(request.id)
        except OperationError as failed:
            end = protocol.error(request.id, failed.errors)
        except Exception:  # a fault in one operation ends that operation only
            log.exception("An operation failed.")
            end = protocol.error(request.id, [INTERNAL])
        finally:
            self._attention.pop(request.id, None)
        await self._outbox.send(end)
        # Nothing is suspended in between: when the client sees the end, its id is free.
        self._running.pop(request.id, None)

    def _too_many(self) -> Mapping[str, Any]:
        message = f"At most {self._limits.operations} operations run on a socket."
        return {"message": message, "extensions": {"code": OperationCode.TOO_MANY_OPERATIONS}}

    def _push(self, frame: bytes) -> None:
        if not self._outbox.push(frame):
            self.close(_TOO_SLOW.code, _TOO_SLOW.reason)

    def _init_is_late(self) -> None:
        self.close(CloseCode.INIT_TIMEOUT, "Connection initialisation timeout")

    def _expire(self) -> None:
        self.close(CloseCode.FORBIDDEN, "What let you in has expired")

    def _attend(self, operation_id: str, seconds: float) -> None:
        self._attention[operation_id] = seconds
        self._ping_timer.cancel()
        self._ping_timer = asyncio.get_running_loop().call_later(self._pause(), self._ping)

    def _ping(self) -> None:
        if not self._heard:
            self.close(CloseCode.SILENT, "No answer to our ping")
            return
        self._heard = False
        self._push(protocol.PING)
        self._ping_timer = asyncio.get_running_loop().call_later(self._pause(), self._ping)

    def _pause(self) -> float:
        return min([self._limits.ping_seconds, *self._attention.values()])


_SMALL, _REST = 16 * 1024, 9
"""Bytes that are read in no time; and for how many times as long as it took to read more the client then waits."""
_TOO_SLOW = Closing(CloseCode.TOO_SLOW, "Read faster, or ask for less; then come back")
