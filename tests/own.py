"""A product of a test's own, for what stops parts of it or sets it up otherwise."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tortoise.context import TortoiseContext

from domain.ids import new_id
from local.redis import EmbeddedRedis
from models.database import configuration
from tests import services
from tests.conftest import fresh_database
from tests.factories import Factory
from tests.studio import Studio, running


@asynccontextmanager
async def own_studio(*names: str, **settings: str) -> AsyncIterator[tuple[Studio, Factory]]:
    """Starts the processes `names` on a database and a Redis of their own; binds the models to that database."""
    folder = Path(tempfile.mkdtemp(dir=services.where()["folder"]))
    url = await fresh_database(f"own{new_id().hex}")
    with EmbeddedRedis(folder / "redis", lasting=False) as redis:
        async with TortoiseContext() as context:
            await context.init(config=configuration(url, connections=2))
            with running(Studio(folder, url, redis.url(), **settings), *names) as studio:
                factory = Factory(studio.url)
                yield studio, factory
                await factory.close()
