"""Connecting to PostgreSQL, and transactions."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from contextvars import ContextVar
from socket import gaierror
from types import TracebackType
from typing import Any, cast

import asyncpg
from tortoise import Tortoise
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.connection import get_connection

from models.statements import Watched

CONNECTION = "default"
STATEMENT_SECONDS = 10
CONNECT_SECONDS = 10
OLDEST = 18
"""PostgreSQL that has all that our statements use: `array_reverse` came last."""

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

PLANNING = {"jit": "off", "random_page_cost": "1.1"}
"""Settings of a session, where it is ours alone. Compiling takes longer than any of our statements may run.

And a page that is read here and there costs hardly more than one behind another, on disks without arms: thought to cost
four times as much, fifty rows are not taken from an index that has them in order, but a whole team's read and sorted.
"""

running: ContextVar[Any] = ContextVar("running", default=None)
"""The transaction that runs here (`models.client.Running`), if one does."""

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
"""When the event loop's clock says that what runs here has had its time."""

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
    database = expand_db_url(url) | {"engine": "models.client"}
    database["credentials"] |= {
        "minsize": 1,
        "maxsize": connections,
        "timeout": CONNECT_SECONDS,
        "command_timeout": STATEMENT_SECONDS,
        "server_settings": {"application_name": "video-creator", **({} if pooler else PLANNING)},
        "reset": left_clean,
        "connection_class": Watched,
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


def require_new(connection: Any) -> None:
    """Raises NoDatabase for a server that lacks what our statements use."""
    if (major := connection.get_server_version().major) < OLDEST:
        raise NoDatabase(RuntimeError(f"it is PostgreSQL {major}, and must be {OLDEST} or newer"))


async def require_database() -> None:
    """Raises NoDatabase unless the database answers, and is new enough."""
    with reaching_database():
        async with raw_connection() as connection:
            await connection.fetchval("SELECT 1")
            require_new(connection)


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


_OF_A_LINE = (asyncpg.InterfaceError, asyncpg.InternalClientError)


def _name(error: BaseException) -> None:
    if _is_of_a_lost_line(error):
        raise ConnectionResetError("the line to the database is gone") from error


class _Naming:
    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, _OF_A_LINE):
            _name(error)


_NAMING = _Naming()


def naming_a_lost_line() -> AbstractContextManager[None]:
    """What asyncpg says of a connection that is gone is raised as an outage."""
    return _NAMING


_WHOLE: ContextVar[AsyncExitStack | None] = ContextVar("_WHOLE", default=None)
"""Where transactions leave their end, while they shall be one."""


class Closed(ConnectionError):
    """Nothing can be changed at the moment, for whoever was let in before that was known: see `closed_when`."""


_closed: list[Callable[[], bool]] = []


@contextmanager
def closed_when(is_closed: Callable[[], bool]) -> Iterator[None]:
    """While this is open, and `is_closed` says so, no transaction begins in this process: Closed is raised."""
    _closed.append(is_closed)
    try:
        yield
    finally:
        _closed.remove(is_closed)


@contextmanager
def transactions_within(seconds: float) -> Iterator[None]:
    """Transactions inside raise TimeoutError, and change nothing, if they are not ready to commit in time."""
    given = _deadline.set(asyncio.get_running_loop().time() + seconds)
    try:
        yield
    finally:
        _deadline.reset(given)


def transaction() -> AbstractAsyncContextManager[None]:
    """What is written inside is committed together, or not at all. Await nothing but the database in it."""
    whole = _WHOLE.get()
    return _committed() if whole is None or in_a_transaction() else _left_to(whole)


@asynccontextmanager
async def _left_to(whole: AsyncExitStack) -> AsyncIterator[None]:
    await whole.enter_async_context(_committed())
    try:
        yield
    except BaseException as error:
        await whole.pop_all().__aexit__(type(error), error, error.__traceback__)
        raise


@asynccontextmanager
async def one_transaction() -> AsyncIterator[None]:
    """Whatever transactions are begun inside, they are committed together at the end of this, or none is.

    The first begins it all; what comes after that is inside, so await nothing but the database from then on. One that
    fails is undone at its own end, and if it was the first, the next one begins anew.
    """
    async with AsyncExitStack() as whole:
        token = _WHOLE.set(whole)
        try:
            yield
        finally:
            _WHOLE.reset(token)


@asynccontextmanager
async def lasting_transaction() -> AsyncIterator[None]:
    """As `transaction`, but committed at its own end, whatever becomes of all else that is done: for what was tried.

    RuntimeError inside of another one, whose end would be its own.
    """
    if in_a_transaction():
        raise RuntimeError("what shall last is not written inside of a transaction")
    async with _committed():
        yield


@asynccontextmanager
async def _committed() -> AsyncIterator[None]:
    for is_closed in _closed:
        if is_closed():
            raise Closed
    context = _here()._in_transaction()  # noqa: SLF001 - Tortoise's own, as `in_transaction` of theirs
    with naming_a_lost_line():
        async with asyncio.timeout_at(_deadline.get()):
            await context.__aenter__()
            try:
                yield
            except BaseException as error:
                with suppress(*_OF_A_LINE):  # nothing to roll back on a line that is gone: `error` says why
                    await context.__aexit__(type(error), error, error.__traceback__)
                raise
        await context.__aexit__(None, None, None)  # whatever time it takes: cut short, nobody would know what is so


def in_a_transaction() -> bool:
    """Whether a transaction is running here."""
    return running.get() is not None


def _here() -> Any:
    """The transaction that runs here, or the pool: `models.client`."""
    return running.get() or get_connection(CONNECTION)


def raw_connection() -> AbstractAsyncContextManager[asyncpg.Connection]:
    """An asyncpg connection: the running transaction's if there is one, otherwise one of the pool."""
    return _Raw()


class _Raw:
    """As a class, it is entered in a third of the time that a generator takes."""

    __slots__ = ("_used",)

    def __init__(self) -> None:
        self._used: Any

    async def __aenter__(self) -> asyncpg.Connection:
        self._used = _here().acquire_connection()
        with _NAMING:
            return cast("asyncpg.Connection", await self._used.__aenter__())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _NAMING:
            await self._used.__aexit__(kind, error, trace)
        _NAMING.__exit__(kind, error, trace)


async def row_of(text: str, values: Sequence[Any]) -> asyncpg.Record | None:
    """The first row of a statement; in a transaction that has done nothing yet, this begins it on the same trip."""
    try:
        return cast("asyncpg.Record | None", await _here().row(text, values))
    except _OF_A_LINE as error:
        _name(error)
        raise


async def at_last(text: str, values: Sequence[Any]) -> None:
    """Runs a statement whose answer nobody reads: in a transaction, with its commit, or before what is asked for next.

    So the last one of a transaction takes no trip of its own. What it fails with is raised there.
    """
    try:
        await _here().at_last(text, values)
    except _OF_A_LINE as error:
        _name(error)
        raise
