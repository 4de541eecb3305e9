"""One listener's place at the hub: a bounded buffer that a slow reader cannot make grow."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Protocol

from live.message import Gap, Message


class Ear(Protocol):
    """What the hub tells."""

    channels: frozenset[str]

    def deliver(self, channel: str, message: Message) -> None:
        """A message of `channel` has come."""

    def confirm(self, channel: str) -> None:
        """Redis has confirmed one of our channels."""

    def cut(self) -> None:
        """The connection is gone."""

    def end(self) -> None:
        """Nothing will come any more."""


class Watch:
    """Hears at once, before whatever is published later is handed to anybody: the hub delivers in order of publication.

    `heard` is called with each message, and with a `Gap` when some may have been missed. It must be quick, and must
    not raise.
    """

    def __init__(self, channel: str, heard: Callable[[Message | Gap], None]) -> None:
        self.channels = frozenset({channel})
        self.ready = asyncio.Event()
        self._heard = heard
        self._missed = False

    def deliver(self, channel: str, message: Message) -> None:
        """See `Ear`."""
        del channel
        self._heard(message)

    def confirm(self, channel: str) -> None:
        """See `Ear`; what was published until now may have been missed."""
        del channel
        self.ready.set()
        if self._missed:
            self._missed = False
            self._heard(Gap())

    def cut(self) -> None:
        """See `Ear`."""
        self._missed = True
        self.ready.set()

    def end(self) -> None:
        """See `Ear`."""
        self.ready.set()


class Listener:
    """An async iterator of what arrives on a set of channels, in order of arrival.

    At most `bound` durable messages wait; one more, and all of them give way to a single `Gap`. Of ephemeral messages
    only the latest of each channel waits. A repeat of a waiting durable message (it was sent to two of our channels)
    is dropped. Only the hub calls the methods below; the reader iterates.
    """

    def __init__(self, channels: Iterable[str], bound: int) -> None:
        self.channels = frozenset(channels)
        self.ready = asyncio.Event()
        self._bound = bound
        self._waiting: OrderedDict[int | str, Message] = OrderedDict()
        self._durable = 0
        self._gap = False
        self._unconfirmed = set(self.channels)
        self._missed = False
        self._ended = False
        self._news = asyncio.Event()

    def __aiter__(self) -> "Listener":
        return self

    async def __anext__(self) -> Message | Gap:
        while not (self._gap or self._waiting or self._ended):
            self._news.clear()
            await self._news.wait()
        if self._ended:
            raise StopAsyncIteration
        if self._gap:
            self._gap = False
            return Gap()
        key, message = self._waiting.popitem(last=False)
        self._durable -= isinstance(key, int)
        return message

    def deliver(self, channel: str, message: Message) -> None:
        """Put a message of `channel` in the buffer."""
        if message.position is None:
            # Moved to the end, so that a latest state never comes before the event that it follows.
            self._waiting.pop(channel, None)
            self._waiting[channel] = message
        elif not self._gap and message.position not in self._waiting:
            self._waiting[message.position] = message
            self._durable += 1
            if self._durable > self._bound:
                self._tear()
        self._news.set()

    def confirm(self, channel: str) -> None:
        """Redis has confirmed one of our channels; with the last of them, the listener is ready."""
        self._unconfirmed.discard(channel)
        if self._unconfirmed:
            return
        self.ready.set()
        if self._missed:
            self._missed = False
            self._tear()
            self._news.set()

    def cut(self) -> None:
        """The connection is gone: nobody waits for it, and a `Gap` follows once all channels are confirmed again."""
        self._unconfirmed = set(self.channels)
        self._missed = True
        self.ready.set()

    def end(self) -> None:
        """Nothing will come any more."""
        self._ended = True
        self.ready.set()
        self._news.set()

    def _tear(self) -> None:
        # What waits, and what arrives until the reader has taken the gap, is in the history that it then reads.
        self._gap = True
        self._durable = 0
        self._waiting = OrderedDict((key, message) for key, message in self._waiting.items() if isinstance(key, str))
