"""GraphQL over websockets: the application side of `live/`'s transport."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, NoReturn

import orjson
from graphql import OperationType
from starlette.requests import HTTPConnection

from domain.errors import DomainError
from edge import cookies
from edge.graphql import answer
from edge.history import EventHistory
from edge.services import Services, bearer
from live.feed import Resync, feed
from live.message import Message
from live.operations import OperationError, OperationRequest, RefusedError
from live.transport import Transport
from models.database import OUTAGES
from plan.requests import Answer, Operation, Request, RequestRefused
from resolvers.accounts import lost_sessions
from resolvers.caller import Caller
from schema.context import Context
from schema.fields import SubscriptionField

log = logging.getLogger(__name__)
RECHECK_SECONDS = 5
"""How long a subscription may go on at most before its caller's rights are looked at again."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Who is behind a socket, and the token that says so."""

    caller: Caller
    token: str | None


class SocketOperations:
    """Runs what clients ask over sockets."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._history = EventHistory()

    async def connect(self, connection: HTTPConnection, params: Mapping[str, Any]) -> Guest:
        """By the token of `connection_init`, or the cookie where the page's origin is trusted."""
        given = {str(name).lower(): value for name, value in params.items()}
        written = given.get("authorization", given.get("token"))
        token = (bearer(written) or written) if isinstance(written, str) else None
        if token is None and (cookie := connection.cookies.get(cookies.NAME)):
            if not self._services.trusts(connection.headers.get("origin")):
                raise RefusedError("This origin may not use the cookie")
            token = cookie
        caller = await self._services.caller(connection.scope, token)
        if token and not caller.viewer.signed_in:
            raise RefusedError("The session has ended")
        return Guest(caller, token)

    async def start(self, guest: Guest, request: OperationRequest) -> AsyncGenerator[bytes, None]:
        """See `live.operations.Operations`."""
        asked = Request(request.query, request.operation_name, request.variables, request.extensions)
        try:
            operation = self._services.engine.operation(asked)
            if operation.kind is OperationType.SUBSCRIPTION:
                subscription = Subscription(self._services, self._history, guest, operation)
                async with aclosing(subscription.events()) as events:
                    async for event in events:
                        yield event
            else:
                current = await self._services.still(guest.caller, guest.token)
                context = self._services.context(current)
                yield orjson.dumps(await answer(self._services, operation, context))
        except RequestRefused as refused:
            raise OperationError(refused.answer()["errors"]) from refused
        except (DomainError, OSError, *OUTAGES) as error:
            context = self._services.context(guest.caller)
            raise OperationError(self._services.engine.failed(error, context)["errors"]) from error


async def end_lost_sessions(transport: Transport[Guest], services: Services) -> NoReturn:
    """Closes the sockets of sessions that have ended, within seconds, for as long as the process runs."""
    while True:
        await asyncio.sleep(RECHECK_SECONDS)
        sessions = {guest.caller.viewer.session_id for guest in transport.callers if guest.token}
        try:
            lost = await lost_sessions(sessions, services.clock())
        except Exception:
            log.warning("sessions could not be looked at", exc_info=True)
            continue
        transport.end(lambda guest: guest.caller.viewer.session_id in lost, "The session has ended")  # noqa: B023


class Subscription:
    """One running subscription."""

    def __init__(self, services: Services, history: EventHistory, guest: Guest, operation: Operation) -> None:
        self._services = services
        self._history = history
        self._guest = guest
        self._operation = operation
        self._field: SubscriptionField
        self._field, self._arguments = services.engine.root_call(operation)
        self._caller = guest.caller
        self._checked = monotonic()

    async def events(self) -> AsyncGenerator[bytes, None]:
        """The payloads, encoded; ends when nothing more will come, raises DomainError when the right to it is lost."""
        topics = await self._permitted()
        after = _last_event_id(self._operation.request.extensions)
        if self._field.state_first:
            after = self._services.hub.position
            ended = await self._ended()  # before telling: what is told then is sure to be the end
            yield await self._told(None)
            if ended:
                return
        async with aclosing(feed(self._services.hub, self._history, topics, after)) as messages:
            async for message in self._while_permitted(messages):
                ended = _is_event(message) and await self._ended()
                yield await self._told(message)
                if ended:
                    return

    async def _while_permitted(
        self, messages: AsyncGenerator[Message | Resync, None]
    ) -> AsyncIterator[Message | Resync]:
        """The messages, as long as the caller may hear them: looked at before each event, and every few seconds."""
        arriving: asyncio.Future[Message | Resync | None] | None = None
        try:
            while True:
                arriving = arriving or asyncio.ensure_future(anext(messages, None))
                await asyncio.wait({arriving}, timeout=RECHECK_SECONDS)
                message = arriving.result() if arriving.done() else None
                if message is None or _is_event(message) or monotonic() - self._checked > RECHECK_SECONDS:
                    await self._permitted()
                if message is not None:
                    arriving = None
                    yield message
                elif arriving.done():
                    return
        finally:
            if arriving is not None:
                arriving.cancel()
                await asyncio.wait({arriving})

    async def _permitted(self) -> list[str]:
        caller = await self._services.still(self._caller, self._guest.token)
        self._caller = replace(caller, action=self._field.action)
        self._checked = monotonic()
        return await self._field.topics(self._context(), **self._arguments)

    async def _ended(self) -> bool:
        return self._field.ended is not None and await self._field.ended(self._context(), **self._arguments)

    async def _told(self, message: Message | Resync | None) -> bytes:
        if isinstance(message, Resync):
            return orjson.dumps({"data": None, "extensions": {"resync": True, "eventId": message.position}})
        told: Answer = await self._services.run(self._operation, self._context(), message)
        if message is not None and message.position is not None:
            told.setdefault("extensions", {})["eventId"] = message.position
        return orjson.dumps(told)

    def _context(self) -> Context:
        return self._services.context(self._caller)


def _is_event(message: Message | Resync) -> bool:
    return isinstance(message, Message) and message.position is not None


def _last_event_id(extensions: Mapping[str, Any]) -> int | None:
    given = extensions.get("lastEventId")
    if given is None:
        return None
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 19:
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < 2**63:
        raise OperationError([{"message": "`lastEventId` must be an eventId.", "extensions": {"code": "INVALID"}}])
    return given
