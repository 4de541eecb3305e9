"""What waits to be sent to one client who does not read as fast as we tell: a queue that is bounded in bytes."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable


class Outbox:
    """Frames in order, from two kinds of senders.

    Who works for this client alone *sends*: it waits until there is room, so a slow client is served at its own pace.
    Who must not wait *pushes*, and is told when there is no room; of what it pushes under one name only the latest
    waits. Each kind has `bound` bytes to itself, so that a large answer never keeps a pong out; a sent frame larger
    than the bound passes once no other waits. A closed outbox is empty and swallows everything.
    """

    __slots__ = ("_bound", "_closed", "_count", "_drained", "_frames", "_pushed_bytes", "_sent_bytes", "_turn")

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._frames: OrderedDict[Hashable, tuple[bytes, bool]] = OrderedDict()
        self._count = 0
        self._sent_bytes = 0
        self._pushed_bytes = 0
        self._closed = False
        self._drained = asyncio.Event()
        self._turn = asyncio.Lock()

    def __bool__(self) -> bool:
        return bool(self._frames)

    @property
    def waiting_bytes(self) -> int:
        """All that waits now."""
        return self._sent_bytes + self._pushed_bytes

    def push(self, frame: bytes, latest_of: str | None = None) -> bool:
        """Adds a frame now, in the place of the one that waits as the `latest_of` the same; False without room for it.

        It goes to the end: a latest state never comes before what it follows.
        """
        if self._closed:
            return True
        if latest_of is not None:
            self._pushed_bytes -= len(self._frames.pop(latest_of, (b"", True))[0])
        if self._pushed_bytes + len(frame) > self._bound:
            return False
        self._pushed_bytes += len(frame)
        self._add(latest_of, frame, pushed=True)
        return True

    async def send(self, frame: bytes) -> None:
        """Adds a frame as soon as there is room, first come, first served."""
        async with self._turn:
            while self._sent_bytes and self._sent_bytes + len(frame) > self._bound:
                self._drained.clear()
                await self._drained.wait()
            if not self._closed:
                self._sent_bytes += len(frame)
                self._add(None, frame, pushed=False)

    def take(self) -> bytes | None:
        """The frame that is next, which waits no more; None where none does."""
        if not self._frames:
            return None
        _, (frame, pushed) = self._frames.popitem(last=False)
        if pushed:
            self._pushed_bytes -= len(frame)
        else:
            self._sent_bytes -= len(frame)
            self._drained.set()
        return frame

    def close(self) -> None:
        """Throws away what waits."""
        self._closed = True
        self._frames.clear()
        self._sent_bytes = self._pushed_bytes = 0
        self._drained.set()

    def _add(self, name: str | None, frame: bytes, *, pushed: bool) -> None:
        self._count += 1
        self._frames[self._count if name is None else name] = frame, pushed
