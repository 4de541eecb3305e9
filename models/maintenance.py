"""Maintenance: for a while nothing can be changed, because the operator is at work. `python -m models.maintain`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import structlog
from tortoise import fields
from tortoise.models import Model

from domain.clock import utc_now
from domain.maintenance import Notice

log = structlog.get_logger("models.maintenance")
LOOK_SECONDS = 1.0
"""How often a process looks: no request has to, and none needs a session of its own, which a pooler does not give."""
_THE_ONE = "maintenance"


class Maintenance(Model):
    """One row, which is there while nothing can be changed."""

    name = fields.CharField(20, primary_key=True, default=_THE_ONE)
    began_at = fields.DatetimeField(default=utc_now)
    until = fields.DatetimeField(null=True)
    message = fields.TextField(default="")

    class Meta:
        table = "maintenance"

    @classmethod
    async def begin(cls, notice: Notice) -> None:
        """Begins it; where it has begun already, what is told of it changes."""
        told = {"message": notice.message, "until": notice.until}
        await cls.update_or_create(told, name=_THE_ONE)

    @classmethod
    async def end(cls) -> bool:
        """Ends it; whether there was any."""
        return bool(await cls.filter(name=_THE_ONE).delete())

    @classmethod
    async def running(cls) -> "Maintenance | None":
        """The row, if it is there."""
        return await cls.get_or_none(name=_THE_ONE)

    def notice(self) -> Notice:
        """What is told of it."""
        return Notice(self.message, self.until)


class Watch:
    """What one process knows of it, a second late at most. While the database is away, what it last knew.

    With `always`, nothing can be changed by way of this process, whatever the row says.
    """

    def __init__(self, *, always: bool = False) -> None:
        self._always = Notice() if always else None
        self._found: Notice | None = None
        self._blind = False

    @property
    def notice(self) -> Notice | None:
        """What to tell whoever wants to change something; None while they may."""
        return self._found or self._always

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Looks now, and then every so often while this is open."""
        await self._look()
        watching = asyncio.create_task(self._keep(), name="maintenance")
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    async def _keep(self) -> NoReturn:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
                self._blind = False
            except Exception as error:  # noqa: BLE001 - away, or being put back: the operator may be at just that
                if not self._blind:
                    log.warning("maintenance.not_seen", error=repr(error))
                self._blind = True

    async def _look(self) -> None:
        row = await Maintenance.running()
        found = row.notice() if row else None
        if (found is None) != (self._found is None):
            log.info("maintenance.over" if found is None else "maintenance.begun")
        self._found = found


async def is_on() -> bool:
    """Whether there is maintenance, for what asks seldom, and has to know for sure."""
    return await Maintenance.exists()
