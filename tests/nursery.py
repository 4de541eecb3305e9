"""Where the product's processes of a test run are born: a process that has read the product's code, once for all.

To read it takes a process a second of a processor, and a run of all tests starts a hundred and fifty. Run as `python -m
tests.nursery SOCKET`, it is told over that socket what to start, forks, and the child becomes what `python -m MODULE`
would be: with an environment, a session, a log, a death signal and open files of its own. What starts in earnest, by
`make run`, is tested in `tests/play/test_make_run.py` and `tests/local`.
"""

import ctypes
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from uuid_utils import reseed_rng

VARIABLE = "VIDEO_CREATOR_TEST_NURSERY"
READ_ONCE = ("app", "uvicorn.main", "uvicorn.protocols.websockets.websockets_sansio_impl", "workers.processes")
"""What all that is born knows from the start: the API's modules, and the workers'."""
_MOST_BYTES, _MOST_FILES = 64 * 1024, 8
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Birth:
    """What is to become of a child."""

    module: str
    arguments: Sequence[str]
    environment: dict[str, str]
    folder: str
    numbers: Sequence[int]
    """Under which numbers it finds the files that come along; the first of them are its output and its errors."""


class Child:
    """What was born, for its starter: the part of `subprocess.Popen` that is used of one."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._line = line
        self._process = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Its status, if it has ended."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Its status, once it has ended; raises TimeoutExpired after so many seconds."""
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                status = self._line.recv(_MOST_BYTES)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired([str(self.pid)], timeout or 0) from None
            self.returncode = int(status)
            self._line.close()
            os.close(self._process)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._process, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def born(module: str, *arguments: str, environment: dict[str, str], folder: Path, log: Path, keeps: int = -1) -> Child:
    """Has `python -m module arguments` started, with its output in `log`, and perhaps one open file kept open."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line.connect(os.environ[VARIABLE])
    with log.open("ab") as output:
        files = [output.fileno(), output.fileno(), *([keeps] if keeps >= 0 else [])]
        numbers = [1, 2, *files[2:]]
        birth = Birth(module, arguments, environment, str(folder), numbers)
        socket.send_fds(line, [json.dumps(asdict(birth)).encode()], files)
    return Child(int(line.recv(_MOST_BYTES)), line)


class Nursery:
    """The server of one run."""

    def __init__(self, place: str) -> None:
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door.bind(place)
        self._door.listen(64)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._door, selectors.EVENT_READ)

    def serve(self) -> Birth:
        """Never returns where it was called, but in each child: with what is to become of that."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._door:
                    birth = self._bear(self._door.accept()[0])
                    if birth is not None:
                        return birth
                else:
                    self._bury(key.fd, *key.data)

    def _bear(self, line: socket.socket) -> Birth | None:
        asked, files, _, _ = socket.recv_fds(line, _MOST_BYTES, _MOST_FILES)
        if not asked:  # somebody has looked whether we are there
            line.close()
            return None
        birth = Birth(**json.loads(asked))
        pid = os.fork()
        if pid == 0:
            self._leave(line)
            _settle(birth, files)
            return birth
        for file in files:
            os.close(file)
        self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, line))
        line.send(str(pid).encode())
        return None

    def _bury(self, process: int, pid: int, line: socket.socket) -> None:
        _, status = os.waitpid(pid, 0)
        self._selector.unregister(process)
        os.close(process)
        with ExitStack() as closing:
            closing.callback(line.close)
            line.send(str(os.waitstatus_to_exitcode(status)).encode(), socket.MSG_NOSIGNAL)

    def _leave(self, line: socket.socket) -> None:
        """Closes, in a child, what belongs to us and to its siblings."""
        for key in list(self._selector.get_map().values()):
            if key.data:
                os.close(key.fd)
                key.data[1].close()
        self._selector.close()
        self._door.close()
        line.close()


def _settle(birth: Birth, files: Sequence[int]) -> None:
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.chdir(birth.folder)
    os.environ.clear()
    os.environ.update(birth.environment)
    # Numbers of one may be those that another is to have: first all go out of the way.
    high = [os.dup(file) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(high, birth.numbers, strict=True):
        os.dup2(file, number)
        os.close(file)


def _become(birth: Birth) -> None:
    sys.argv = ["", *birth.arguments]
    if not hasattr(sys.modules.get(birth.module), "__path__"):
        sys.modules.pop(birth.module, None)  # it is read again, as the main one
    runpy.run_module(birth.module, run_name="__main__", alter_sys=True)


def main() -> None:
    """The command."""
    nursery = Nursery(sys.argv[1])  # first: who asks early waits at the door
    for module in READ_ONCE:
        import_module(module)
    os.register_at_fork(after_in_child=reseed_rng)  # or siblings would give the same ids
    gc.freeze()
    _become(nursery.serve())


if __name__ == "__main__":
    main()
