"""A database as it was just before a migration, with a team and somebody in it: what the migration makes of rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Self

import asyncpg
from tortoise.context import TortoiseContext
from tortoise.migrations.api import migrate

from domain.ids import new_id
from models.database import configuration
from tests.conftest import fresh_database

_TEAM = "INSERT INTO teams (id, created_at, name) VALUES ($1, now(), 'Crew')"
_USER = "INSERT INTO users (id, created_at, name, email, locale) VALUES ($1, now(), 'Ada', 'ada@example.com', 'en')"


class Past:
    """The database, and who is in it."""

    def __init__(self, url: str, connection: asyncpg.Connection) -> None:
        self.url, self.connection = url, connection
        self.team_id, self.user_id = new_id(), new_id()

    @classmethod
    @asynccontextmanager
    async def before(cls, migration: str, number: int) -> AsyncIterator[Self]:
        """As it was before the migration of this name; `number` is the test worker's."""
        url = await fresh_database(f"past{number}_{new_id().hex}")
        await moved(url, former(migration))
        connection = await asyncpg.connect(url)
        try:
            past = cls(url, connection)
            await connection.execute(_TEAM, past.team_id)
            await connection.execute(_USER, past.user_id)
            yield past
        finally:
            await connection.close()


def former(migration: str) -> str:
    """The one that it follows, as `moved` takes it."""
    ((app, name),) = import_module(f"models.migrations.{migration}").Migration.dependencies
    return f"{app}.{name}"


async def moved(url: str, target: str | None = None) -> None:
    """Migrates forwards or back to where the target is; without one, to the newest."""
    async with TortoiseContext():
        await migrate(config=configuration(url, connections=1), target=target)
