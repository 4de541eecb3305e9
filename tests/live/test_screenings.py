"""Rooms over real sockets: who does not read, and who asks for the same again and again."""

import orjson
import pytest

from live.message import Message
from live.rooms import Rooms
from tests.live.test_feed import World
from tests.live.test_hostile import KIB, narrow
from tests.live.test_rooms import Guest, Play, rest
from tests.waiting import until


class Screening(Play):
    """A room in which each event is so many bytes long."""

    def __init__(self, world, size):
        super().__init__(world)
        self.size = size

    async def tell(self, happening):
        await super().tell(happening)
        told = {"n": happening.position, "of": happening.body, "x": "x" * self.size}
        return orjson.dumps(told), False


@pytest.fixture
def screening(stage):
    """Sockets in a room, and the world that they are told of."""
    world = World(bound=10**6)
    rooms, play = Rooms(world, world), Screening(world, 32 * KIB)
    stage.play.seat = lambda: rooms.room("key", lambda: play).enter(Guest(), None)
    return stage, world, rooms


async def seated(rooms, count):
    await until(lambda: len(rooms.seats) == count and all(seat.is_taken for seat in rooms.seats))
    await rest()


async def test_who_does_not_read_is_closed_and_all_others_are_told(screening):
    stage, world, rooms = screening
    async with stage.client(init=True, **narrow(stage)) as stalled, stage.client(init=True) as other:
        for client in (stalled, other):
            await client.subscribe("1", "follow")
        await seated(rooms, 2)
        for position in range(1, 400):
            world.publish("a")
            told = await other.receive()
            assert (told["type"], told["payload"]["n"]) == ("next", position)
            if stage.transport.closed_as_too_slow:
                break
            assert stage.transport.waiting_bytes <= 256 * KIB
        assert (await stalled.closed())[0] == 4290
        assert len(rooms.seats) == 1
        assert stage.transport.closed_as_too_slow == 1


async def test_of_progress_the_latest_comes_to_who_reads_again(screening):
    stage, world, rooms = screening
    async with stage.client(init=True, **narrow(stage)) as slow, stage.client(init=True) as other:
        for client in (slow, other):
            await client.subscribe("1", "follow")
        await seated(rooms, 2)
        for percent in range(400):
            world.deliver(["a"], Message(percent))
            assert (await other.receive())["payload"]["of"] == percent
        heard = [0]
        while heard[-1] < 399:
            heard.append((await slow.receive())["payload"]["of"])
        assert heard == sorted(heard)
        assert len(heard) < 350
    await until(lambda: not rooms.seats and not len(rooms))


async def test_an_id_is_free_when_its_seat_is_left(screening):
    stage, world, rooms = screening
    async with stage.client(init=True) as client:
        for _ in range(20):
            await client.subscribe("1", "follow")
            await client.send(id="1", type="complete")
        await client.subscribe("1", "follow")
        await seated(rooms, 1)
        world.publish("a")
        assert (await client.receive())["payload"]["n"] == 1
        assert stage.transport.open_operations == 1
    await until(lambda: not rooms.seats and not world.listeners)
