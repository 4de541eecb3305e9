"""Whether those who sit in rooms may still: of one person by looking, of many by one statement for all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable, Iterable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

from domain.errors import DomainError
from edge.companies import Companies
from edge.guests import lost_credentials
from edge.services import Services
from edge.showing import Follower, Showing, Subscription
from i18n import closest
from live.rooms import Room, Rooms
from live.seats import Seat
from models.teams import places_of
from resolvers.caller import Caller, Following, require_scope

if TYPE_CHECKING:
    from uuid import UUID

    from domain.permissions import Role
    from edge.guests import Guest

log = logging.getLogger(__name__)
RECHECK_SECONDS, SELDOM_SECONDS = 5, 30
"""How long somebody may follow before their rights are looked at again though nothing gives a doubt: while Redis is
away, and while every change of rights is told to us (this is then for what no event tells)."""
AT_ONCE = 10
"""People who are looked at one by one at the same time."""
TICK_SECONDS = 0.5
_BREATH_SECONDS = 0.05
"""The most that lies between two rooms, of those that are looked at without a doubt."""


class Reviews:
    """Looks at rights, and has seats kept, moved to another room, or ended."""

    def __init__(self, services: Services, rooms: Rooms[Follower]) -> None:
        self._services = services
        self._rooms = rooms
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._companies = Companies()

    async def permitted(self, guest: Guest, subscription: Subscription) -> tuple[Caller, Following]:
        """The caller with today's rights, and what they may follow; DomainError where they may not."""
        services, field = self._services, subscription.field
        caller = await guest.still(services)
        require_scope(caller, field.action)
        caller = caller._replace(action=field.action)
        return caller, await field.topics(services.context(caller), **subscription.arguments)

    def room(self, caller: Caller, subscription: Subscription, following: Following) -> Room[Follower]:
        """Where those sit who may be told the same."""

        def showing() -> Showing:
            return Showing(self._services, self, subscription, caller, following)

        return self._rooms.room(subscription.key(caller, following), showing)

    async def review(self, seats: Sequence[Seat[Follower]]) -> None:
        """Looks at all of them; those who lose the right are told so, and why."""
        for group in _together(seats):
            await self._review(group)

    async def standing(self, seat: Seat[Follower], team_id: UUID, role: Role) -> Hashable:
        """Who has a role in a team, in a form that is another when it is others; None where one of them may not follow.

        What is followed is the same for all of them, and may be gone.
        """
        subscription, caller = seat.guest.subscription, seat.guest.guest.caller
        context = self._services.context(caller._replace(action=subscription.field.action))
        followed = subscription.field.topics(context, **subscription.arguments)
        try:
            _, company = await asyncio.gather(followed, self.company(team_id, role))
        except DomainError:
            return None
        return company

    async def company(self, team_id: UUID, role: Role) -> Hashable:
        """Who has a role in a team, in a form that is another when it is others."""
        return await self._companies.of(team_id, role)

    async def keep_looking(self) -> NoReturn:
        """Looks from time to time at everybody, doubt or not, for as long as the process runs."""
        connected_at = monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self._services.hub.connected and monotonic() - connected_at < RECHECK_SECONDS:
                continue  # what is looked at seldom need not be looked for often
            connected_at = monotonic()
            due = [seat for seat in self._rooms.seats if self._is_due(seat.guest)]
            try:
                await self.go_round(due)
            except Exception:  # whatever it was, it must be looked again
                log.warning("rights could not be looked at", exc_info=True)

    async def go_round(self, seats: Sequence[Seat[Follower]]) -> None:
        """Looks at all of them, one room after the other, at ease while nothing gives a doubt.

        Whoever is told something would otherwise wait for thousands of rooms that are due at the same time, since those
        who sit there came together. Those in whose room it fails are due again in the next round.
        """
        rooms, faults = _together(seats), list[Exception]()
        for room in rooms:
            looks_at = monotonic()
            if fault := await self._fault_in(room):
                faults.append(fault)
            if self._services.hub.connected:
                ease = min(_BREATH_SECONDS, RECHECK_SECONDS / len(rooms))
                await asyncio.sleep(max(0.0, ease - (monotonic() - looks_at)))
        if faults:  # one line for all: while the database is away it fails in thousands
            log.warning("rights could not be looked at in %d of %d rooms", len(faults), len(rooms), exc_info=faults[0])

    async def _fault_in(self, room: Sequence[Seat[Follower]]) -> Exception | None:
        """Looks at all in a room, by the rights that they have by now: some may have left, or moved."""
        try:
            await self.review(room)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it costs no other room its look
            return fault
        return None

    def _is_due(self, follower: Follower) -> bool:
        """What is in no team hangs on the session alone, or on a row that is the person's own: of both we are told."""
        often = RECHECK_SECONDS - 2 * TICK_SECONDS
        age = monotonic() - follower.looked_at
        if not self._services.hub.connected:
            return age > often
        seldom = SELDOM_SECONDS - 2 * RECHECK_SECONDS  # for when it is looked at last: the next round, at its end
        return age > seldom and follower.following.team_id is not None

    async def _review(self, seats: Sequence[Seat[Follower]]) -> None:
        """Looks at some who follow the same by the same right: where one of them still may, so may all who have it."""
        looked_after = {seat: seat.doubts for seat in seats}
        alike = await self._who_stand_as_before(seats) if len(seats) > 1 else []
        if alike and await self._looked_at(alike[0], looked_after[alike[0]]):
            for seat in alike:
                seat.guest.looked_at = monotonic()
                seat.keep(looked_after[seat])
        else:
            alike = alike[:1]
        others = looked_after.keys() - set(alike)
        await asyncio.gather(*[self._looked_at(seat, looked_after[seat]) for seat in others])

    async def _who_stand_as_before(self, seats: Sequence[Seat[Follower]]) -> list[Seat[Follower]]:
        """Those who have the same role in the same team, read the same language, and whose session has not ended."""
        team_id = seats[0].guest.following.team_id
        people = {seat: seat.guest.guest.caller for seat in seats}
        places = await places_of(team_id, {caller.viewer.user_id for caller in people.values()}) if team_id else {}
        lost = await lost_credentials(people.values(), self._services.clock())
        return [
            seat
            for seat, caller in people.items()
            if caller.credential_id not in lost
            and (place := places.get(caller.viewer.user_id)) is not None
            and place.role == seat.guest.following.role
            and (closest(place.locale) or caller.asked_locale) == seat.guest.locale
        ]

    async def _looked_at(self, seat: Seat[Follower], doubts: int) -> bool:
        """Looks at one; whether all is as it was."""
        follower = seat.guest
        async with self._turns:
            if seat.room is None:
                return False
            try:
                caller, following = await self.permitted(follower.guest, follower.subscription)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is about this seat alone
                context = self._services.context(follower.guest.caller)
                seat.end(self._services.engine.failed(error, context)["errors"])
                return False
        return self._seated_anew(seat, caller, following, doubts)

    def _seated_anew(self, seat: Seat[Follower], caller: Caller, following: Following, doubts: int) -> bool:
        """Keeps the seat where it is, or moves it to where what its holder may see now is told."""
        follower = seat.guest
        if seat.room is None:
            return False
        key = follower.subscription.key(caller, following)
        follower.looked_at = monotonic()
        if key == follower.key:
            seat.keep(doubts)
            return True
        follower.key, follower.following, follower.locale = key, following, caller.locale
        seat.move(self.room(caller, follower.subscription, following), doubts)
        return False


def _together(seats: Iterable[Seat[Follower]]) -> list[list[Seat[Follower]]]:
    """By what is followed, and by which right."""
    groups = dict[Hashable, list[Seat[Follower]]]()
    for seat in seats:
        if seat.room is not None:
            about, name = seat.guest.following, seat.guest.subscription.field.name
            groups.setdefault((name, *about.topics, about.team_id, about.role), []).append(seat)
    return list(groups.values())
