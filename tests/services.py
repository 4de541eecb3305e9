"""PostgreSQL and the nursery for one run of the tests: started once, shared by its workers, gone at its end."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from local.postgres import EmbeddedPostgres
from local.processes import Command, start, stop
from local.programs import ROOT
from models.migrate import migrate
from tests import nursery

VARIABLE = "VIDEO_CREATOR_TEST_SERVICES"
TEMPLATE = "template_studio"


class Services:
    """The server, with a migrated template database in it, and where the product's processes are born."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="studio", dir=memory if memory.is_dir() else None))
        self.postgres = EmbeddedPostgres(self.folder / "postgres", lasting=False)

    def start(self) -> None:
        """Starts them, migrates the template, and tells the workers by the environment where they are."""
        os.environ[nursery.VARIABLE] = place = str(self.folder / "nursery")
        self._nursery = start(
            Command(
                argv=(sys.executable, "-m", "tests.nursery", place),
                folder=ROOT,
                log=self.folder / "nursery.log",
                environment={**os.environ, "PYTHONWARNINGS": "default"},
            )
        )
        self.postgres.start()
        self.postgres.create_database(TEMPLATE)
        asyncio.run(migrate(self.postgres.url(TEMPLATE)))
        where = {"postgres": self.postgres.url("postgres"), "folder": str(self.folder)}
        os.environ[VARIABLE] = json.dumps(where)

    def stop(self) -> None:
        """Stops them and removes every trace."""
        stop(self._nursery, signal.SIGTERM, 5)
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def where() -> dict[str, str]:
    """`postgres`, the address of the maintenance database, and `folder`, for what the tests leave behind."""
    addresses: dict[str, str] = json.loads(os.environ[VARIABLE])
    return addresses
