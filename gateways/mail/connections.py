"""A few connections to one mail server, kept for the mails that come next."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiosmtplib import SMTP, SMTPException

_FAREWELL_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections at once, how many mails over one, and how long one waits for its next, in seconds.

    After a connection could not be made, nobody tries for `rest` seconds: it would hold up everything else that a
    worker has to do, and lock out who has set a wrong password.
    """

    connections: int = 4
    mails: int = 100
    idle: float = 10
    rest: float = 5


@dataclass(slots=True, eq=False)
class Connection:
    """An open connection, and how many mails it has carried."""

    smtp: SMTP
    mails: int = 0
    timer: asyncio.TimerHandle | None = None

    @property
    def used(self) -> bool:
        """Whether it has waited for this mail: the server may have closed it without our knowing."""
        return self.mails > 0


class Resting(ConnectionError):
    """The server was not to be reached a moment ago."""


class Connections:
    """Lends connections, makes them as they are needed, and ends those that nobody needs.

    Who uses one holds one of the `slots`.
    """

    def __init__(self, connect: Callable[[], Awaitable[SMTP]], bounds: Bounds) -> None:
        self._connect = connect
        self._bounds = bounds
        self.slots = asyncio.Semaphore(bounds.connections)
        self._idle: list[Connection] = []
        self._partings: set[asyncio.Task[None]] = set()
        self._resting_until = float("-inf")

    async def take(self) -> Connection:
        """A kept connection, the last used first, or a new one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.timer is not None:
                connection.timer.cancel()
            if connection.smtp.is_connected:
                return connection
        return await self.new()

    async def new(self) -> Connection:
        """A new connection, whatever is kept. Raises what the server, or the way there, has against it."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._resting_until:
            raise Resting
        try:
            return Connection(await self._connect())
        except Exception:
            self._resting_until = loop.time() + self._bounds.rest
            raise

    def give_back(self, connection: Connection) -> None:
        """Keeps it for the next mail, if it is still good. Awaits nothing: what was sent is sent."""
        connection.mails += 1
        if not connection.smtp.is_connected:
            return
        if connection.mails >= self._bounds.mails:
            self._part(connection)
            return
        self._idle.append(connection)
        loop = asyncio.get_running_loop()
        connection.timer = loop.call_later(self._bounds.idle, self._end_idle, connection)

    async def close(self) -> None:
        """Takes leave of every connection that is not in use."""
        while self._idle:
            connection = self._idle.pop()
            if connection.timer is not None:
                connection.timer.cancel()
            self._part(connection)
        if self._partings:
            await asyncio.wait(self._partings)

    def _end_idle(self, connection: Connection) -> None:
        self._idle.remove(connection)
        self._part(connection)

    def _part(self, connection: Connection) -> None:
        parting = asyncio.get_running_loop().create_task(_say_farewell(connection.smtp))
        self._partings.add(parting)
        parting.add_done_callback(self._partings.discard)


async def _say_farewell(smtp: SMTP) -> None:
    with contextlib.suppress(SMTPException, OSError):
        await smtp.quit(timeout=_FAREWELL_SECONDS)
    smtp.close()
