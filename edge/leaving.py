"""Clients that hang up before they are answered."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from starlette.types import Receive

from plan.patience import Queue

T = TypeVar("T")
SOON = 0.5
"""Seconds after which it is looked whether somebody still waits: most answers are there by then, and pay nothing."""

_BEING_ANSWERED = Queue(SOON)


class HungUp(Exception):
    """Nobody waits for the answer any more."""


class WhileThere:
    """Cancels what runs inside `with` when the client hangs up, and raises HungUp.

    For what only reads: what writes is brought to its end, whoever waits for it. All of the request must have been
    received.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = False
        self._watching: asyncio.Task[None] | None = None
        self._task: asyncio.Task[object]

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "requests are served in tasks"
        self._task = task
        _BEING_ANSWERED.come(self)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        _BEING_ANSWERED.go(self)
        if self._watching is not None:
            self._watching.cancel()
        if self._left and isinstance(error, asyncio.CancelledError) and not self._task.uncancel():
            raise HungUp from error

    def late(self) -> None:
        """See `plan.patience.Waiting`: it takes long enough for somebody to have hung up."""
        self._watching = self._task.get_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        self._task.cancel()


async def brought_to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """What comes of something that changes what is kept. Whoever is cancelled over it is so when it is done.

    Cut short in its commit, nobody would know whether it was done; and a guess would be taken back that was looked at.
    """
    working, cancelled = asyncio.ensure_future(work), False
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        working.exception()  # nobody hears of it
        raise asyncio.CancelledError
    return working.result()
