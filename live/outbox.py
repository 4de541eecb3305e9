"""What waits to be sent to one client: a queue that is bounded in bytes."""

import asyncio
from collections import deque


class Outbox:
    """Frames in order, from two kinds of senders.

    Who works for this client alone *sends*: it waits until there is room, so a slow client is served at its own pace.
    Who must not wait *pushes*, and is told when there is no room. Each kind has `bound` bytes to itself, so that a
    large answer never keeps a pong out; a sent frame larger than the bound passes once no other waits. A closed
    outbox is empty and swallows everything.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._frames: deque[tuple[bytes, bool]] = deque()
        self._sent_bytes = 0
        self._pushed_bytes = 0
        self._closed = False
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._turn = asyncio.Lock()

    @property
    def waiting_bytes(self) -> int:
        """All that waits now."""
        return self._sent_bytes + self._pushed_bytes

    def push(self, frame: bytes) -> bool:
        """Add a frame now; False when there is no room for it."""
        if self._closed:
            return True
        if self._pushed_bytes + len(frame) > self._bound:
            return False
        self._pushed_bytes += len(frame)
        self._add(frame, pushed=True)
        return True

    async def send(self, frame: bytes) -> None:
        """Add a frame as soon as there is room, first come, first served."""
        async with self._turn:
            while self._sent_bytes and self._sent_bytes + len(frame) > self._bound:
                self._drained.clear()
                await self._drained.wait()
            if not self._closed:
                self._sent_bytes += len(frame)
                self._add(frame, pushed=False)

    async def first(self) -> bytes:
        """The frame that is next for the network; it counts as waiting until it is `done`."""
        while not self._frames:
            self._filled.clear()
            await self._filled.wait()
        return self._frames[0][0]

    def done(self) -> None:
        """The network has taken the first frame."""
        if self._closed:
            return
        frame, pushed = self._frames.popleft()
        if pushed:
            self._pushed_bytes -= len(frame)
        else:
            self._sent_bytes -= len(frame)
            self._drained.set()

    def close(self) -> None:
        """Throw away what waits."""
        self._closed = True
        self._frames.clear()
        self._sent_bytes = self._pushed_bytes = 0
        self._drained.set()

    def _add(self, frame: bytes, *, pushed: bool) -> None:
        self._frames.append((frame, pushed))
        self._filled.set()
