"""The resumable stream: what was missed from the history, then what happens, in order and without a hole."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from live.message import Gap, Message

PAGE = 200
"""Messages read from the history at a time."""


@dataclass(frozen=True, slots=True)
class Resync:
    """What followed the reader's last position is not known any more: load the present state, then follow on.

    The state must be loaded after this marker has arrived; what comes next on the feed lies after `position`.
    """

    position: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The history's answer to a position whose successors it cannot name: older than what is kept, or never given."""


class History(Protocol):
    """The durable source of messages, given by the application."""

    async def since(self, topics: Collection[str], after: int, limit: int) -> Sequence[Message] | Forgotten:
        """The first `limit` durable messages of any of `topics` with a position above `after`, by position."""


class Source(Protocol):
    """What a feed needs of the hub."""

    @property
    def position(self) -> int:
        """The newest position known."""

    def listen(self, topics: Collection[str]) -> AbstractAsyncContextManager[AsyncIterator[Message | Gap]]:
        """Subscribe; confirmed when entered."""


async def _nothing() -> None:
    pass


async def _all(found: Sequence[Message]) -> Sequence[Message]:
    return found


async def feed(
    hub: Source,
    history: History,
    topics: Collection[str],
    after: int | None,
    *,
    page: int = PAGE,
    began: Callable[[], None] = lambda: None,
    looked_up: Callable[[Sequence[Message]], Awaitable[Sequence[Message]]] = _all,
    caught_up: Callable[[], Awaitable[None]] = _nothing,
) -> AsyncGenerator[Message | Resync, None]:
    """Everything on `topics` after position `after`; with None, from now on.

    Durable messages come exactly in the order of their positions, none twice, none left out; ephemeral ones pass as
    they come. Ends when the hub stops. Close it (`contextlib.aclosing`) to give the subscription up. `began` is called
    when nothing can be missed any more. `looked_up` is awaited with what was found in the history, and answers what
    of it is to be handed on; `caught_up`, when all that was missed has been: of what is ephemeral nothing was found.
    """
    # Taken before subscribing: a message that arrives meanwhile lies above it and is not taken for an old one.
    last = hub.position if after is None else after
    async with hub.listen(topics) as arrivals:
        began()
        behind = after is not None
        while True:
            while behind:
                newest = hub.position
                found = await history.since(topics, last, page)
                if isinstance(found, Forgotten):
                    last, behind = newest, False
                    yield Resync(newest)
                else:
                    behind = len(found) == page
                    for message in await looked_up(found) if found else ():
                        last = message.position or last
                        yield message
                    last = (found[-1].position if found else None) or last
                if not behind:
                    await caught_up()
            async for arrival in arrivals:
                if isinstance(arrival, Gap):
                    behind = True
                    break
                if arrival.position is None or arrival.position > last:
                    last = arrival.position or last
                    yield arrival
            if not behind:
                return
