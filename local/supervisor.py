"""Keeps a list of processes running, in order, until it is told to stop or one of them cannot be kept."""

import re
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from local.errors import LocalError
from local.processes import Command, last_line, start, stop

Say = Callable[[str], None]
"""Shows one sentence to the person at the terminal."""

_POLL_SECONDS = 0.2
_STOP_SECONDS = 10.0
_WINDOW_SECONDS = 60.0
_MOST_DEATHS = 5
_LONGEST_WAIT_SECONDS = 5.0
# What `gateways.logs` writes for machines and for people, and uvicorn before we set logging up.
_SMALL_TALK = re.compile(r'"level": "(debug|info)"|\[(debug|info) *\]|^(DEBUG|INFO): ')


class Stopped(BaseException):
    """Somebody asked us to end, by Ctrl-C or a signal. Not an `Exception`: nothing on the way may swallow it."""


@contextmanager
def stop_signals() -> Iterator[None]:
    """Raise `Stopped` in the main thread at the first SIGINT, SIGTERM or SIGHUP; further ones do nothing."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup: to go on without the terminal
        numbers.append(signal.SIGHUP)

    def handle(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Supervised(Protocol):
    """Something that runs: an embedded service or a `Child`."""

    @property
    def name(self) -> str:
        """What people call it."""

    def start(self) -> None:
        """Start it, also after its death; raises `LocalError`."""

    def stop(self) -> None:
        """Stop it if it runs."""

    def poll(self) -> int | None:
        """Return the exit code if it has ended, None while it runs."""


class Child:
    """One program out of the list."""

    def __init__(self, name: str, command: Command) -> None:
        """Name a program; nothing runs before `start`."""
        self._name = name
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return self._name

    def start(self) -> None:
        """Start the program."""
        self._process = start(self._command)

    def stop(self) -> None:
        """Ask the program to end, and kill it if it does not."""
        if self._process is not None:
            stop(self._process, signal.SIGTERM, _STOP_SECONDS)

    def poll(self) -> int | None:
        """Return the exit code if the program has ended, None while it runs."""
        return None if self._process is None else self._process.poll()

    def last_words(self) -> str:
        """Return the last line that the program wrote."""
        return "" if self._command.log is None else last_line(self._command.log)


class Supervisor:
    """Starts things in order, restarts those that die, and stops them in the opposite order.

    A thing that dies five times within a minute, or that cannot be started again as often, ends it all.
    """

    def __init__(self, say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing to watch.

        Args:
            say: shows a sentence.
            clock: seconds that never go back.

        """
        self._say = say
        self._clock = clock
        self._watched: list[_Watched] = []

    def start(self, things: Iterable[Supervised]) -> None:
        """Start some more things, one after the other.

        Raises:
            LocalError: one cannot be started.

        """
        for thing in things:
            self._watched.append(_Watched(thing))  # before its start: an interrupted one is stopped as well
            thing.start()

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Look after everything until a condition holds.

        Raises:
            LocalError: it does not hold in time, or a process cannot be kept.

        """
        deadline = self._clock() + seconds
        while not ready():
            if self._clock() > deadline:
                raise LocalError(f"{what} did not get ready within {seconds:.0f} s.")
            self.look()
            time.sleep(_POLL_SECONDS / 4)

    def watch(self) -> None:
        """Look after everything until `Stopped` is raised by a signal.

        Raises:
            LocalError: a process cannot be kept.

        """
        while True:
            self.look()
            time.sleep(_POLL_SECONDS)

    def look(self) -> None:
        """Look once for what has died, and start again what has waited long enough.

        Raises:
            LocalError: a process cannot be kept.

        """
        for watched in self._watched:
            if watched.due is None and (code := watched.thing.poll()) is not None:
                self._died(
                    watched, f"{watched.thing.name} has ended ({_explain(code)}){_last_words(watched.thing, code)}"
                )
            elif watched.due is not None and self._clock() >= watched.due:
                self._restart(watched)

    def stop(self) -> None:
        """Stop everything, the last started first."""
        while self._watched:
            self._watched.pop().thing.stop()

    def _restart(self, watched: "_Watched") -> None:
        watched.due = None
        try:
            watched.thing.start()
        except LocalError as error:
            self._died(watched, str(error).removesuffix("."))

    def _died(self, watched: "_Watched", sentence: str) -> None:
        now = self._clock()
        watched.deaths.append(now)
        if watched.keeps_dying(now):
            raise LocalError(f"{sentence}, {_MOST_DEATHS} times within a minute; giving up.")
        wait = min(0.25 * 2 ** len(watched.deaths), _LONGEST_WAIT_SECONDS)
        watched.due = now + wait
        self._say(f"{sentence}; starting it again in {wait:.1f} s.")


class _Watched:
    """One thing, when it died lately, and when it shall be started again."""

    def __init__(self, thing: Supervised) -> None:
        self.thing = thing
        self.deaths: deque[float] = deque()
        self.due: float | None = None

    def keeps_dying(self, now: float) -> bool:
        """Forget the deaths of long ago, and tell whether there are still too many."""
        while self.deaths and self.deaths[0] < now - _WINDOW_SECONDS:
            self.deaths.popleft()
        return len(self.deaths) >= _MOST_DEATHS


def run_once(command: Command, what: str) -> None:
    """Run a program to its end.

    Raises:
        LocalError: it failed; it is taken to have said why.

    """
    process = start(command)
    try:
        code = process.wait()
    finally:
        stop(process, signal.SIGTERM, _STOP_SECONDS)
    if code != 0:
        raise LocalError(f"{what} has failed ({_explain(code)}).")


def _explain(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _last_words(thing: Supervised, code: int) -> str:
    """What a program said of its end. One that was killed could not say anything, and small talk tells nothing."""
    words = thing.last_words() if isinstance(thing, Child) and code >= 0 else ""
    return f": {words}" if words and not _SMALL_TALK.search(words) else ""
