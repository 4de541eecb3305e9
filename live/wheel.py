"""One timer for all sockets: each has its turn once in a round, at the moment of the round at which it came."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
SPOKES = 400
"""Turns in a round: so many moments at which some of the riders have theirs. Hundreds at a time, of ten thousand, and
what they answer, would keep everybody else waiting for 20 ms."""

LATE = 20
"""Turns that are made up for, at most, where they come late."""


class Wheel(Generic[T]):
    """Calls `turn` with each rider once in `seconds`, for the first time after nearly as long as that."""

    def __init__(self, seconds: float, turn: Callable[[T], None]) -> None:
        self._pause = seconds / SPOKES
        self._turn = turn
        self._spokes: list[set[T]] = [set() for _ in range(SPOKES)]
        self._now = 0
        self._riders = 0
        self._turns_at = 0.0
        """When the next moment is, by the loop's clock."""
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return self._riders

    def board(self, rider: T) -> int:
        """Takes somebody along; answers on which spoke, which `leave` asks for."""
        self._spokes[self._now].add(rider)
        self._riders += 1
        if self._timer is None:
            self._turns_at = asyncio.get_running_loop().time()
            self._wait()
        return self._now

    def leave(self, rider: T, spoke: int) -> None:
        """Lets somebody go. The wheel stands still when nobody is left."""
        if rider not in self._spokes[spoke]:
            return
        self._spokes[spoke].discard(rider)
        self._riders -= 1
        if not self._riders and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        # From moment to moment, not from when it was our turn: hundreds of late turns made a round seconds longer. But
        # after a long standstill not all at once: whoever had two turns in a row could not have answered in between.
        loop = asyncio.get_running_loop()
        self._turns_at = max(self._turns_at + self._pause, loop.time() - LATE * self._pause)
        self._timer = loop.call_at(self._turns_at, self._move)

    def _move(self) -> None:
        self._wait()
        self._now = (self._now + 1) % SPOKES
        for rider in list(self._spokes[self._now]):
            self._turn(rider)
