"""Thousands of clients of one server, in one process: non-blocking sockets and epoll, no more than is needed.

Moments are nanoseconds of the machine's monotonic clock, which is the same in every process. Of a message it is that
of the turn in which its socket was found readable: never before it has come.
"""

import os
import resource
import select
import socket
import struct
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from time import monotonic_ns
from typing import Any

from bench.live import wire
from bench.live.figures import Arrivals, arrivals

_SECOND = 10**9
_PORTION = 64 * 1024
_AT_ONCE = 256
"""Sockets looked at in one turn: what comes meanwhile is dated to the next."""
_PER_ADDRESS = 2_000
"""Connections from one address, of which the loopback network has many."""
_GENTLY, _AGAIN_SECONDS = 20, 60
"""How many come again at once, and for how long at most."""
_NARROW, _SEGMENT = 8 * 1024, 1400
_ABRUPTLY = struct.pack("ii", 1, 0)
"""So that no thousands of ports wait for the end of their connections."""


@dataclass(slots=True)
class Place:
    """Where a client goes: with which token, to which room."""

    token: str
    room: int


class Stage(Enum):
    """How far a connection has come."""

    CONNECTING = 1
    ASKING = 2
    GREETING = 3
    LET_IN = 4


@dataclass(slots=True)
class Line:
    """One client's connection; `after` is the event that it resumes from."""

    index: int
    place: Place
    socket: socket.socket
    after: int | None
    stage: Stage = Stage.CONNECTING
    buffer: bytes = b""


@dataclass(slots=True)
class Heard:
    """What has come since it was last forgotten."""

    events: list[tuple[int, int, int]] = field(default_factory=list)
    """(client, eventId, moment)."""
    ended: list[tuple[int, int, str]] = field(default_factory=list)
    """(client, moment, what was said) of subscriptions that ended."""
    closed: Counter[str] = field(default_factory=Counter)
    """Sockets that ended, by their close codes; `lost` for those without one."""


class Crowd:
    """The clients of the server at `port`. `rooms` are the global ids of the videos whose rooms these are."""

    def __init__(self, port: int, rooms: Sequence[str]) -> None:
        self._port, self._rooms = port, rooms
        self._epoll = select.epoll()
        self._lines: dict[int, Line] = {}
        self._places: list[Place] = []
        self._connecting: dict[int, Line] = {}
        self._let_in = 0
        self._heard = Heard()
        self._subscribing = True
        self._narrow = False
        open_many()

    def watch(self, descriptor: int) -> None:
        """Ends each turn early when there is something to read here, too."""
        self._epoll.register(descriptor, select.EPOLLIN)

    def turn(self, seconds: float) -> None:
        """Waits so long at most for anything to come, and takes it."""
        found = self._epoll.poll(seconds, _AT_ONCE)
        moment = monotonic_ns()
        for descriptor, _ in found:
            line = self._lines.get(descriptor)
            if line is not None:
                if line.stage is Stage.LET_IN:
                    self._listen(line, moment)
                else:
                    self._come_in(line, moment)

    def enter(
        self,
        places: Sequence[Place],
        *,
        after: int | None = None,
        at_once: int = 500,
        subscribe: bool = True,
        narrow: bool = False,
        most_seconds: float = 180,
    ) -> dict[str, Any]:
        """Connects a client for each place, so many at once, until all are acknowledged; then they subscribe.

        `narrow` are connections whose network holds little, as on the way to anywhere; the loopback takes megabytes.
        Answers how many were `let_in`, and the `seconds` until the last of them was.
        """
        self._subscribing, self._narrow = subscribe, narrow
        first = len(self._places)
        self._places += places
        return self._enter(range(first, len(self._places)), after, at_once, most_seconds)

    def forget(self) -> None:
        """Forgets what has been heard."""
        self._heard = Heard()

    def ended(self) -> list[tuple[int, int, str]]:
        """The subscriptions that have ended: (client, moment, what was said)."""
        return self._heard.ended

    def closed(self) -> dict[str, int]:
        """The sockets that have been closed, by close codes."""
        return dict(self._heard.closed)

    def wait_for_all(self, patience: float, most_seconds: float) -> int:
        """Until every client has heard an event, or no other has for `patience` seconds. Answers how many have."""
        return self._wait(lambda: len(self._have_heard()), len(self._places), patience, most_seconds)

    def try_again(self, after: int) -> int:
        """Those who have heard nothing, since they were not let in or their subscription ended, come once more.

        As a client's library does when it is told to. Answers how many they are.
        """
        deaf = sorted(set(range(len(self._places))) - self._have_heard())
        for line in self._of(deaf):
            self._drop(line)
        self._enter(deaf, after, _GENTLY, _AGAIN_SECONDS)
        return len(deaf)

    def collect(
        self,
        published: Mapping[int, tuple[int, int]],
        *,
        patience: float,
        most_seconds: float,
        only: Collection[int] | None = None,
    ) -> Arrivals:
        """Waits for the events, by their ids (room, moment), until all have come or nothing does for `patience`.

        Of the clients in `only`, if given. What has not come by then counts as lost.
        """
        listeners = [(index, place.room) for index, place in enumerate(self._places) if only is None or index in only]

        def missing() -> int:
            return arrivals(self._heard.events, listeners, published).lost

        expected = arrivals([], listeners, published).lost
        begin = monotonic_ns()
        while True:
            left = most_seconds - (monotonic_ns() - begin) / _SECOND
            have = self._wait(lambda: len(self._heard.events), expected, patience, left)
            if have < expected or missing() == 0:
                break
            expected = have + 1
        found = arrivals(self._heard.events, listeners, published)
        found.closed = dict(self._heard.closed)
        found.ended = len(self._heard.ended)
        return found

    def stall(self, indexes: Collection[int]) -> None:
        """These clients stop reading."""
        for line in self._of(indexes):
            self._epoll.unregister(line.socket)

    def come_back(self, indexes: Collection[int], seconds: float) -> dict[str, Any]:
        """They read on, up to `seconds` until their sockets have ended; those whose have come back and resume.

        Answers how many had been closed.
        """
        lines = self._of(indexes)
        for line in lines:
            self._epoll.register(line.socket, select.EPOLLIN)
        gone = self._wait(lambda: sum(line.socket.fileno() < 0 for line in lines), len(lines), seconds, seconds)
        last: dict[int, int] = {}
        for index, event_id, _ in self._heard.events:
            last[index] = max(last.get(index, 0), event_id)
        self._narrow = False
        for line in lines:
            if line.socket.fileno() < 0:
                self._enter([line.index], last.get(line.index, line.after), 1, 10)
        return {"were_closed": gone}

    def leave(self) -> None:
        """Ends all connections."""
        for line in list(self._lines.values()):
            self._drop(line)
        self._epoll.close()

    def _have_heard(self) -> set[int]:
        return {index for index, _, _ in self._heard.events}

    def _of(self, indexes: Collection[int]) -> list[Line]:
        wanted = set(indexes)
        return [line for line in self._lines.values() if line.index in wanted]

    def _wait(self, reached: Any, wanted: int, patience: float, most_seconds: float) -> int:
        """Until as many as `wanted` are reached, or nothing has moved for `patience` seconds. Answers how many are."""
        now = moved = monotonic_ns()
        until, have = now + int(most_seconds * _SECOND), reached()
        while have < wanted and now < until and now - moved < patience * _SECOND:
            self.turn(0.02)
            before, have, now = have, reached(), monotonic_ns()
            moved = now if have != before else moved
        return int(have)

    def _enter(self, indexes: Sequence[int], after: int | None, at_once: int, seconds: float) -> dict[str, Any]:
        begin, waiting, let_in = monotonic_ns(), iter(indexes), self._let_in
        until, last = begin + int(seconds * _SECOND), begin
        count, more = 0, True
        while (more or self._connecting) and monotonic_ns() < until:
            while more and len(self._connecting) < at_once:
                index = next(waiting, None)
                if index is None:
                    more = False
                else:
                    self._connect(index, after)
            before = self._let_in
            self.turn(0.02)
            if self._let_in != before:
                last = monotonic_ns()
        count = self._let_in - let_in
        return {"let_in": count, "seconds": (last - begin) / _SECOND}

    def _connect(self, index: int, after: int | None) -> None:
        line = Line(index, self._places[index], socket.socket(), after)
        line.socket.setblocking(False)  # noqa: FBT003 - the method is the library's
        line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPTLY)
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._narrow:
            line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW)
            line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)  # a sender's buffer follows it
        line.socket.bind((f"127.0.1.{1 + index // _PER_ADDRESS}", 0))
        with suppress(BlockingIOError):
            line.socket.connect(("127.0.0.1", self._port))
        self._lines[line.socket.fileno()] = line
        self._connecting[index] = line
        self._epoll.register(line.socket, select.EPOLLOUT)

    def _come_in(self, line: Line, moment: int) -> None:
        """One step further on the way to the acknowledgement."""
        if line.stage is Stage.CONNECTING:
            self._ask(line)
            return
        data = self._read(line)
        if data is None:
            return
        line.buffer += data
        if line.stage is Stage.ASKING and wire.END_OF_HEAD in line.buffer:
            self._greet(line)
        elif line.stage is Stage.GREETING:
            self._expect_acknowledgement(line, moment)

    def _ask(self, line: Line) -> None:
        if line.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._lost(line, "refused")
            return
        line.stage = Stage.ASKING
        self._send(line, wire.HANDSHAKE)
        if line.socket.fileno() >= 0:
            self._epoll.modify(line.socket, select.EPOLLIN)

    def _greet(self, line: Line) -> None:
        head, _, line.buffer = line.buffer.partition(wire.END_OF_HEAD)
        if not head.startswith(wire.SWITCHED):
            self._lost(line, head[:12].decode(errors="replace"))
            return
        line.stage = Stage.GREETING
        self._send(line, wire.init(line.place.token))

    def _expect_acknowledgement(self, line: Line, moment: int) -> None:
        found, line.buffer = wire.frames(line.buffer)
        for opcode, payload in found:
            if opcode == wire.TEXT and wire.type_of(payload) == wire.ACKNOWLEDGED:
                line.stage = Stage.LET_IN
                self._let_in += 1
                self._connecting.pop(line.index, None)
                if self._subscribing:
                    self._send(line, wire.subscribe(self._rooms[line.place.room], line.after))
            else:
                self._take(line, opcode, payload, moment)

    def _listen(self, line: Line, moment: int) -> None:
        data = self._read(line)
        if data is None:
            return
        found, line.buffer = wire.frames(line.buffer + data if line.buffer else data)
        for opcode, payload in found:
            event_id = wire.event_of(payload) if opcode == wire.TEXT else 0
            if event_id:
                self._heard.events.append((line.index, event_id, moment))
            else:
                self._take(line, opcode, payload, moment)

    def _take(self, line: Line, opcode: int, payload: bytes, moment: int) -> None:
        """Whatever is no event."""
        if opcode == wire.PING:
            self._send(line, wire.frame(wire.PONG, payload))
        elif opcode == wire.CLOSE:
            self._lost(line, str(int.from_bytes(payload[:2], "big")))
        elif opcode == wire.TEXT:
            kind = wire.type_of(payload)
            if kind == b"ping":
                self._send(line, wire.PONG_MESSAGE)
            elif kind in (wire.ERROR, wire.COMPLETE):
                self._heard.ended.append((line.index, moment, payload.decode(errors="replace")))

    def _read(self, line: Line) -> bytes | None:
        try:
            data = os.read(line.socket.fileno(), _PORTION)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        if not data:
            self._lost(line, "lost")
            return None
        return data

    def _send(self, line: Line, data: bytes) -> None:
        try:
            line.socket.send(data)
        except OSError:
            self._lost(line, "lost")

    def _lost(self, line: Line, how: str) -> None:
        if line.socket.fileno() >= 0:
            self._heard.closed[how] += 1
            self._drop(line)

    def _drop(self, line: Line) -> None:
        self._connecting.pop(line.index, None)
        self._lines.pop(line.socket.fileno(), None)
        line.socket.close()


def open_many() -> None:
    """As many connections as the machine allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
