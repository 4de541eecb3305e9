"""The resumable stream, against every interleaving that hypothesis can think of."""

import asyncio
from contextlib import asynccontextmanager

from hypothesis import given, settings
from hypothesis import strategies as st

from live.feed import Forgotten, Resync, feed
from live.listener import Listener
from live.message import Message

TOPICS = ("a", "b", "c")
OURS = ("a", "b")


class World:
    """A history, and a line to it that can break: real listeners, played deterministically."""

    def __init__(self, bound):
        self.position = 0
        self.log = []
        self.forgotten = 0
        self.up = True
        self.bound = bound
        self.listeners = []

    @asynccontextmanager
    async def listen(self, topics):
        listener = Listener(topics, self.bound)
        self.listeners.append(listener)
        if not self.up:
            listener.cut()
        try:
            await asyncio.sleep(0)
            if self.up:
                self.confirm(listener)
            yield listener
        finally:
            self.listeners.remove(listener)

    async def since(self, topics, after, limit):
        if after < self.forgotten:
            found = Forgotten()
        else:
            found = [message for on, message in self.log if message.position > after and on & set(topics)][:limit]
        await asyncio.sleep(0)  # old news by the time it arrives
        return found

    def confirm(self, listener):
        for topic in listener.channels:
            listener.confirm(topic)

    def publish(self, on):
        self.log.append((set(on), Message(None, len(self.log) + 1, "e")))
        self.send(len(self.log))

    def repeat(self, count):
        """A relay that died before it had noted what it sent sends it again."""
        for position in range(max(1, len(self.log) - count), len(self.log) + 1):
            self.send(position)

    def send(self, position):
        if self.up:
            on, message = self.log[position - 1]
            self.position = max(self.position, position)
            self.deliver(on, message)

    def ephemeral(self, topic):
        self.deliver([topic], Message(topic))

    def deliver(self, on, message):
        for listener in self.listeners if self.up else ():
            for topic in listener.channels & set(on):
                listener.deliver(topic, message)

    def cut(self):
        self.up = False
        for listener in self.listeners:
            listener.cut()

    def heal(self):
        self.up = True
        self.position = len(self.log)
        for listener in self.listeners:
            self.confirm(listener)

    def forget(self):
        self.forgotten = len(self.log) // 2


class Reader:
    """Reads a feed of OURS, as many items as it is allowed to."""

    def __init__(self, world, after, page):
        self.began = world.position if after is None else after
        self.received = []
        self._allowed = asyncio.Semaphore(0)
        self._stream = feed(world, world, OURS, after, page=page)
        self.task = asyncio.create_task(self._read())

    async def _read(self):
        await self._allowed.acquire()
        async for item in self._stream:
            self.received.append(item)
            await self._allowed.acquire()

    async def take(self, count):
        for _ in range(count):
            self._allowed.release()

    async def turn(self, count):
        for _ in range(count):
            await asyncio.sleep(0)


topics = st.sets(st.sampled_from(TOPICS), min_size=1).map(sorted)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), topics),
        st.tuples(st.just("publish"), topics),
        st.tuples(st.just("ephemeral"), st.sampled_from(TOPICS)),
        st.tuples(st.just("repeat"), st.integers(0, 5)),
        st.tuples(st.just("take"), st.integers(1, 6)),
        st.tuples(st.just("turn"), st.integers(1, 5)),
        st.tuples(st.just("cut")),
        st.tuples(st.just("heal")),
        st.tuples(st.just("forget")),
    ),
    max_size=60,
)


async def play(world, after, page, script):
    """A reader that began after `after`, once `script` and a last word have happened."""
    reader = Reader(world, after, page)
    for verb, *arguments in script:
        if verb in ("take", "turn"):
            await getattr(reader, verb)(*arguments)
        else:
            getattr(world, verb)(*arguments)
    await reader.take(1000)
    world.heal()
    await reader.turn(40)
    world.publish(OURS[0])
    await reader.turn(200)
    for listener in world.listeners:
        listener.end()
    await asyncio.wait_for(reader.task, 1)
    return reader


def check(world, received, last):
    wanted = [message.position for on, message in world.log if on & set(OURS)]
    for item in received:
        if isinstance(item, Resync):
            assert world.forgotten, "resync although nothing was forgotten"
            last = max(last, item.position)
        elif item.position is None:
            assert item.body in OURS
        else:
            missing = [position for position in wanted if last < position < item.position]
            assert item.position > last, "out of order, or twice"
            assert not missing, f"left out: {missing}"
            assert item.position in wanted, "another's topic"
            last = item.position
    assert last == len(world.log), "the last word did not arrive"


@settings(max_examples=300, deadline=None)
@given(
    before=st.lists(topics, max_size=8),
    after=st.integers(0, 8),
    page=st.integers(1, 4),
    bound=st.integers(1, 5),
    script=steps,
)
def test_a_resumed_feed_is_in_order_and_whole(before, after, page, bound, script):
    world = World(bound)
    for on in before:
        world.publish(on)
    reader = run(play(world, min(after, len(before)), page, script))
    check(world, reader.received, reader.began)


@settings(max_examples=200, deadline=None)
@given(page=st.integers(1, 4), bound=st.integers(1, 5), script=steps)
def test_a_feed_from_now_on_is_in_order_and_whole(page, bound, script):
    world = World(bound)
    # The reader asks for its first item, so that it is subscribed before anything happens.
    reader = run(play(world, None, page, [("take", 1), ("turn", 5), *script]))
    check(world, reader.received, reader.began)


def run(coroutine):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


async def test_it_says_when_all_that_follows_is_heard():
    world, began = World(bound=10), asyncio.Event()
    stream = feed(world, world, OURS, None, began=began.set)
    taking = asyncio.ensure_future(anext(stream))
    await began.wait()
    assert len(world.listeners) == 1
    world.publish("a")
    assert (await taking).position == 1
    await stream.aclose()


async def test_what_is_forgotten_is_a_resync_and_the_feed_goes_on():
    world = World(bound=10)
    for _ in range(10):
        world.publish("a")
    world.forget()
    stream = feed(world, world, OURS, 2)
    assert await anext(stream) == Resync(10)
    world.repeat(5)
    world.publish("a")
    assert (await anext(stream)).position == 11
    await stream.aclose()
    assert world.listeners == []
