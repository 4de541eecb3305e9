"""`python -m models.migrate`: brings the database to the newest schema; with `--check` it only compares.

Safe to run from several machines at once: the second waits for the first.
"""

import asyncio
import sys
from typing import Any

import asyncpg
from tortoise import Tortoise
from tortoise.migrations.api import migrate as run_migrations
from tortoise.migrations.autodetector import MigrationAutodetector

from models.database import CONNECT_SECONDS, CONNECTION, TORTOISE, configuration, reaching_database, require_new
from settings import load, run

_LOCK = 0x56437265  # any fixed number: the advisory lock of migrations
_LOCK_TIMEOUT = "10s"  # all else that wants a table waits behind a migration that waits for it


async def migrate(url: str) -> None:
    """Applies every migration that the database at `url` does not have yet. Raises NoDatabase."""
    with reaching_database():
        guard = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    try:
        require_new(guard)
        await guard.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await run_migrations(config=unhurried(url))
    finally:
        await Tortoise.close_connections()
        await guard.close()


def unhurried(url: str) -> dict[str, Any]:
    """`configuration` for migrations: a statement over a large table takes minutes, and is not cut short."""
    config = configuration(url, connections=2)
    credentials = config["connections"][CONNECTION]["credentials"]
    settings = credentials["server_settings"] | {"lock_timeout": _LOCK_TIMEOUT}
    credentials |= {"command_timeout": None, "server_settings": settings}
    return config


async def drift() -> list[str]:
    """What `make migration` would write: one line an operation; empty when models and migrations agree."""
    await Tortoise.init(config=TORTOISE, init_connections=False)
    detector = MigrationAutodetector(Tortoise.apps, TORTOISE["apps"])
    return [f"{writer.name}: {operation}" for writer in await detector.changes() for operation in writer.operations]


def main(arguments: list[str]) -> None:
    """The command: exits with a sentence and status 1 where models and migrations differ."""
    if arguments == ["--check"]:
        if found := asyncio.run(drift()):
            sys.exit("The models say more than the migrations; run `make migration NAME=…`:\n  " + "\n  ".join(found))
        return
    run(migrate(load().session_url))


if __name__ == "__main__":
    main(sys.argv[1:])
