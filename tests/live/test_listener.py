"""A listener's bounded buffer."""

import asyncio

import pytest

from live.listener import Listener
from live.message import Gap, Message


def durable(position):
    return Message({"n": position}, position, f"e{position}")


async def waiting(listener):
    """All that the listener would answer without waiting."""
    last = Message("last")
    listener.deliver("another channel", last)
    items = []
    while (item := await anext(listener)) is not last:
        items.append(item)
    return items


@pytest.fixture
def listener():
    listener = Listener(["a", "b"], bound=3)
    listener.confirm("a")
    listener.confirm("b")
    return listener


async def test_in_order_of_arrival(listener):
    arrivals = [durable(1), Message("x"), durable(2)]
    for message in arrivals:
        listener.deliver("a", message)
    assert await waiting(listener) == arrivals


async def test_one_message_on_two_channels_comes_once(listener):
    listener.deliver("a", durable(1))
    listener.deliver("b", durable(1))
    assert await waiting(listener) == [durable(1)]


async def test_ephemeral_messages_conflate_by_channel_and_come_after_what_they_follow(listener):
    for channel, message in [("a", Message(1)), ("b", Message(2)), ("a", durable(1)), ("a", Message(3))]:
        listener.deliver(channel, message)
    assert await waiting(listener) == [Message(2), durable(1), Message(3)]


async def test_overflow_gives_way_to_one_gap(listener):
    listener.deliver("a", Message("kept"))
    for position in range(1, 100):
        listener.deliver("a", durable(position))
    assert await waiting(listener) == [Gap(), Message("kept")]
    listener.deliver("a", durable(100))
    assert await waiting(listener) == [durable(100)]


async def test_taking_makes_room(listener):
    for position in range(1, 100):
        listener.deliver("a", durable(position))
        assert await anext(listener) == durable(position)


async def test_a_cut_line_is_a_gap_once_every_channel_is_back(listener):
    listener.cut()
    listener.confirm("a")
    assert await waiting(listener) == []
    listener.confirm("b")
    assert await waiting(listener) == [Gap()]


async def test_ready_with_the_last_channel():
    listener = Listener(["a", "b"], bound=3)
    listener.confirm("a")
    assert not listener.ready.is_set()
    listener.confirm("b")
    assert listener.ready.is_set()


async def test_the_end_wakes_the_reader(listener):
    reader = asyncio.create_task(anext(listener, None))
    await asyncio.sleep(0)
    listener.end()
    assert await reader is None
