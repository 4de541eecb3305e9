"""What the embedded PostgreSQL and the embedded Redis have in common: a life from start to stop."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from local.errors import LocalError
from local.folders import ShortFolder, is_disk_full, lock, make_private
from local.processes import Command, last_line, pause, start, stop

_LOCK_SECONDS = 10.0
"""A service whose owner was killed is given this long to end."""
_READY_SECONDS = 60.0
"""Recovery after a crash reads the log of what was not yet written, which can take a while."""
_STOP_SECONDS = 20.0


class EmbeddedService(ABC):
    """A server of ours on a unix socket, with its data in one folder.

    Use it as a context manager, or call `start` and `stop`; when it has died `start` may be called again, and its
    address stays the same. It dies with the thread that started it, so start it from the main thread.
    """

    name: ClassVar[str]
    """What people call it."""
    stop_signal: ClassVar[signal.Signals]
    """What makes it write everything and end."""

    def __init__(self, folder: Path, *, lasting: bool, log: Path | None = None) -> None:
        """Say where it shall run; nothing is touched before `start`.

        Args:
            folder: where its data lies; made if need be, at any depth.
            lasting: whether what it has confirmed survives a power cut; without it everything is several times faster.
            log: where its output is appended; `<folder>/log` if not given.

        """
        self.folder = folder.absolute()
        self.lasting = lasting
        self.log = (log or folder / "log").absolute()
        self.process: subprocess.Popen[bytes] | None = None
        self._short = ShortFolder(self.folder)
        self._sockets = Path()
        self._lock: int | None = None

    def start(self) -> None:
        """Start the server, and return as soon as it answers; call `stop` in the end, also when this fails.

        Raises:
            LocalError: it cannot be started; the text says why.

        """
        make_private(self.folder)
        self._release()
        busy = f"{self.name} is already running on {self.folder}."
        self._lock = lock(self.folder / "lock", _LOCK_SECONDS, busy)
        self._sockets = self._short.make()
        # Handing the lock down keeps the folder ours until the last process of the server has ended.
        self.process = start(self._command((self._lock,)))
        self._wait_until_ready(self.process)

    def stop(self) -> None:
        """Stop the server if it runs, and remove what is not data."""
        if self.process is not None:
            stop(self.process, self.stop_signal, _STOP_SECONDS)
        self._short.remove()
        self._release()

    def poll(self) -> int | None:
        """Return the exit code if the server has ended, None while it runs."""
        return None if self.process is None else self.process.poll()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def _command(self, kept_open: tuple[int, ...]) -> Command:
        """Prepare the data, and say what to run."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Tell whether the server answers."""

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._is_ready():
            if process.poll() is not None:
                raise self._failure()
            if not pause(deadline):
                raise LocalError(f"{self.name} did not get ready within {_READY_SECONDS:.0f} s; see {self.log}.")

    def _failure(self) -> LocalError:
        reason = last_line(self.log)
        if is_disk_full(reason):
            return LocalError(f"{self.name} cannot start: the disk that holds {self.folder} is full.")
        return LocalError(f"{self.name} cannot start: {reason or 'it said nothing'} (see {self.log}).")

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
