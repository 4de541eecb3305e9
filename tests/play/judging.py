"""What a request costs the process that serves it, and how others fare meanwhile."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from statistics import median
from urllib.parse import urlsplit

from local.programs import ROOT
from tests.play.sending import posted

QUERY = b'{"query":"{viewer {id name memberships {nodes {role team {name}}}}}"}'


class Cpu:
    """The CPU time that a process has used, all of its threads together: to the nanosecond."""

    def __init__(self, pid: int) -> None:
        self._clock = (~pid << 3) | 2  # as clock_getcpuclockid(3) makes it

    def seconds(self) -> float:
        return time.clock_gettime(self._clock)


class Line:
    """One connection; a request that is cut off on its way is still answered."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body; status 0 where nothing was said before the line broke."""
        with suppress(ConnectionError):
            self.socket.sendall(request)
        try:
            return self._answer()
        except ConnectionError:
            return 0, b""

    def _answer(self) -> tuple[int, bytes]:
        words, length = self.file.readline().split(b" "), 0
        while (header := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return (int(words[1]) if len(words) > 1 else 0), self.file.read(length)

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@contextmanager
def line(url: str) -> Iterator[Line]:
    opened = Line(url)
    try:
        yield opened
    finally:
        opened.close()


class Honest:
    """Somebody who asks a simple question again and again.

    What they wait for is told in the CPU time that the process has used meanwhile, for them and for others: that stays
    the same when others use the machine.
    """

    def __init__(self, url: str, token: str, cpu: Cpu) -> None:
        self._url, self._line, self._cpu = url, Line(url), cpu
        self._request = posted(QUERY, f"Authorization: Bearer {token}", "X-Forwarded-For: 198.51.100.1")

    def ask(self) -> float:
        """How long the answer has taken."""
        before = self._cpu.seconds()
        status, body = self._line.ask(self._request)
        assert status == 200, (status, body)
        assert b'"errors"' not in body
        return self._cpu.seconds() - before

    def ask_for(self, seconds: float, least: int = 50) -> float:
        """The median of how long the answers took, of `least` or more."""
        self._line.close()  # it may have rested for longer than the server keeps it
        self._line = Line(self._url)
        waited, end = [self.ask()], time.perf_counter() + seconds
        while time.perf_counter() < end or len(waited) < least:
            waited.append(self.ask())
        return median(waited)

    def close(self) -> None:
        self._line.close()


@contextmanager
def hostile(url: str, kind: str, token: str = "") -> Iterator[None]:
    """A client in a process of its own that attacks as long as this is open."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.play.attacking", url, kind, token],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
        assert process.poll() is None, "it has given up"
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
