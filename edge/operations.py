"""GraphQL over websockets: the application side of `live/`'s transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, aclosing
from time import monotonic
from typing import Any

import orjson
from graphql import OperationType
from starlette.requests import HTTPConnection

from domain.errors import DomainError, ProblemCode
from domain.throttling import network_of
from domain.traces import Kind, within
from edge import cookies, maintenance
from edge.graphql import answer
from edge.guests import Guest
from edge.leaving import brought_to_its_end
from edge.reviews import Reviews
from edge.rights import Rights
from edge.services import Services, bearer
from edge.showing import Follower, Showing, Subscription
from edge.spending import shown
from live.operations import Attention, OperationError, OperationRequest, RefusedError
from live.rooms import Room
from live.seats import Seat, Told
from live.ties import Standing
from models.database import OUTAGES
from plan.requests import Operation, Request, RequestRefused
from resolvers.caller import Caller, Following

SOCKETS = "/graphql"
ENTERING = 20
"""Subscribers who are let in at a time. When thousands come back at once they wait for each other here, not for a
connection to the database, which would give some of them up."""
ATTENTION = Attention(seconds=3.5)
"""Who is seen to be there is asked for a sign of life this often: the silent are gone within 7 s, and others hear of it
within 10."""
Answered = bytes | Attention | Seat[Follower]


class SocketOperations:
    """Runs what clients ask over sockets."""

    def __init__(self, services: Services, rights: Rights, reviews: Reviews) -> None:
        self._services = services
        self._rights = rights
        self._reviews = reviews
        self._entrance = asyncio.Semaphore(ENTERING)

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
        """See `live.operations.Operations`: in which language they are answered, and if nothing can be told."""
        return {"locale": caller.caller.locale} | ({} if self._services.hub.connected else {"live": False})

    async def start(self, guest: Guest, request: OperationRequest) -> AsyncGenerator[Answered, None]:
        """See `live.operations.Operations`."""
        asked = Request(request.query, request.operation_name, request.variables, request.extensions)
        try:
            with self._services.pacing.of(network_of(guest.caller.address)):
                operation = await self._services.documents.operation(asked)
            maintenance.require_open(self._services, operation, lambda: guest.caller.locale)
            if operation.kind is OperationType.SUBSCRIPTION:
                async with aclosing(self._followed(guest, operation)) as following:
                    async for told in following:
                        yield told
            else:
                yield await self._answered(guest, operation)
        except RequestRefused as refused:
            raise OperationError(refused.answer()["errors"]) from refused
        except (DomainError, OSError, *OUTAGES) as error:
            context = self._services.context(guest.caller)
            raise OperationError(self._services.engine.failed(error, context)["errors"]) from error

    async def _followed(self, guest: Guest, operation: Operation) -> AsyncGenerator[Answered, None]:
        """A seat in the room where what happens is told; where a subscription begins with a state, that before."""
        services, heard = self._services, self._rights.heard
        services.spending.pay(guest.caller, operation.nodes)
        with services.pacing.of(network_of(guest.caller.address)):
            subscription = Subscription.of(services, operation)
            await services.engine.prepare(operation)
        async with self._entrance:
            caller, following = await self._reviews.permitted(guest, subscription)
        begins = subscription.field.state_first
        after = None if begins else _last_event_id(operation.request.extensions)
        room = self._reviews.room(caller, subscription, following)
        seat = self._seat(guest, room, caller, following, after)
        self._rights.tie(seat, self._names(guest, following), heard=heard)
        try:
            await _settled(room)
            if self._attends(seat, caller, subscription):
                yield ATTENTION
            begun = await _begun(seat) if begins else None
            if begun is not None:
                seat.begin(begun)
                yield begun.payload
                if begun.last:
                    return
            yield seat
        finally:
            if not seat.is_taken:
                seat.leave()

    def _attends(self, seat: Seat[Follower], caller: Caller, subscription: Subscription) -> bool:
        """Whether others see by the seat that its client is there: then they do from now on, until it is left."""
        attending = subscription.field.attending
        if attending is None:
            return False
        there = ExitStack()
        there.enter_context(attending(self._services.context(caller), **subscription.arguments))
        seat.upon_leaving(lambda _: there.close())
        return True

    def _seat(
        self, guest: Guest, room: Room[Follower], caller: Caller, following: Following, after: int | None
    ) -> Seat[Follower]:
        assert isinstance(room.play, Showing), "it is we who open rooms"
        payer = self._services.spending.payer_of_events(caller)
        shared = room.play.subscription  # not one more for each who asks the same
        return room.enter(Follower(guest, shared, following, room.key, caller.locale, payer, monotonic()), after)

    def _names(self, guest: Guest, following: Following) -> list[str]:
        """What the seat hangs on."""
        places = {"team": following.team_id, "video": following.video_id}
        return [*guest.standing().names, *[f"{noun}:{row_id}" for noun, row_id in places.items() if row_id is not None]]

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


async def _settled(room: Room[Follower]) -> None:
    assert isinstance(room.play, Showing), "it is we who open rooms"
    await room.play.settle()


async def _begun(seat: Seat[Follower]) -> Told | None:
    """The state; None for who has lost the right by the time at which it was made."""
    while (room := seat.room) is not None:
        begun = await room.beginning()
        if await seat.is_confirmed() and seat.room is room:
            return begun
    return None


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
