"""PostgreSQL and Redis for one run of the tests: started once, shared by its workers, gone at its end."""

import asyncio
import json
import os
import shutil
import tempfile
from pathlib import Path

from local.postgres import EmbeddedPostgres
from local.redis import EmbeddedRedis
from models.migrate import migrate

VARIABLE = "VIDEO_CREATOR_TEST_SERVICES"
TEMPLATE = "template_studio"


class Services:
    """The servers, with a migrated template database in them."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="studio", dir=memory if memory.is_dir() else None))
        self.postgres = EmbeddedPostgres(self.folder / "postgres", lasting=False)
        self.redis = EmbeddedRedis(self.folder / "redis", lasting=False)

    def start(self) -> None:
        """Starts both, migrates the template, and tells the workers by the environment where they are."""
        self.postgres.start()
        self.redis.start()
        self.postgres.create_database(TEMPLATE)
        asyncio.run(migrate(self.postgres.url(TEMPLATE)))
        where = {"postgres": self.postgres.url("postgres"), "redis": self.redis.url(0), "folder": str(self.folder)}
        os.environ[VARIABLE] = json.dumps(where)

    def stop(self) -> None:
        """Stops both and removes every trace."""
        self.redis.stop()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def where() -> dict[str, str]:
    """The addresses: `postgres` (of the maintenance database), `redis` (of its first database) and `folder`."""
    addresses: dict[str, str] = json.loads(os.environ[VARIABLE])
    return addresses
