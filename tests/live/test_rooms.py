"""Rooms, against every interleaving that hypothesis can think of: all is told, in order, to whoever may hear it."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.feed import Resync
from live.operations import INTERNAL, OperationError
from live.rooms import Rooms
from tests.live.test_feed import World

ALLOWED, LOST = "may", "may not"


class Play:
    """A room on the topic `a`: rights are looked at when somebody asks, and take a turn to look at."""

    topics, state_first = ("a",), False

    def __init__(self, world):
        self.world = world
        self.told = 0

    def wants(self, message):
        return True

    async def still(self, messages):
        return messages

    async def tell(self, happening):
        self.told += 1
        await asyncio.sleep(0)
        kind = "resync" if isinstance(happening, Resync) else "event"
        return f"{kind} {happening.position}".encode(), False

    def charge(self, guest):
        if guest.poor:
            raise OperationError([{"message": "spent"}])

    async def stands(self, seats):
        await asyncio.sleep(0)
        return not any(seat.guest.lost for seat in seats)

    async def review(self, seats):
        looked_after = {seat: seat.doubts for seat in seats}
        lost = {seat for seat in seats if seat.guest.lost}
        await asyncio.sleep(0)
        for seat, doubts in looked_after.items():
            if seat in lost:
                seat.end([{"message": LOST}])
            else:
                seat.keep(doubts)


class Guest:
    """Somebody, and the line on which they are told: what came, and how it ended."""

    def __init__(self):
        self.lost = self.poor = self.left = False
        self.lost_at = None
        self.heard = []
        self.end = None
        self.seat = None

    def tell(self, payload, *, lasting):
        assert self.end is None
        self.heard.append(payload.decode())

    async def send(self, payload):
        await asyncio.sleep(0)
        self.tell(payload, lasting=True)

    def ended(self, errors):
        self.end = errors or "complete"

    @property
    def positions(self):
        return [int(each.split()[1]) for each in self.heard]


class Party:
    """Guests in one room, who come, go, and lose rights."""

    def __init__(self, world, bound=10**6):
        self.world = world
        self.rooms = Rooms(world, world, bound=bound, page=3)
        self.play = Play(world)
        self.guests = []

    def join(self, after=None):
        guest = Guest()
        guest.since = self.world.position if after is None else after
        guest.seat = self.rooms.room("key", lambda: self.play).enter(guest, after)
        guest.seat.sit(guest)
        self.guests.append(guest)
        return guest

    async def over(self):
        for guest in self.guests:
            guest.seat.leave()
        await rest()

    def lose(self, guest):
        guest.lost, guest.lost_at = True, len(self.world.log)
        self.rooms.doubt([guest.seat])


async def rest():
    for _ in range(400):
        await asyncio.sleep(0)


@pytest.fixture
async def party():
    party = Party(World(bound=3))
    yield party
    await party.over()


async def test_one_execution_for_all_and_the_same_to_each(party):
    guests = [party.join() for _ in range(5)]
    await rest()
    for _ in range(3):
        party.world.publish("a")
        await rest()
    assert [guest.positions for guest in guests] == [[1, 2, 3]] * 5
    assert party.play.told == 3
    assert (party.rooms.figures.executions, party.rooms.figures.deliveries) == (3, 15)


async def test_nothing_is_left_when_all_have_gone(party):
    guests = [party.join(after) for after in (None, 0, 0)]
    await rest()
    assert (len(party.rooms), len(party.rooms.seats), len(party.world.listeners)) == (1, 3, 1)
    for guest in guests:
        guest.seat.leave()
        guest.seat.leave()
    await rest()
    assert (len(party.rooms), party.rooms.seats, party.world.listeners) == (0, [], [])


async def test_who_knows_what_the_room_knows_reads_no_history(party, monkeypatch):
    party.join()
    await rest()
    party.world.publish("a")
    await rest()
    late = party.join(after=1)
    monkeypatch.setattr(party.world, "since", None)
    party.world.publish("a")
    await rest()
    assert late.positions == [2]


async def test_while_there_is_a_doubt_nothing_is_told_and_others_are_not_held_up(party):
    doubted, other = party.join(), party.join()
    await rest()
    doubted.seat.doubt()
    for _ in range(3):
        party.world.publish("a")
        await rest()
    assert (doubted.positions, other.positions) == ([], [1, 2, 3])
    doubted.seat.keep(doubted.seat.doubts)
    await rest()
    assert doubted.positions == [1, 2, 3]


async def test_while_there_is_a_doubt_nothing_that_was_missed_is_told_either(party, monkeypatch):
    for _ in range(3):
        party.world.publish("a")
    guest, sent = party.join(after=0), Guest.send

    async def doubted(self, payload):
        await sent(self, payload)
        if len(self.heard) == 1:
            self.seat.doubt()

    monkeypatch.setattr(Guest, "send", doubted)
    await rest()
    assert guest.positions == [1]
    guest.seat.keep(guest.seat.doubts)
    await rest()
    assert guest.positions == [1, 2, 3]


async def test_who_loses_the_right_while_what_they_missed_is_made_is_told_none_of_it(party, monkeypatch):
    for _ in range(3):
        party.world.publish("a")
    guest, tell = party.join(after=0), Play.tell

    async def lost(self, happening):
        guest.lost = True  # nobody says so: there is no doubt
        return await tell(self, happening)

    monkeypatch.setattr(Play, "tell", lost)
    await rest()
    assert (guest.heard, guest.end) == ([], [{"message": LOST}])


async def test_what_is_too_much_to_be_held_is_read_from_the_history(party):
    party.rooms.bound = 20
    guest = party.join()
    await rest()
    guest.seat.doubt()
    for _ in range(9):
        party.world.publish("a")
        await rest()
    guest.seat.keep(guest.seat.doubts)
    await rest()
    assert guest.positions == list(range(1, 10))


async def test_a_look_that_began_before_a_doubt_does_not_settle_it(party):
    guest = party.join()
    await rest()
    before = guest.seat.doubts
    guest.seat.doubt()
    guest.seat.keep(before)
    party.world.publish("a")
    await rest()
    assert guest.positions == []


async def test_who_moves_to_another_room_misses_nothing_and_hears_nothing_twice(party):
    guest = party.join()
    await rest()
    party.world.publish("a")
    await rest()
    guest.seat.doubt()
    party.world.publish("a")
    guest.seat.move(party.rooms.room("other", lambda: party.play), guest.seat.doubts)
    party.world.publish("a")
    await rest()
    assert guest.positions == [1, 2, 3]
    assert len(party.rooms) == 1


class Pausing(Play):
    """A room in which what is made takes as long as the test likes."""

    def __init__(self, world):
        super().__init__(world)
        self.going_on = asyncio.Event()

    async def tell(self, happening):
        await self.going_on.wait()
        return await super().tell(happening)


async def test_who_moves_while_what_they_missed_is_made_reads_on_in_the_other_room(party):
    party.play = Pausing(party.world)
    for _ in range(2):
        party.world.publish("a")
    guest = party.join(after=0)
    await rest()
    guest.seat.doubt()
    guest.seat.move(party.rooms.room("other", lambda: Play(party.world)), guest.seat.doubts)
    await rest()
    party.play.going_on.set()
    await rest()
    assert guest.positions == [1, 2]
    assert len(party.rooms) == 1


async def test_who_moves_before_their_room_listens_reads_on_in_the_other_room(party):
    party.world.publish("a")
    guest = party.join(after=0)
    await asyncio.sleep(0)
    assert not guest.seat.room.listening.is_set()
    guest.seat.doubt()
    guest.seat.move(party.rooms.room("other", lambda: party.play), guest.seat.doubts)
    await rest()
    assert guest.positions == [1]


async def test_who_waits_for_the_beginning_of_a_room_that_closes_does_not_wait_for_ever(party):
    guest = party.join()
    room = guest.seat.room
    beginning = asyncio.create_task(room.beginning())
    await asyncio.sleep(0)
    assert not room.listening.is_set()
    guest.seat.end([{"message": LOST}])
    await rest()
    assert beginning.done()


async def test_who_cannot_pay_ends_alone(party):
    poor, other = party.join(), party.join()
    await rest()
    poor.poor = True
    party.world.publish("a")
    await rest()
    assert (poor.end, poor.heard, other.positions) == ([{"message": "spent"}], [], [1])


async def test_whose_line_has_a_fault_ends_alone(party, caplog):
    faulty, other = party.join(), party.join()
    await rest()
    faulty.heard = None
    party.world.publish("a")
    await rest()
    assert (faulty.end, other.positions) == ([INTERNAL], [1])
    assert "A subscription failed." in caplog.text


async def test_a_room_in_which_rights_are_long_looked_at_holds_up_no_other(party):
    first, second, play = party.join(), Guest(), Play(party.world)
    second.seat = party.rooms.room("other", lambda: play).enter(second, None)
    looked = asyncio.Event()
    party.play.review = lambda _seats: looked.wait()
    second.seat.sit(second)
    await rest()
    party.rooms.doubt([first.seat, second.seat])
    await rest()
    assert (first.seat.is_held, second.seat.is_held) == (True, False)
    looked.set()
    second.seat.leave()


async def test_when_the_last_one_cannot_pay_nothing_is_left(party):
    poor = party.join()
    await rest()
    poor.poor = True
    party.world.publish("a")
    await rest()
    assert (poor.end, len(party.rooms), party.world.listeners) == ([{"message": "spent"}], 0, [])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from(["a", "b"])),
        st.tuples(st.just("join"), st.integers(0, 12)),
        st.tuples(st.sampled_from(["join now", "cut", "heal"]), st.none()),
        st.tuples(st.sampled_from(["leave", "lose", "doubt", "move"]), st.integers(0, 12)),
        st.tuples(st.just("turns"), st.integers(1, 30)),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, bound=st.sampled_from([2, 1000]), held=st.sampled_from([15, 10**6]))
def test_each_hears_all_in_order_once_and_nothing_after_a_loss(steps, bound, held):
    asyncio.run(played(steps, bound, held))


async def take(party, step, how):
    world = party.world
    if step == "publish":
        world.publish([how])
    elif step == "join":
        party.join(min(how, world.position))
    elif step == "join now":
        party.join()
    elif step == "turns":
        for _ in range(how):
            await asyncio.sleep(0)
    elif step == "cut" and world.up:
        world.cut()
    elif step == "heal" and not world.up:
        world.heal()
    elif party.guests and how is not None and (guest := party.guests[how % len(party.guests)]).seat.room is not None:
        happen_to(party, guest, step)


def happen_to(party, guest, step):
    if step == "leave":
        guest.left = True
        guest.seat.leave()
    elif step == "lose":
        party.lose(guest)
    elif step == "move":
        key = {"key": "other", "other": "key"}[guest.seat.room.key]
        guest.seat.doubt()
        guest.seat.move(party.rooms.room(key, lambda: Play(party.world)), guest.seat.doubts)
    else:
        party.rooms.doubt([guest.seat])


async def played(steps, bound, held):
    party = Party(World(bound), held)
    world = party.world
    for step, how in steps:
        await take(party, step, how)
    if not world.up:
        world.heal()
    await rest()
    everything = [message.position for on, message in world.log if "a" in on]
    for guest in party.guests:
        due = [position for position in everything if position > guest.since]
        assert guest.positions == due[: len(guest.positions)], "a hole, a repeat, or another order"
        if guest.lost_at is not None:
            assert all(position <= guest.lost_at for position in guest.positions)
            assert guest.left or guest.end == [{"message": LOST}]
        elif guest.seat.room is not None:
            assert guest.positions == due, "something is missing"
        guest.seat.leave()
    await rest()
    assert (len(party.rooms), party.rooms.seats, world.listeners) == (0, [], [])
