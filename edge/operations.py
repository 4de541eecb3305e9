"""GraphQL over websockets: the application side of `live/`'s transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from time import monotonic
from typing import Any

import orjson
from graphql import OperationType
from starlette.requests import HTTPConnection

from domain.errors import DomainError, ProblemCode
from domain.throttling import network_of
from domain.traces import Kind, Span, within
from edge import cookies, maintenance
from edge.graphql import answer
from edge.guests import Guest
from edge.history import EventHistory
from edge.leaving import brought_to_its_end
from edge.rights import Rights
from edge.services import Services, bearer
from edge.spending import shown
from live.feed import Listening, Resync, feed
from live.message import Message
from live.operations import Attention, OperationError, OperationRequest, RefusedError
from live.ties import Doubt, Standing
from models.database import OUTAGES
from plan.requests import Answer, Operation, Request, RequestRefused
from resolvers.caller import Caller, Following, require_scope
from schema.context import Context
from schema.fields import SubscriptionField

SOCKETS = "/graphql"
RECHECK_SECONDS, SELDOM_SECONDS = 5, 30
"""How long a subscription may go on before its caller's rights are looked at again though nothing gives a doubt: while
Redis is away, and while every change of rights is told to us (this is then for what no event tells)."""

ATTENTION = Attention(seconds=3.5)
"""Who is seen to be there is asked for a sign of life this often: the silent are gone within 7 s, and others hear of it
within 10."""
Told = Message | Resync | Listening


class SocketOperations:
    """Runs what clients ask over sockets."""

    def __init__(self, services: Services, rights: Rights) -> None:
        self._services = services
        self._rights = rights
        self._history = EventHistory()

    async def connect(self, connection: HTTPConnection, params: Mapping[str, Any]) -> Guest:
        """By the token of `connection_init`, or the cookie where the page's origin is trusted."""
        given = {str(name).lower(): value for name, value in params.items()}
        written = given.get("authorization", given.get("token"))
        token = (bearer(written) or written) if isinstance(written, str) else None
        if token is None and (cookie := cookies.session(connection.scope)):
            if not self._services.trusts(connection.headers.get("origin")):
                raise RefusedError("This origin may not use the cookie")
            token = cookie
        language = given.get("acceptlanguage")
        caller = await self._caller(connection, token, language if isinstance(language, str) else None)
        if token and not caller.viewer.signed_in:
            raise RefusedError("The session has ended")
        return Guest(caller, token)

    def standing(self, caller: Guest) -> Standing:
        """See `live.operations.Operations`."""
        return caller.standing()

    def greeting(self, caller: Guest) -> Mapping[str, Any]:
        """See `live.operations.Operations`: in which language they are answered."""
        return {"locale": caller.caller.locale}

    async def start(self, guest: Guest, request: OperationRequest) -> AsyncGenerator[bytes | Attention, None]:
        """See `live.operations.Operations`."""
        asked = Request(request.query, request.operation_name, request.variables, request.extensions)
        who = network_of(guest.caller.address)
        try:
            with self._services.pacing.of(who):
                operation = await self._services.documents.operation(asked)
            maintenance.require_open(self._services, operation, lambda: guest.caller.locale)
            if operation.kind is OperationType.SUBSCRIPTION:
                self._services.spending.pay(guest.caller, operation.nodes)
                with self._services.pacing.of(who):
                    subscription = Subscription(self._services, self._rights, self._history, guest, operation)
                async with aclosing(subscription.events()) as events:
                    if subscription.is_seen:
                        yield ATTENTION
                    async for event in events:
                        yield event
            else:
                yield await self._answered(guest, operation)
        except RequestRefused as refused:
            raise OperationError(refused.answer()["errors"]) from refused
        except (DomainError, OSError, *OUTAGES) as error:
            context = self._services.context(guest.caller)
            raise OperationError(self._services.engine.failed(error, context)["errors"]) from error

    async def _answered(self, guest: Guest, operation: Operation) -> bytes:
        """The one answer of a query or mutation."""
        parent = operation.request.extensions.get("traceparent")
        asked = {"network.protocol.name": "websocket", "http.route": SOCKETS}
        span = self._services.tracer.begin(f"websocket {SOCKETS}", Kind.SERVER, asked, parent=parent, stranger=True)
        with within(span), self._services.pacing.of(network_of(guest.caller.address)):
            once = self._services.once(operation)
            current = await guest.still(self._services, once)
            balance = self._services.spending.pay(current, operation.nodes)
            answering = answer(self._services, operation, self._services.context(current, once))
            is_query = operation.kind is OperationType.QUERY
            found = await (answering if is_query else brought_to_its_end(answering))
            found.setdefault("extensions", {})["cost"] = shown(balance)
            return orjson.dumps(found)

    async def _caller(self, connection: HTTPConnection, token: str | None, language: str | None) -> Caller:
        while True:
            heard = self._rights.heard
            caller = await self._services.caller(connection.scope, token, language=language)
            # A session that ended while it was looked at is missed by who ends its sockets: this is none of them yet.
            if heard == self._rights.heard:
                return caller


class Subscription:
    """One running subscription."""

    def __init__(
        self, services: Services, rights: Rights, history: EventHistory, guest: Guest, operation: Operation
    ) -> None:
        self._services = services
        self._rights = rights
        self._history = history
        self._guest = guest
        self._operation = operation
        self._field: SubscriptionField
        self._field, self._arguments = services.engine.root_call(operation)
        self._caller = guest.caller
        self._checked = monotonic()
        self._doubt: Doubt
        self._following: Following

    @property
    def is_seen(self) -> bool:
        """Whether others see by it that its client is there."""
        return self._field.attending is not None

    async def events(self) -> AsyncGenerator[bytes, None]:
        """The payloads, encoded; ends when nothing more will come.

        Raises DomainError when the right to it is lost, BudgetSpent when an event cannot be paid.
        """
        heard = self._rights.heard
        with self._rights.doubting(f"user:{self._caller.viewer.user_id}") as self._doubt:
            following = await self._permitted()
            if following.team_id is not None:
                self._rights.tie(self._doubt, f"team:{following.team_id}", heard=heard)
            begin = self._field.state_first
            after = self._services.hub.position if begin else _last_event_id(self._operation.request.extensions)
            async with (
                self._attending(),
                aclosing(feed(self._services.hub, self._history, following.topics, after, begin=begin)) as heard_of,
                aclosing(self._wanted(heard_of)) as messages,
            ):
                async for message in self._while_permitted(messages):
                    if not self._wants(message):  # any more: their role is another
                        continue
                    is_news = _is_event(message) or isinstance(message, Listening)
                    ended = is_news and await self._ended()  # before telling: what is told then is sure to be the end
                    yield await self._told(message)
                    if ended:
                        return

    def _attending(self) -> AbstractAsyncContextManager[None]:
        """What is open as long as the subscription runs."""
        if self._field.attending is None:
            return nullcontext()
        return self._field.attending(self._context(), **self._arguments)

    async def _wanted(self, messages: AsyncGenerator[Told, None]) -> AsyncGenerator[Told, None]:
        """Those that the subscription tells of: nothing is looked at for the others."""
        async for message in messages:
            if self._wants(message):
                yield message

    def _wants(self, message: Told) -> bool:
        if not isinstance(message, Message):
            return True
        only = self._following.only
        return self._field.wants(message) and (only is None or message.body["type"] in only)

    async def _while_permitted(self, messages: AsyncGenerator[Told, None]) -> AsyncIterator[Told]:
        """The messages, as long as the caller may hear them: looked at before each event, and at each doubt."""
        arriving: asyncio.Future[Told | None] | None = None
        try:
            while True:
                arriving = arriving or asyncio.ensure_future(anext(messages, None))
                awaited: set[asyncio.Future[Any]] = {arriving, self._doubt.raised}
                done, _ = await asyncio.wait(awaited, timeout=RECHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                message = arriving.result() if arriving in done else None
                if self._doubt.raised.done() or _is_event(message) or self._is_overdue(silent=not done):
                    await self._permitted()
                if arriving in done:  # not if it has arrived only while the caller was looked at
                    if message is None:
                        return
                    arriving = None
                    yield message
        finally:
            if arriving is not None:
                arriving.cancel()
                await asyncio.wait({arriving})

    def _is_overdue(self, *, silent: bool) -> bool:
        age, told = monotonic() - self._checked, self._services.hub.connected
        return age > (SELDOM_SECONDS if told else RECHECK_SECONDS) or (silent and not told)

    async def _permitted(self) -> Following:
        self._doubt.settle()
        caller = await self._guest.still(self._services)
        require_scope(caller, self._field.action)
        self._caller = caller._replace(action=self._field.action)
        self._checked = monotonic()
        self._following = await self._field.topics(self._context(), **self._arguments)
        return self._following

    async def _ended(self) -> bool:
        return self._field.ended is not None and await self._field.ended(self._context(), **self._arguments)

    async def _told(self, message: Told) -> bytes:
        if isinstance(message, Resync):
            return orjson.dumps({"data": None, "extensions": {"resync": True, "eventId": message.position}})
        event = message if isinstance(message, Message) else None  # None for the beginning, which is paid
        if event is not None:
            self._services.spending.pay_event(self._caller, self._operation.nodes)
        effort = self._services.pacing.of(network_of(self._caller.address))
        with effort, within(self._span(event)), self._services.watch.over(self._operation) as watched:
            told: Answer = await self._services.run(self._operation, self._context(), event)
            if watched is not None:
                watched.answered(told)
        if event is not None and event.position is not None:
            told.setdefault("extensions", {})["eventId"] = event.position
        return orjson.dumps(told)

    def _span(self, message: Message | None) -> Span | None:
        """Of an event that is traced: it goes on here, up to each who hears of it."""
        if message is None or message.traceparent is None:
            return None
        heard = {"messaging.operation.type": "process", "messaging.destination.name": "live"}
        return self._services.tracer.begin("live", Kind.CONSUMER, heard, parent=message.traceparent)

    def _context(self) -> Context:
        return self._services.context(self._caller)


def _is_event(message: Told | None) -> bool:
    return isinstance(message, Message) and message.position is not None


def _last_event_id(extensions: Mapping[str, Any]) -> int | None:
    given = extensions.get("lastEventId")
    if given is None:
        return None
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 19:
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < 2**63:
        raise OperationError(
            [{"message": "`lastEventId` must be an eventId.", "extensions": {"code": ProblemCode.INVALID}}]
        )
    return given
