"""Rooms that begin with a state: nobody is left with an earlier one than there is, whatever comes between."""

import asyncio

import pytest

from live.message import Message
from live.rooms import BEGINNING, Rooms
from tests.live.test_feed import World
from tests.live.test_rooms import LOST, Guest, Play, rest
from tests.waiting import until


class Stating(Play):
    """A room on the topic `a` in which a state is told, that changes."""

    state_first = True

    def __init__(self, world, name="here"):
        super().__init__(world)
        self.name = name
        self.now = 1

    async def state(self):
        return self.told_of(self.now)

    async def tell(self, happening):
        self.told += 1
        await asyncio.sleep(0)
        what = f"{self.name} {happening.order}" if happening.order else f"event {happening.position}"
        return what.encode(), False

    def told_of(self, order):
        return Message({}, order=order)

    def changes(self):
        """The state is another one, and is told."""
        self.now += 1
        self.world.deliver(["a"], self.told_of(self.now))


class Party:
    """A world, and the rooms in it."""

    def __init__(self):
        self.world = World(bound=10**6)
        self.rooms = Rooms(self.world, self.world)
        self.play = Stating(self.world)

    def room(self, key="key", play=None):
        return self.rooms.room(key, lambda: play or self.play)

    async def seated(self):
        """Somebody who has been told the beginning."""
        guest = Guest()
        guest.seat = self.room().enter(guest, None)
        await self.begin(guest)
        return guest

    async def begin(self, guest):
        begun = await self.room().beginning()
        guest.seat.begin(begun)
        guest.tell(begun.payload, lasting=True)
        guest.seat.sit(guest)
        await rest()


@pytest.fixture
async def party():
    party = Party()
    yield party
    for seat in party.rooms.seats:
        seat.leave()
    await rest()


async def test_what_waited_while_a_later_state_was_looked_up_is_not_told_after_it(party):
    guest = Guest()
    guest.seat = party.room().enter(guest, None)
    await rest()
    party.play.changes()  # it waits
    await rest()
    party.play.now += 1  # and there is a later one, which is not told yet
    await party.begin(guest)
    assert guest.heard == ["here 3"]
    party.world.deliver(["a"], party.play.told_of(3))
    party.play.changes()
    await rest()
    assert guest.heard[-1] == "here 4"
    assert guest.heard == sorted(guest.heard)


async def test_who_moves_is_told_the_state_where_they_come(party):
    guest = await party.seated()
    there = Stating(party.world, "there")
    guest.seat.doubt()
    party.play.changes()  # it waits, and is not for who they are by now
    await rest()
    there.now = party.play.now
    guest.seat.move(party.room("other", there), guest.seat.doubts)
    await rest()
    assert guest.heard == ["here 1", "there 2"]


async def test_who_moves_while_the_state_is_perhaps_not_whole_keeps_the_one_that_they_know(party):
    guest, there = await party.seated(), Stating(party.world, "there")
    there.now = 0
    guest.seat.doubt()
    guest.seat.move(party.room("other", there), guest.seat.doubts)
    await rest()
    assert guest.heard == ["here 1"]
    there.now = 1
    there.changes()
    await rest()
    assert guest.heard == ["here 1", "there 2"]


async def test_after_a_gap_the_state_is_told_to_everybody(party):
    guests = [await party.seated() for _ in range(2)]
    party.world.cut()
    party.play.changes()  # nobody hears of it
    await rest()
    assert [guest.heard for guest in guests] == [["here 1"]] * 2
    party.world.heal()
    await rest()
    assert [guest.heard for guest in guests] == [["here 1", "here 2"]] * 2


async def test_the_states_of_many_rooms_are_told_a_few_at_a_time_also_after_a_gap(party):
    """A connection to the database is waited for so long and no longer, and who waits in vain would be ended."""
    making, most = [0], [0]

    class Slow(Stating):
        async def tell(self, happening):
            making[0] += 1
            most[0] = max(most[0], making[0])
            await asyncio.sleep(0.001)
            making[0] -= 1
            return await super().tell(happening)

    async def seated(number):
        guest, room = Guest(), party.room(number, Slow(party.world))
        guest.seat = room.enter(guest, None)
        guest.seat.begin(await room.beginning())
        guest.seat.sit(guest)
        return guest

    guests = await asyncio.gather(*map(seated, range(200)))
    assert most == [BEGINNING]
    party.world.cut()
    party.world.heal()
    await until(lambda: all(guest.heard == ["here 1"] for guest in guests))
    assert most == [BEGINNING]


async def test_after_a_gap_nobody_is_told_the_state_who_has_lost_the_right_in_it(party):
    guest, lost = [await party.seated() for _ in range(2)]
    party.world.cut()
    party.play.changes()
    lost.lost = True  # and we have not heard of it yet
    party.world.heal()
    await rest()
    assert (guest.heard, guest.end) == (["here 1", "here 2"], None)
    assert (lost.heard, lost.end) == (["here 1"], [{"message": LOST}])


async def test_after_a_gap_a_state_that_is_perhaps_not_whole_replaces_none(party):
    guest = await party.seated()
    party.world.cut()
    party.play.now = 0
    party.world.heal()
    await rest()
    assert guest.heard == ["here 1"]
    party.play.now = 1
    party.play.changes()
    await rest()
    assert guest.heard == ["here 1", "here 2"]


async def test_of_states_that_are_perhaps_not_whole_the_first_is_told_to_who_begins_and_no_other(party):
    party.play.now = 0
    guest = await party.seated()
    began_with = [*guest.heard]
    assert len(began_with) == 1
    party.world.cut()
    party.world.heal()
    await rest()
    guest.seat.doubt()
    guest.seat.move(party.room("other", party.play), guest.seat.doubts)
    await rest()
    assert guest.heard == began_with
    party.play.changes()
    await rest()
    assert guest.heard == [*began_with, "here 1"]


async def test_after_a_gap_nothing_is_told_that_would_not_be_told_today(party):
    guest = await party.seated()
    party.world.cut()
    for _ in range(3):
        party.world.publish("a")

    async def still(messages):
        return [message for message in messages if message.position != 2]

    party.play.still = still
    party.world.heal()
    await rest()
    assert guest.heard == ["here 1", "event 1", "event 3", "here 1"]
    party.world.publish("a")
    await rest()
    assert guest.heard[-1] == "event 4"
