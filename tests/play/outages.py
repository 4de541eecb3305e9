"""A product with a PostgreSQL and a Redis of its own, all of whose parts can be lost and come back."""

import asyncio
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tortoise.context import TortoiseContext

from local.postgres import EmbeddedPostgres
from local.programs import ROOT
from local.redis import EmbeddedRedis
from models.database import configuration
from tests import services
from tests.factories import Factory
from tests.studio import Studio, running
from tests.waiting import until


@dataclass
class Parts:
    """What can be lost."""

    studio: Studio
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    make: Factory

    def lose(self, *names: str) -> None:
        """Processes crash, and are started again."""
        for name in names:
            self.studio.kill(name)
        self.studio.start(*names)

    async def replace(self, name: str) -> None:
        """A process is told to end, as by a deploy, and started again."""
        await asyncio.to_thread(self.studio.stop, name)
        self.studio.start(name)

    def cut_postgres(self, how: signal.Signals) -> None:
        """SIGKILL, or SIGQUIT: it ends without a word to anybody, and has to recover when it starts."""
        _end(self.postgres, how)

    def cut_redis(self) -> None:
        """What was in it is gone."""
        _end(self.redis, signal.SIGKILL)

    async def revive(self) -> NoReturn:
        """Starts whatever has ended by itself, for ever, as an operator's machine does: without PostgreSQL none can."""
        while True:
            for name in [name for name, process in self.studio.processes.items() if process.poll() is not None]:
                self.studio.start(name)
            await asyncio.sleep(0.1)

    async def noticed(self, *names: str, times: int) -> None:
        """Returns once those who send have met an outage so often from now on."""
        before = {name: self._waits(name) for name in names}
        await until(lambda: all(self._waits(name) >= count + times for name, count in before.items()), seconds=20)

    def _waits(self, name: str) -> int:
        return self.studio.log(name).count("deliveries.waits")


def _end(service: EmbeddedPostgres | EmbeddedRedis, how: signal.Signals) -> None:
    assert service.process is not None
    service.process.send_signal(how)
    service.process.wait()


@asynccontextmanager
async def own_everything(*names: str, **settings: str) -> AsyncIterator[Parts]:
    """Starts the processes `names` and what they need; binds the models to that database."""
    folder = Path(tempfile.mkdtemp(dir=services.where()["folder"]))
    # What it has confirmed must outlive it, or no test could say that something was lost.
    with (
        EmbeddedPostgres(folder / "postgres", lasting=True) as postgres,
        EmbeddedRedis(folder / "redis", lasting=False) as redis,
    ):
        postgres.create_database("own")
        studio = Studio(folder, postgres.url("own"), redis.url(), **settings)
        migrate = [sys.executable, "-m", "models.migrate"]
        await asyncio.to_thread(subprocess.run, migrate, cwd=ROOT, env=studio.environment, check=True)
        async with TortoiseContext() as context:
            await context.init(config=configuration(postgres.url("own"), connections=8))
            with running(studio, *names):
                factory = Factory(studio.url)
                parts = Parts(studio, postgres, redis, factory)
                reviving = asyncio.create_task(parts.revive())
                yield parts
                reviving.cancel()
                await factory.close()
