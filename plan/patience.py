"""What is done about what takes long: by one timer for all, where one for each would nearly always be for nothing."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Protocol, Self


class Waiting(Protocol):
    """Somebody who may come to be late."""

    def late(self) -> None:
        """It has taken too long."""


class Queue:
    """Tells those who are still there after so many seconds. All have as long, so who came first is late first.

    For one event loop at a time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[Waiting, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def come(self, who: Waiting) -> None:
        """They are there from now on."""
        loop = asyncio.get_running_loop()
        due = self._due[who] = loop.time() + self._seconds
        if self._timer is None or self._loop is not loop:
            self._loop, self._timer = loop, loop.call_at(due, self._look, loop)

    def go(self, who: Waiting) -> None:
        """They need not be told any more."""
        self._due.pop(who, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tells who is late, and looks again when the first of the others would be."""
        now, self._timer = loop.time(), None
        for who, due in [*self._due.items()]:
            if due > now:
                self._timer = loop.call_at(due, self._look, loop)
                return
            self.go(who)
            who.late()


class Patience:
    """Cancels the task in which it is used when its `queue` says so, and raises TimeoutError: see `asyncio.timeout`."""

    __slots__ = ("_before", "_queue", "_task", "is_over")

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._task: asyncio.Task[object]
        self.is_over = False
        """Whether it was cancelled from here."""

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "only a task can be cancelled"
        self._task, self._before = task, task.cancelling()
        self._queue.come(self)
        return self

    def late(self) -> None:
        """See `Waiting`."""
        self.is_over = True
        self._task.cancel()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._queue.go(self)
        if self.is_over and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error
