"""The bounded queue of one client."""

import asyncio

from live.outbox import Outbox


async def taken(outbox, count):
    frames = []
    for _ in range(count):
        await asyncio.sleep(0)  # a sender who waits for room has its turn
        frames.append(outbox.take())
    return frames


async def test_frames_leave_in_order():
    outbox = Outbox(10)
    await outbox.send(b"a")
    assert outbox.push(b"b")
    await outbox.send(b"c")
    assert outbox.waiting_bytes == 3
    assert await taken(outbox, 3) == [b"a", b"b", b"c"]
    assert outbox.waiting_bytes == 0
    assert outbox.take() is None


async def test_push_says_when_there_is_no_room():
    outbox = Outbox(10)
    assert outbox.push(b"x" * 10)
    assert not outbox.push(b"y")
    await taken(outbox, 1)
    assert outbox.push(b"y")


async def test_a_full_queue_of_answers_leaves_room_for_pushes():
    outbox = Outbox(10)
    await outbox.send(b"x" * 50)
    assert outbox.push(b"pong")


async def test_senders_wait_their_turn():
    outbox = Outbox(10)
    await outbox.send(b"x" * 10)
    # The large frame came first: small ones that would fit earlier do not pass it.
    senders = [asyncio.create_task(outbox.send(frame)) for frame in (b"y" * 50, b"1", b"2")]
    assert await taken(outbox, 4) == [b"x" * 10, b"y" * 50, b"1", b"2"]
    await asyncio.gather(*senders)


async def test_a_cancelled_sender_does_not_block_the_next():
    outbox = Outbox(10)
    await outbox.send(b"x" * 10)
    first, second = (asyncio.create_task(outbox.send(frame)) for frame in (b"1", b"2"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    assert await taken(outbox, 2) == [b"x" * 10, b"2"]
    await second


async def test_closing_frees_everything_and_everybody():
    outbox = Outbox(10)
    await outbox.send(b"x" * 10)
    sender = asyncio.create_task(outbox.send(b"y"))
    outbox.close()
    await sender
    assert outbox.push(b"z" * 100)
    assert outbox.waiting_bytes == 0


async def test_of_what_is_pushed_under_a_name_only_the_latest_waits_and_comes_last():
    outbox = Outbox(10)
    assert outbox.push(b"12%", "progress")
    assert outbox.push(b"event")
    assert all(outbox.push(b"%d%%" % percent, "progress") for percent in range(10, 99))
    assert outbox.waiting_bytes == 8
    assert await taken(outbox, 3) == [b"event", b"98%", None]
    assert outbox.waiting_bytes == 0
