"""What every test may use: real services, the running product, people in teams."""

import gc
import os
import sys
from collections.abc import AsyncIterator, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import httpx
import pytest
from httpx._transports import default as transports

from local.redis import EmbeddedRedis
from models.database import database
from tests import recorded, services
from tests.factories import Factory, new_network_address
from tests.studio import WORKERS, Disguised, Studio, running

LOOKED = pytest.StashKey[recorded.Looked]()

# httpcore asks for it at each lock of each request, and Python looks through all of its path for what is not there.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]

# Each client would read anew whom to trust, which takes a fortieth of a second, and many tests have their own clients.
transports.create_ssl_context = cache(httpx.create_ssl_context)


def pytest_configure(config: pytest.Config) -> None:
    """Starts the services in the process that hands out the tests, before any worker."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    started = services.Services()
    config.add_cleanup(started.stop)
    started.start()


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there before any test is no garbage: eight thousand tests and their modules are looked through once."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails the run if the product has recorded what others are not promised, whatever its tests say."""
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly or services.VARIABLE not in os.environ:
        return
    looked = recorded.look(services.where()["postgres"])
    if looked.wrong:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    config.stash[LOOKED] = looked


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what has been found at the end."""
    looked = config.stash.get(LOOKED, None)
    if looked is None or not looked.seen:
        return
    terminalreporter.write_line(f"{looked.seen.total()} events of {len(looked.seen)} types were recorded.")
    if looked.wrong:
        terminalreporter.section("events that are not what others are promised", red=True)
        for why in looked.wrong[: recorded.MOST_SHOWN]:
            terminalreporter.write_line(why)
        terminalreporter.write_line(f"{len(looked.wrong)} in all: see tests/recorded.py", red=True)


@pytest.fixture(scope="session")
def number() -> int:
    """Which of the parallel workers this is: 0, 1, …"""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture(scope="session")
async def database_url(number: int) -> str:
    """This worker's own copy of the migrated database."""
    return await fresh_database(f"studio{number}")


@pytest.fixture(scope="session")
def redis_url(number: int) -> Iterator[str]:
    """This worker's own Redis: its channels know no database numbers, so two products cannot share one."""
    with EmbeddedRedis(Path(services.where()["folder"]) / f"redis{number}", lasting=False) as redis:
        yield redis.url()


@pytest.fixture(scope="session")
def studio(number: int, database_url: str, redis_url: str) -> Iterator[Studio]:
    """The whole product, running, shared by the tests of this worker: a test lives in a team of its own."""
    folder = Path(services.where()["folder"]) / f"worker{number}"
    folder.mkdir()
    settings = {
        "ALLOWED_ORIGINS": '["https://app.example"]',
        "TURNS": "off",
        "WEBHOOK_LOOPBACK": "on",
    }  # all tests are one address
    product = Disguised(folder, database_url, redis_url, **settings)
    with running(product, "api", *WORKERS) as studio:
        yield studio
        # Some test left what a consumer cannot take, and whatever came after it has waited for it to be given up.
        assert "relay.event_parked" not in studio.log("relay")
        assert "deliveries.interrupted" not in studio.log("io")


@pytest.fixture(scope="session")
def telling(number: int, database_url: str, redis_url: str) -> Iterator[Studio]:
    """The API once more, on the same database, where it tells about its schema, and minutes have no budget."""
    folder = Path(services.where()["folder"]) / f"telling{number}"
    folder.mkdir()
    settings = {"INTROSPECTION": "on", "NODES_PER_MINUTE": "0", "COMMENTS_PER_MINUTE": "0", "TURNS": "off"}
    with running(Disguised(folder, database_url, redis_url, **settings), "api") as studio:
        yield studio


@pytest.fixture(scope="session")
async def models(database_url: str) -> AsyncIterator[None]:
    """The models, bound to this worker's database in the test's own process."""
    async with database(database_url, connections=4):
        yield


@pytest.fixture
async def make(studio: Studio, models: None) -> AsyncIterator[Factory]:
    """Makes people, teams and videos, and clients that are signed in. Nothing has been tried too often yet."""
    await studio.forget_tries()
    factory = Factory(studio.url)
    yield factory
    await factory.close()


@pytest.fixture
async def browser(studio: Studio) -> AsyncIterator[httpx.AsyncClient]:
    """Keeps cookies, as a browser does."""
    headers = {"X-Forwarded-For": new_network_address()}
    async with httpx.AsyncClient(base_url=studio.url, timeout=30, headers=headers) as client:
        yield client


async def fresh_database(name: str, template: str = services.TEMPLATE) -> str:
    """A new copy of the migrated template, or of another database that nobody is connected to; its address."""
    maintenance = services.where()["postgres"]
    connection = await asyncpg.connect(maintenance)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    finally:
        await connection.close()
    return maintenance.replace("/postgres?", f"/{name}?")
