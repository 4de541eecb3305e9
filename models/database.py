"""Connecting to PostgreSQL, and transactions."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from socket import gaierror
from typing import Any, cast

import asyncpg
from tortoise import Tortoise
from tortoise.backends.base.client import TransactionalDBClient, TransactionContextPooled
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.connection import get_connection
from tortoise.transactions import in_transaction

CONNECTION = "default"
STATEMENT_SECONDS = 10
CONNECT_SECONDS = 10

OUTAGES = (
    ConnectionError,
    TimeoutError,
    gaierror,  # the name of the server is not known at the moment
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,  # the server is being started
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidCatalogNameError,  # the database is being put back from a backup
)
"""What is raised while PostgreSQL is away, which passes."""

DEADLOCK = asyncpg.DeadlockDetectedError
"""Two transactions waited for each other, and this one was undone: run again, it finds the other done."""


class NoDatabase(ConnectionError):
    """The database cannot be used. The message is a sentence without the address, which may hold secrets."""

    def __init__(self, error: BaseException) -> None:
        reason = getattr(error, "strerror", None) or str(error) or f"it does not answer within {CONNECT_SECONDS} s"
        super().__init__(f"The database that DATABASE_URL names cannot be used: {reason.rstrip('.')}.")


def configuration(url: str, *, connections: int = 10, pooler: bool = False) -> dict[str, Any]:
    """Tortoise's configuration for `url`, with at most `connections` to the server.

    Behind a `pooler` that gives each transaction another session, no statement is kept prepared.
    """
    database = expand_db_url(url)
    database["credentials"] |= {
        "minsize": 1,
        "maxsize": connections,
        "timeout": CONNECT_SECONDS,
        "command_timeout": STATEMENT_SECONDS,
        "server_settings": {"application_name": "video-creator"},
        "reset": left_clean,
        **({"statement_cache_size": 0} if pooler else {}),
    }
    app = {"models": ["models"], "migrations": "models.migrations", "default_connection": CONNECTION}
    return {"connections": {CONNECTION: database}, "apps": {"models": app}, "use_tz": True, "timezone": "UTC"}


async def left_clean(_connection: asyncpg.Connection) -> None:
    """For pools, when a connection comes back: there is nothing to undo, since no code of ours changes their sessions.

    asyncpg has already rolled back what was open. Its own way is to have the server reset everything, each time, which
    takes as long as a short statement.
    """


NOWHERE = "postgres://localhost/unused"
"""For what needs the models and no database: nothing connects before the first query."""

TORTOISE = configuration(NOWHERE)
"""For Tortoise's own command line (`make migration`), which compares models with migrations."""


@asynccontextmanager
async def database(url: str, *, connections: int = 10, pooler: bool = False) -> AsyncIterator[None]:
    """The models are bound to the database at `url` while this is open, for every task of the process.

    `pooler` as for `configuration`. Connects at the first query; `require_database` makes one.
    """
    await Tortoise.init(config=configuration(url, connections=connections, pooler=pooler), _enable_global_fallback=True)
    try:
        yield
    finally:
        await Tortoise.close_connections()


@contextmanager
def reaching_database() -> Iterator[None]:
    """What goes wrong inside with connecting is raised as `NoDatabase`."""
    try:
        yield
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NoDatabase(error) from error


async def require_database() -> None:
    """Raises NoDatabase unless the database answers."""
    with reaching_database():
        async with raw_connection() as connection:
            await connection.fetchval("SELECT 1")


def is_outage(error: BaseException) -> bool:
    """Whether `error` means that PostgreSQL is away."""
    # The file that is not found is the socket of a server on this machine.
    return _is_of_a_lost_line(error) or isinstance(error, (FileNotFoundError, *OUTAGES))


def _is_of_a_lost_line(error: BaseException) -> bool:
    """Asyncpg raises one and the same error for faults of ours and for a connection that is gone: its words tell."""
    said = str(error)
    if isinstance(error, asyncpg.InternalClientError):  # the server's last message came between two of our statements
        return "cannot switch to state" in said
    return isinstance(error, asyncpg.InterfaceError) and ("is clos" in said or "released back to the pool" in said)


@contextmanager
def naming_a_lost_line() -> Iterator[None]:
    """What asyncpg says of a connection that is gone is raised as an outage."""
    try:
        yield
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if _is_of_a_lost_line(error):
            raise ConnectionResetError("the line to the database is gone") from error
        raise


@asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """What is written inside is committed together, or not at all. Await nothing but the database in it."""
    context = in_transaction(CONNECTION)
    with naming_a_lost_line():
        await _enter(context)
        try:
            yield
        except BaseException as error:
            with suppress(
                asyncpg.InterfaceError, asyncpg.InternalClientError
            ):  # nothing to roll back on a line that is gone: `error` says why
                await context.__aexit__(type(error), error, error.__traceback__)
            raise
        await context.__aexit__(None, None, None)


def in_a_transaction() -> bool:
    """Whether a transaction is running here."""
    return isinstance(get_connection(CONNECTION), TransactionalDBClient)


@asynccontextmanager
async def raw_connection() -> AsyncIterator[asyncpg.Connection]:
    """An asyncpg connection: the running transaction's if there is one, otherwise one of the pool."""
    with naming_a_lost_line():
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
