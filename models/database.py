"""Connecting to PostgreSQL, and transactions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
from tortoise import Tortoise
from tortoise.backends.base.client import TransactionContextPooled
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

CONNECTION = "default"
STATEMENT_SECONDS = 10


def configuration(url: str, *, connections: int = 10) -> dict[str, Any]:
    """Tortoise's configuration for `url`, with at most `connections` to the server."""
    database = expand_db_url(url)
    database["credentials"] |= {
        "minsize": 1,
        "maxsize": connections,
        "command_timeout": STATEMENT_SECONDS,
        "server_settings": {"application_name": "video-creator"},
    }
    app = {"models": ["models"], "migrations": "models.migrations", "default_connection": CONNECTION}
    return {"connections": {CONNECTION: database}, "apps": {"models": app}, "use_tz": True, "timezone": "UTC"}


NOWHERE = "postgres://localhost/unused"
"""For what needs the models and no database: nothing connects before the first query."""

TORTOISE = configuration(NOWHERE)
"""For Tortoise's own command line (`make migration`), which compares models with migrations."""


@asynccontextmanager
async def database(url: str, *, connections: int = 10) -> AsyncIterator[None]:
    """The models are bound to the database at `url` while this is open, for every task of the process.

    Connects at the first query.
    """
    await Tortoise.init(config=configuration(url, connections=connections), _enable_global_fallback=True)
    try:
        yield
    finally:
        await Tortoise.close_connections()


@asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """What is written inside is committed together, or not at all. Await nothing but the database in it."""
    context = in_transaction(CONNECTION)
    await _enter(context)
    try:
        yield
    except BaseException as error:
        await context.__aexit__(type(error), error, error.__traceback__)
        raise
    await context.__aexit__(None, None, None)


@asynccontextmanager
async def raw_connection() -> AsyncIterator[asyncpg.Connection]:
    """An asyncpg connection: the running transaction's if there is one, otherwise one of the pool."""
    async with get_connection(CONNECTION).acquire_connection() as connection:
        yield cast("asyncpg.Connection", connection)


async def _enter(context: Any) -> None:
    """Begins a transaction, and gives its connection back when that is cut short: Tortoise would keep it for good."""
    try:
        await context.__aenter__()
    except BaseException as error:
        if isinstance(context, TransactionContextPooled) and hasattr(context, "token"):
            context.client._finalized = True  # noqa: SLF001 - nothing to roll back: the release resets the connection
            await context.__aexit__(type(error), error, error.__traceback__)
        raise
