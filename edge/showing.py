"""What a room of subscribers is told: an operation, run as all of them or, where it is personal, as one of them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import orjson
from structlog.contextvars import bound_contextvars

from domain.comments import is_kept_back
from domain.errors import DomainError
from domain.events import CommentVisibilityChanged
from domain.ids import new_label
from domain.traces import Kind, Span, within
from domain.viewers import ScopeViewer, Viewer
from edge.services import Services
from live.feed import Resync
from live.message import Message
from live.operations import OperationError
from live.seats import Seat
from models.database import OUTAGES
from models.threads import kept_back
from plan import Depends
from plan.requests import Answer, Operation, RequestRefused
from plan.variables import in_one_form
from resolvers.caller import Caller, Following
from schema.context import Context
from schema.fields import SubscriptionField

if TYPE_CHECKING:
    from edge.guests import Guest
    from edge.reviews import Reviews


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as it was asked for: the same for all in a room."""

    operation: Operation
    field: SubscriptionField
    arguments: Mapping[str, Any]
    depends: Depends
    asked: bytes
    """Its variables, in one form."""

    @classmethod
    def of(cls, services: Services, operation: Operation) -> Subscription:
        """RequestRefused where its variables are not of their types."""
        field, arguments = services.engine.root_call(operation)
        asked = in_one_form(operation.node, operation.request.variables)
        return cls(operation, field, arguments, services.engine.depends(operation), asked)

    def key(self, caller: Caller, following: Following) -> Hashable:
        """Equal for those among whom nothing that they are told can differ."""
        request = self.operation.request
        scopes = None if caller.scopes is None else frozenset(caller.scopes)
        only = None if following.only is None else frozenset(following.only)
        asked = (request.query, request.operation_name, self.asked, caller.locale)
        return *asked, scopes, only, following.inside, self.asker(caller, following)

    def asker(self, caller: Caller, following: Following) -> tuple[Any, ...]:
        """As whom it is run: whoever has the role, or the very person."""
        if self.depends is Depends.PERSON or following.team_id is None or following.role is None:
            return caller.viewer, caller.api_key_id
        return (ScopeViewer(following.team_id, following.role),)


@dataclass(slots=True, eq=False)
class Follower:
    """Who sits in a room, and what the place hangs on."""

    guest: Guest
    subscription: Subscription
    following: Following
    key: Hashable
    locale: str
    payer: Hashable
    looked_at: float
    """When, by the monotonic clock, the right was last looked at."""


class Showing:
    """The application's part of a room: `live.rooms.Play`."""

    def __init__(
        self, services: Services, reviews: Reviews, subscription: Subscription, caller: Caller, following: Following
    ) -> None:
        self._services = services
        self._reviews = reviews
        self.subscription = subscription
        asker = subscription.asker(caller, following)[0]
        self._caller = _as(caller, asker)
        self._company = (asker.team_id, asker.role) if isinstance(asker, ScopeViewer) else None
        self._standing: Hashable = None
        self._only = following.only
        self._inside = following.inside
        self.topics: Collection[str] = tuple(following.topics)

    @property
    def state_first(self) -> bool:
        """See `Play`."""
        return self.subscription.field.state_first

    def wants(self, message: Message) -> bool:
        """See `Play`."""
        if is_kept_back(message.body.get("payload") or {}) and not self._inside:
            return False
        return self.subscription.field.wants(message) and (self._only is None or message.body["type"] in self._only)

    async def still(self, messages: Sequence[Message]) -> Sequence[Message]:
        """See `Play`. What is team-only by now was perhaps told to everybody then: that it is, is told alone."""
        wanted = [message for message in messages if self.wants(message)]
        if self._inside:
            return wanted
        named = [_named(message) for message in wanted]
        with self._failing():
            hidden = await kept_back(set().union(*named)) if any(named) else set()
        return [message for message, about in zip(wanted, named, strict=True) if not about & hidden]

    async def state(self) -> Message | None:
        """See `Play`."""
        find = self.subscription.field.state
        if find is None:
            return None
        with bound_contextvars(request_id=new_label()), self._failing():
            return await find(self._context(), **self.subscription.arguments)

    async def tell(self, happening: Message | Resync | None) -> tuple[bytes, bool]:
        """See `Play`; None is the beginning."""
        if isinstance(happening, Resync):
            return orjson.dumps({"data": None, "extensions": {"resync": True, "eventId": happening.position}}), False
        with bound_contextvars(request_id=new_label()), self._failing():
            # Before it is told: what is told then is sure to be the end.
            last = (happening is None or happening.position is not None) and await self._has_ended()
            return await self._told(happening), last

    def charge(self, guest: Follower) -> None:
        """See `Play`."""
        try:
            self._services.spending.pay_event(guest.payer, self.subscription.operation.nodes, self._caller.locale)
        except RequestRefused as refused:
            raise OperationError(refused.answer()["errors"]) from refused

    async def settle(self) -> None:
        """To be called when a seat is taken. Who has the role now is compared, at each event, with who has it then.

        Without this the first event of each room would have everybody in it looked at.
        """
        if self._company is not None and self._standing is None:
            who = await self._reviews.company(*self._company)
            self._standing = self._standing or who

    async def stands(self, seats: Sequence[Seat[Follower]]) -> bool:
        """See `Play`. Of a whole role by who has it, which is one statement; of a person by looking at them."""
        if self._company is None:
            return False
        with self._failing():
            before, self._standing = self._standing, await self._reviews.standing(seats[0], *self._company)
        return before is not None and before == self._standing

    async def review(self, seats: Sequence[Seat[Follower]]) -> None:
        """See `Play`."""
        with self._failing():
            await self._reviews.review(seats)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Tells clients what has failed, as far as that is theirs to know."""
        try:
            yield
        except RequestRefused as refused:
            raise OperationError(refused.answer()["errors"]) from refused
        except (DomainError, OSError, *OUTAGES) as error:
            raise OperationError(self._services.engine.failed(error, self._context())["errors"]) from error

    async def _has_ended(self) -> bool:
        ended = self.subscription.field.ended
        return ended is not None and await ended(self._context(), **self.subscription.arguments)

    async def _told(self, message: Message | None) -> bytes:
        services, operation = self._services, self.subscription.operation
        with within(self._span(message)), services.watch.over(operation) as watched:
            told: Answer = await services.run(operation, self._context(), message)
            if watched is not None:
                watched.answered(told)
        if message is not None and message.position is not None:
            told.setdefault("extensions", {})["eventId"] = message.position
        return orjson.dumps(told)

    def _span(self, message: Message | None) -> Span | None:
        """Of an event that is traced: it goes on here, up to all who hear of it together."""
        if message is None or message.traceparent is None:
            return None
        heard = {"messaging.operation.type": "process", "messaging.destination.name": "live"}
        return self._services.tracer.begin("live", Kind.CONSUMER, heard, parent=message.traceparent)

    def _context(self) -> Context:
        return self._services.context(self._caller)


def _named(message: Message) -> set[UUID]:
    """What may be team-only, of that which an event tells of; nothing where it says just that."""
    if message.body["type"] == CommentVisibilityChanged.type:
        return set()
    payload = message.body["payload"]
    return {UUID(payload[noun]) for noun in ("comment_id", "upload_id", "job_id") if payload.get(noun)}


def _as(caller: Caller, viewer: Viewer | ScopeViewer) -> Caller:
    """The caller; for several people, one that knows of none of them: what asks for a person fails."""
    if isinstance(viewer, Viewer):
        return caller
    nobody: dict[str, Any] = {"device": "", "address": "", "device_token": None, "api_key_id": None}
    return caller._replace(viewer=cast("Viewer", viewer), written=0, expires_at=None, **nobody)
