"""The hub: one Redis connection per process, shared by everyone in it who listens."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from live.link import Link, Reply
from live.listener import Ear, Listener, Watch
from live.message import POSITION_CHANNEL, Gap, Message, channel, decode

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds between attempts to reach Redis: doubling from the first to the longest."""


def _nobody() -> None:
    pass


class Hub:
    """Hands what Redis publishes to the listeners of this process.

    What one publisher publishes in one order is delivered in that order, over all topics: they share a connection.
    A listener never holds up another, and none holds up the hub. While Redis is away `listen` still works; every
    listener gets a `Gap` once its channels are confirmed again. `buffer` is how many durable messages may wait for
    one listener; Redis is pinged every `ping_seconds` and given up when silent for two of them.
    """

    def __init__(self, redis_url: str, *, buffer: int = 1000, ping_seconds: float = 5.0) -> None:
        self._url = redis_url
        self._buffer = buffer
        self._ping_seconds = ping_seconds
        self._position = 0
        self._listeners: dict[str, set[Ear]] = {}
        self._subscribed: set[str] = set()
        self._unanswered: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self._connected = asyncio.Event()
        self._attempted = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self.turned: Callable[[], None] = _nobody
        """Called when the connection to Redis is lost, and when it is there again: see `connected`."""

    @property
    def position(self) -> int:
        """The newest position known here: it may lag behind the history, is never ahead of it, and never goes back."""
        return self._position

    @property
    def connected(self) -> bool:
        """Whether the connection to Redis is up."""
        return self._connected.is_set()

    async def start(self, newest: Callable[[], Awaitable[int]]) -> None:
        """Begin; returns after the first attempt to reach Redis, whether or not it succeeded.

        `newest` answers the history's newest position; it is asked now and after each new connection. What it
        raises now is raised here.
        """
        self._advance(await newest())
        self._running = asyncio.create_task(self._run(newest), name="live hub")
        await self._attempted.wait()

    async def stop(self) -> None:
        """End every listener and close the connection."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
        for listener in self._everyone():
            listener.end()

    @asynccontextmanager
    async def listen(self, topics: Iterable[str]) -> AsyncIterator[Listener]:
        """A listener to `topics`; Redis has confirmed all of them when the block is entered, if it can be reached."""
        listener = Listener(map(channel, topics), self._buffer)
        self._join(listener)
        try:
            await listener.ready.wait()
            yield listener
        finally:
            self._leave(listener)

    @asynccontextmanager
    async def watch(self, topic: str, heard: Callable[[Message | Gap], None]) -> AsyncIterator[None]:
        """Calls `heard` for what comes on `topic`, see `Watch`; Redis has confirmed it as for `listen`."""
        watch = Watch(channel(topic), heard)
        self._join(watch)
        try:
            await watch.ready.wait()
            yield
        finally:
            self._leave(watch)

    def _join(self, listener: Ear) -> None:
        if not self.connected:
            listener.cut()
        for name in listener.channels:
            self._listeners.setdefault(name, set()).add(listener)
            if self._is_confirmed(name):
                listener.confirm(name)
        self._changed.set()

    def _leave(self, listener: Ear) -> None:
        for name in listener.channels:
            self._listeners[name].discard(listener)
            if not self._listeners[name]:
                del self._listeners[name]
        self._changed.set()

    def _everyone(self) -> set[Ear]:
        return set().union(*self._listeners.values())

    def _is_confirmed(self, name: str) -> bool:
        return name in self._subscribed and not self._unanswered[name]

    def _advance(self, position: int) -> None:
        self._position = max(self._position, position)

    async def _run(self, newest: Callable[[], Awaitable[int]]) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._serve(newest)
            except Exception as error:  # noqa: BLE001 - Redis, the network or the history: whatever it was, try again
                pause = FIRST_PAUSE if self.connected else min(pause * 2, LONGEST_PAUSE)
                log.warning("Live updates are cut off from Redis; next attempt in %.2f s: %r", pause, error)
            self._cut()
            await asyncio.sleep(pause)

    def _cut(self) -> None:
        if self.connected:
            self._connected.clear()
            self._turn()
        self._attempted.set()
        self._subscribed.clear()
        self._unanswered.clear()
        for listener in self._everyone():
            listener.cut()

    def _turn(self) -> None:
        try:
            self.turned()
        except Exception:  # whatever it was, the connection is tried again, and whoever listens hears of the gap
            log.exception("It could not be told whether live updates are cut off.")

    async def _serve(self, newest: Callable[[], Awaitable[int]]) -> None:
        """Keep one connection until it fails."""
        link = Link(self._url)
        try:
            await link.open()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(link))
                tasks.create_task(self._steer(link, newest))
        finally:
            await link.close()

    async def _steer(self, link: Link, newest: Callable[[], Awaitable[int]]) -> None:
        """Keep what Redis sends us equal to what is listened to, and the connection awake."""
        await self._settle(link)
        await self._connected.wait()
        self._advance(await newest())
        self._attempted.set()
        while True:
            try:
                async with asyncio.timeout(self._ping_seconds):
                    await self._changed.wait()
            except TimeoutError:
                await link.ping()
            await self._settle(link)

    async def _settle(self, link: Link) -> None:
        self._changed.clear()
        wanted = {POSITION_CHANNEL, *self._listeners}
        added, dropped = wanted - self._subscribed, self._subscribed - wanted
        # An answer counts only when none is outstanding: a channel given up and asked for again is confirmed last.
        self._unanswered.update(added | dropped)
        self._subscribed = wanted
        if added:
            await link.subscribe(added)
        if dropped:
            await link.unsubscribe(dropped)

    async def _read(self, link: Link) -> None:
        while True:
            reply = await link.read(2 * self._ping_seconds)
            if reply.kind == "message":
                self._receive(reply)
            elif reply.kind != "pong":
                self._answered(reply.channel)

    def _answered(self, name: str) -> None:
        self._unanswered[name] -= 1
        if self._unanswered[name] > 0:
            return
        del self._unanswered[name]
        if name == POSITION_CHANNEL and not self.connected:
            self._connected.set()
            self._turn()
        if self._is_confirmed(name):
            for listener in self._listeners.get(name, ()):
                listener.confirm(name)

    def _receive(self, reply: Reply) -> None:
        try:
            if reply.channel == POSITION_CHANNEL:
                self._advance(int(reply.data))
                return
            message = decode(reply.data)
        except (ValueError, KeyError, TypeError):
            log.exception("A message on %s is not ours.", reply.channel)
            return
        self._advance(message.position or 0)
        for listener in self._listeners.get(reply.channel, ()):
            listener.deliver(reply.channel, message)
