"""Looking at rights: what fails for one concerns nobody else, and no failure is the end of it."""

import asyncio
import logging
from time import monotonic
from types import SimpleNamespace
from typing import Any, cast

import pytest

from domain.ids import new_id
from domain.permissions import Role
from domain.viewers import ScopeViewer
from edge import reviews as module
from edge.reviews import Reviews
from edge.showing import Showing
from live.rooms import Rooms
from resolvers.caller import Following
from tests.live.test_feed import World
from tests.live.test_rooms import Play
from tests.waiting import until


def follower(name: str, fault: Exception | None = None) -> Any:
    """Who follows something of this name; to look at them may be a fault of ours."""
    following, caller = Following([name], None), SimpleNamespace(scopes=None)
    caller._replace = lambda **_: caller

    async def still(_services: Any) -> Any:
        return caller

    async def topics(_context: Any) -> Following:
        if fault:
            raise fault
        return following

    field = SimpleNamespace(name="some", action="video:view", topics=topics)
    subscription = SimpleNamespace(field=field, arguments={}, key=lambda *_: "key")
    guest = SimpleNamespace(still=still, caller=caller)
    return SimpleNamespace(guest=guest, subscription=subscription, following=following, key="key", looked_at=0.0)


def services() -> Any:
    engine = SimpleNamespace(failed=lambda error, _context: {"errors": [{"message": repr(error)}]})
    return SimpleNamespace(engine=engine, context=lambda _caller: None, hub=SimpleNamespace(connected=False))


async def test_a_fault_in_looking_at_one_ends_them_alone() -> None:
    world = World(bound=3)
    rooms = Rooms[Any](world, world)
    play = Play(world)
    play.review = Reviews(services(), rooms).review
    room = rooms.room("key", lambda: play)
    people = [follower("first"), follower("second", ZeroDivisionError()), follower("third")]
    seats = [room.enter(person, None) for person in people]
    rooms.doubt(seats)
    await until(lambda: not rooms._reviews)
    assert [seat.room for seat in seats] == [room, None, room]
    for seat in seats:
        seat.leave()


async def test_the_first_event_of_a_room_has_nobody_looked_at_unless_others_have_the_role_by_then() -> None:
    company, asked = [(2, 7)], list[str]()

    async def who(*_: Any) -> Any:
        asked.append("company")
        return company[0]

    async def standing(*_: Any) -> Any:
        asked.append("standing")
        return company[0]

    caller = SimpleNamespace(_replace=lambda **_: None)
    asker = ScopeViewer(new_id(), Role.VIEWER)
    subscription: Any = SimpleNamespace(asker=lambda *_: (asker,))
    watch: Any = SimpleNamespace(company=who, standing=standing)
    showing = Showing(services(), watch, subscription, cast("Any", caller), Following(["a"], asker.team_id))
    for _ in range(2):
        await showing.settle()
    assert await showing.stands([cast("Any", None)])
    company[0] = (1, 8)
    assert not await showing.stands([cast("Any", None)])
    assert await showing.stands([cast("Any", None)])
    assert asked == ["company", "standing", "standing", "standing"]


@pytest.mark.parametrize(("connected", "at_ease"), [(True, 3), (False, 0)])
async def test_without_a_doubt_rooms_are_looked_at_one_by_one_and_at_ease_unless_it_is_urgent(
    monkeypatch: pytest.MonkeyPatch, connected: bool, at_ease: int
) -> None:
    paused, looks = list[float](), list[str]()

    async def pause(seconds: float) -> None:
        paused.append(seconds)

    async def review(seats: Any) -> None:
        looks.extend(seat.guest.following.topics[0] for seat in seats)

    world, served = World(bound=3), services()
    served.hub.connected = connected
    reviews = Reviews(served, Rooms[Any](world, world))
    monkeypatch.setattr(module.asyncio, "sleep", pause)
    monkeypatch.setattr(reviews, "_review", review)
    seats: Any = [SimpleNamespace(guest=follower(name), room="a room") for name in ("one", "two", "three", "two")]
    await reviews.go_round([*seats, SimpleNamespace(guest=follower("left"), room=None)])
    assert looks == ["one", "two", "two", "three"]
    assert len(paused) == at_ease
    assert all(0 < seconds <= module.RECHECK_SECONDS / 3 for seconds in paused)


async def test_who_moves_while_rooms_are_looked_at_at_ease_is_looked_at_by_the_right_that_they_have_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, served = World(bound=3), services()
    served.hub.connected = True
    reviews, looks = Reviews(served, Rooms[Any](world, world)), list[list[Any]]()
    waits, stays, moves, leaves = [
        SimpleNamespace(guest=follower(name), room="a room") for name in ("one", "two", "two", "two")
    ]

    async def pause(_seconds: float) -> None:
        moves.guest.following = Following(["two"], new_id(), role=Role.VIEWER)
        leaves.room = cast("Any", None)

    async def review(seats: Any) -> None:
        looks.append(seats)

    monkeypatch.setattr(module.asyncio, "sleep", pause)
    monkeypatch.setattr(reviews, "_review", review)
    await reviews.go_round(cast("Any", [waits, stays, moves, leaves]))
    assert looks == [[waits], [stays], [moves]]


async def test_a_fault_in_looking_at_one_room_costs_no_other_its_look(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(bound=3)
    reviews, looks = Reviews(services(), Rooms[Any](world, world)), list[str]()

    async def review(seats: Any) -> None:
        looks.append(seats[0].guest.following.topics[0])
        if looks[-1] != "two":
            raise ZeroDivisionError

    monkeypatch.setattr(reviews, "_review", review)
    seats: Any = [SimpleNamespace(guest=follower(name), room="a room") for name in ("one", "two", "three")]
    with caplog.at_level(logging.WARNING):
        await reviews.go_round(seats)
    assert looks == ["one", "two", "three"]
    assert [record.getMessage() for record in caplog.records] == ["rights could not be looked at in 2 of 3 rooms"]
    assert caplog.records[0].exc_info


async def test_a_round_takes_no_longer_than_it_may_where_looking_takes_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, served, now = World(bound=3), services(), [0.0]
    served.hub.connected = True
    reviews = Reviews(served, Rooms[Any](world, world))

    async def pause(seconds: float) -> None:
        now[0] += seconds

    async def review(_seats: Any) -> None:
        now[0] += 0.004

    monkeypatch.setattr(module.asyncio, "sleep", pause)
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    monkeypatch.setattr(reviews, "_review", review)
    seats: Any = [SimpleNamespace(guest=follower(str(number)), room="a room") for number in range(1000)]
    await reviews.go_round(seats)
    assert now[0] <= module.RECHECK_SECONDS + 0.01


@pytest.mark.parametrize(("connected", "age", "is_due"), [(True, 19, False), (True, 21, True), (False, 5, True)])
async def test_who_is_due_is_looked_at_in_time_though_a_round_takes_its_time(
    connected: bool, age: int, is_due: bool
) -> None:
    world, served = World(bound=3), services()
    served.hub.connected = connected
    reviews, due = Reviews(served, Rooms[Any](world, world)), follower("some")
    due.following, due.looked_at = Following(["some"], new_id()), monotonic() - age
    assert reviews._is_due(due) is is_due


async def test_whatever_fails_it_is_looked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "TICK_SECONDS", 0.001)
    world, looks = World(bound=3), list[Any]()
    reviews = Reviews(services(), Rooms[Any](world, world))

    async def review(seats: Any) -> None:
        looks.append(seats)
        raise ZeroDivisionError

    monkeypatch.setattr(reviews, "go_round", review)
    looking = asyncio.create_task(reviews.keep_looking())
    with caplog.at_level(logging.WARNING):
        await until(lambda: len(looks) > 1)
    assert "rights could not be looked at" in caplog.text
    looking.cancel()
    await asyncio.wait({looking})
