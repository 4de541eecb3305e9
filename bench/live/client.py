"""The clients' own process, and how the others speak to it: calls of `Crowd`'s methods by a pipe."""

import gc
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from bench.live.crowd import Crowd
from bench.live.figures import Arrivals

_PATIENCE_SECONDS = 900
"""For the longest of the calls."""


class Failed(Exception):
    """The clients' process did not answer, or not as it should."""


class Clients:
    """A `Crowd` in another process; its methods are the crowd's, by name."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def collect(self, *arguments: Any, **named: Any) -> Arrivals:
        """See `Crowd.collect`."""
        found = self.call("collect", *arguments, **named)
        assert isinstance(found, Arrivals)
        return found

    def call(self, name: str, *arguments: Any, **named: Any) -> Any:
        """What the method answers. Raises Failed with what it raised."""
        self._pipe.send((name, arguments, named))
        if not self._pipe.poll(_PATIENCE_SECONDS):
            raise Failed(f"{name} takes too long")
        try:
            went_well, answer = self._pipe.recv()
        except EOFError:
            raise Failed(f"the clients ended during {name}") from None
        if not went_well:
            raise Failed(f"{name}: {answer}")
        return answer


@contextmanager
def clients(port: int, rooms: Sequence[str]) -> Iterator[Clients]:
    """The clients of the server at `port`, while the block runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, port, rooms), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Clients(ours)
    finally:
        ours.close()
        process.join(10)
        process.kill()


def _serve(pipe: Connection, port: int, rooms: Sequence[str]) -> None:
    crowd = Crowd(port, rooms)
    crowd.watch(pipe.fileno())
    gc.disable()
    while True:
        crowd.turn(1)
        try:
            while pipe.poll():
                name, arguments, named = pipe.recv()
                pipe.send(_answer(crowd, name, arguments, named))
        except (EOFError, OSError):
            break
    crowd.leave()


def _answer(crowd: Crowd, name: str, arguments: Sequence[Any], named: dict[str, Any]) -> tuple[bool, Any]:
    try:
        return True, getattr(crowd, name)(*arguments, **named)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told to who called
        return False, repr(error)
