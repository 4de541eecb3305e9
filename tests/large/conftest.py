"""The large library in a database of its own: a twentieth of it, or all of it with LARGE_SCALE=1."""

import fcntl
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tortoise.context import TortoiseContext

from domain.clock import utc_now
from domain.tokens import token_hash
from domain.viewers import Viewer
from edge.services import describe
from gateways.storage import open_storage
from local.large.people import token
from local.large.shape import shape
from local.seed_large import Places, fill, places
from models import Session
from models.database import PLANNING, configuration
from plan.engine import Engine
from resolvers.caller import Caller
from tests import services
from tests.conftest import fresh_database
from tests.large import api, processes  # noqa: F401 - they declare the cases
from tests.large.cases import CASES, World
from tests.large.plans import Plan, Recorder, Statement, explain, explain_for_any_values, large_tables, without_scans
from tests.plan.conftest import PRESENCE, RULES, THROTTLE, Asker, the_schema

TEMPLATE = "large"
SCALE = float(os.environ.get("LARGE_SCALE", "0.05"))


@dataclass
class Library:
    """Where it lies."""

    url: str
    places: Places


@dataclass
class Asked:
    """The statements of a case, and their plans, in the same order."""

    statements: list[Statement]
    plans: list[Plan]
    for_any_values: list[Plan]
    without_scans: list[Plan]

    @property
    def indexes(self) -> set[str]:
        """The indexes that are used, and those that would be, were no table so small that reading all is quicker."""
        pairs = zip(self.plans, self.without_scans, strict=True)
        return {index for plan, other in pairs for index in plan.indexes | (other.indexes if plan.scanned else set())}


@pytest.fixture(scope="session")
async def library(number: int) -> Library:
    """This worker's own copy of what is made once in a run."""
    await _template_is_filled()
    return Library(await fresh_database(f"large{number}", TEMPLATE), places(SCALE))


async def _template_is_filled() -> None:
    """Fills the template, unless another worker has, which is waited for."""
    folder = Path(services.where()["folder"])
    with (folder / f"{TEMPLATE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / f"{TEMPLATE}.filled"
        if not done.exists():
            await _fill(await fresh_database(TEMPLATE))
            done.touch()


async def _fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await fill(connection, scale=SCALE, report=lambda _: None)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def connection(library: Library) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(library.url, server_settings=PLANNING)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
async def large(connection: asyncpg.Connection) -> set[str]:
    """The tables that nothing may read as a whole."""
    return await large_tables(connection)


@pytest.fixture(scope="session")
async def asked(
    library: Library, connection: asyncpg.Connection, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Asked]:
    """Every case, run once."""
    said = await _statements(library, connection, tmp_path_factory.mktemp("storage"))
    return {name: await _explained(connection, statements) for name, statements in said.items()}


async def _statements(library: Library, relay: asyncpg.Connection, folder: Path) -> dict[str, list[Statement]]:
    recorder, config = Recorder(), configuration(library.url, connections=2)
    config["connections"]["default"]["credentials"]["init"] = recorder.listen
    where: Any = {"public_url": "http://localhost", "secret": "s" * 32, "clock": utc_now}
    said = {}
    async with TortoiseContext() as context, open_storage(f"file:{folder}", **where) as storage:
        await context.init(config=config)
        session = await Session.get(token_hash=token_hash(token(0)))
        viewer = Viewer(library.places.owner_id, session.id)
        outside: Any = {"storage": storage, "throttle": THROTTLE, "presence": PRESENCE}
        caller = Caller(viewer=viewer, locale="en", clock=utc_now, rules=RULES, **outside)
        await recorder.listen(relay)
        world = World(library.places, shape(SCALE), Asker(Engine(the_schema(), describe), caller), relay)
        for name, case in CASES.items():
            await recorder.take()
            await case.run(world)
            said[name] = await recorder.take()
    return said


async def _explained(connection: asyncpg.Connection, statements: list[Statement]) -> Asked:
    return Asked(
        statements,
        [await explain(connection, each) for each in statements],
        [await explain_for_any_values(connection, each) for each in statements],
        [await without_scans(connection, each) for each in statements],
    )
