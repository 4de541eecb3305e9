"""Hearing at once that something is due, by NOTIFY, on a connection of its own."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any, NoReturn
from uuid import UUID

import asyncpg
import structlog

from models.lanes import CHANNEL
from workers.outages import Backoff

log = structlog.stdlib.get_logger(__name__)

_SERVER_SETTINGS = {
    "application_name": "video-creator deliveries",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}

Heard = Callable[[Collection[UUID]], None]
"""Is told in whose lanes something is due; of none, where it may be in any."""


class Wakes:
    """Listens for ever, and again after the connection was lost; meanwhile `is_deaf`."""

    def __init__(self, session_url: str, heard: Heard) -> None:
        self._session_url = session_url
        self._heard = heard
        self.is_deaf = True

    async def listen(self) -> NoReturn:
        """Runs for ever."""
        backoff = Backoff(0.05, 2)
        while True:
            try:
                await self._connected(backoff)
            except Exception as error:  # noqa: BLE001 - it must hear again after every fault
                log.warning("deliveries.deaf", error=repr(error))
            await asyncio.sleep(backoff.pause())

    async def _connected(self, backoff: Backoff) -> None:
        lost = asyncio.Event()
        connection = await asyncpg.connect(self._session_url, timeout=10, server_settings=_SERVER_SETTINGS)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._told)
            self.is_deaf = False
            backoff.reset()
            self._heard(())  # whatever was told before that
            await lost.wait()
        finally:
            self.is_deaf = True
            connection.terminate()

    def _told(self, _connection: Any, _process: int, _channel: str, payload: object) -> None:
        self._heard([UUID(hex=each) for each in str(payload).split()])
