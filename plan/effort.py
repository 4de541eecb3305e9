"""How long it took to find out what a request asks, where that was long: time that nobody has been charged for."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import thread_time
from typing import Self


class Effort:
    """Whoever asks inside `with`: `turn` waits for their turn, `had` is told what is `noted`, in seconds of CPU time.

    At once and not at the end, which comes when the database has answered: until then a thousand more would be looked
    at as if nothing had been.
    """

    __slots__ = ("_given", "had", "turn")

    def __init__(self, turn: Callable[[], Awaitable[None]], had: Callable[[float], None]) -> None:
        self.turn = turn
        self.had = had

    def __enter__(self) -> Self:
        self._given = _effort.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _effort.reset(self._given)


_effort: ContextVar[Effort | None] = ContextVar("effort", default=None)


async def turn() -> None:
    """Returns when it is the turn of who asks: to be awaited before what may be long."""
    if (effort := _effort.get()) is not None:
        await effort.turn()


@contextmanager
def noted() -> Iterator[None]:
    """Notes how long the inside takes, which awaits nothing."""
    began = thread_time()
    try:
        yield
    finally:
        if (effort := _effort.get()) is not None:
            effort.had(thread_time() - began)
