"""One PostgreSQL for all contenders, filled once and copied afresh for each run."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from local.postgres import EmbeddedPostgres
from local.programs import ROOT
from local.seed_large import Places, fill, places
from models.migrate import migrate

NAME = "bench"
_UNFINISHED = "filling"
_SOURCES = ("models/migrations", "local/large", "local/seed_large.py")
_PEERS = ROOT / "bench/graphql/peers/postgraphile.sql"


@dataclass(frozen=True, slots=True)
class Database:
    """A running server with this run's own database."""

    server: EmbeddedPostgres
    places: Places

    @property
    def url(self) -> str:
        """As asyncpg takes it."""
        return self.server.url(NAME)

    @property
    def variables(self) -> dict[str, str]:
        """As libpq and node-postgres take it, for a user that is named separately."""
        return {"PGHOST": self.url.partition("host=")[2], "PGDATABASE": NAME}

    @property
    def pid(self) -> int:
        """The server's first process."""
        assert self.server.process is not None
        return self.server.process.pid


@contextmanager
def filled(folder: Path, scale: float) -> Iterator[Database]:
    """The server, while the block runs; what `folder` has of a run before is used again while its sources are the same.

    Durable as in production (commits reach the disk), with PostgreSQL's own defaults.
    """
    server = EmbeddedPostgres(folder / "postgres", lasting=True)
    with server:
        template = f"{_kept(scale)}{_fingerprint()}"
        if not server.has_database(template):
            asyncio.run(_fill(server, template, scale))
        server.drop_database(NAME)
        server.create_database(NAME, template)
        asyncio.run(_admit_peers(server.url(NAME)))
        yield Database(server, places(scale))


async def _fill(server: EmbeddedPostgres, template: str, scale: float) -> None:
    server.drop_database(_UNFINISHED)
    server.create_database(_UNFINISHED)
    await migrate(server.url(_UNFINISHED))
    connection = await asyncpg.connect(server.url(_UNFINISHED))
    await fill(connection, scale=scale, report=print)
    await connection.close()
    connection = await asyncpg.connect(server.url("postgres"))
    for (stale,) in await connection.fetch(
        "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", _kept(scale)
    ):
        server.drop_database(stale)
    await connection.execute(f"ALTER DATABASE {_UNFINISHED} RENAME TO {template}")
    await connection.close()


async def _admit_peers(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(_PEERS.read_text())
    await connection.execute("CHECKPOINT")
    await connection.close()


def _kept(scale: float) -> str:
    """How the names of filled databases of this scale begin."""
    return f"seeded_{scale * 100:.0f}_"


def _fingerprint() -> str:
    """Changes with everything that the contents follow from."""
    digest = hashlib.sha256()
    for source in _SOURCES:
        path = ROOT / source
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
