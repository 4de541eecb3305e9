"""What a transaction does at last goes out with its commit: on one trip, or not at all."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from tortoise.context import TortoiseContext

from models import Team
from models.database import at_last, configuration, raw_connection, row_of, transaction, transactions_within
from tests.gateways.receivers import Authority
from tests.models.test_transactions import PID, STATE, Wrong, looks_from_elsewhere, prepared, trips
from tests.waiting import until

WRITTEN = "INSERT INTO teams (id, name, created_at) VALUES (gen_random_uuid(), $1, now()) RETURNING name"
COUNT = "SELECT count(*) FROM teams WHERE name = $1"
ROTTEN = "INSERT INTO teams (id, name, created_at) VALUES (gen_random_uuid(), (1 / $1::int)::text, now())"
SLOW = "SELECT pg_sleep($1)"


async def ready(*texts: tuple[str, object]) -> int:
    """Has the statements prepared on the connection that comes next, and undoes what they do; answers its process."""
    with suppress(Wrong):
        async with transaction():
            for text, value in texts:
                await row_of(text, (value,))
            raise Wrong
    return await prepared(PID)


@asynccontextmanager
async def one_connection(url: str) -> AsyncIterator[None]:
    """So that who comes next has the same."""
    async with TortoiseContext() as context:
        await context.init(config=configuration(url, connections=1))
        yield


async def test_it_takes_no_trip_of_its_own(models: None, database_url: str) -> None:
    await ready((WRITTEN, "One"), (COUNT, "One"))
    with trips() as tally:
        async with transaction():
            await row_of(COUNT, ("One",))
            await at_last(WRITTEN, ("One",))
            assert tally.statements == 1
    assert tally.statements == 2, "what is looked up, and what is written with the commit"
    assert await looks_from_elsewhere(database_url, COUNT, "One") == 1


async def test_alone_it_is_the_only_trip(models: None, database_url: str) -> None:
    process = await ready((WRITTEN, "Alone"))
    with trips() as tally:
        async with transaction():
            await at_last(WRITTEN, ("Alone",))
    assert tally.statements == 1
    assert await looks_from_elsewhere(database_url, COUNT, "Alone") == 1
    assert await looks_from_elsewhere(database_url, STATE, process) == "idle"


async def test_what_was_never_asked_before_takes_its_trips(models: None, database_url: str) -> None:
    with trips() as tally:
        async with transaction():
            await at_last(f"{WRITTEN} /* never asked before */", ("New",))
    assert tally.statements == 3
    assert await looks_from_elsewhere(database_url, COUNT, "New") == 1


async def test_outside_of_a_transaction_it_is_done_at_once(models: None, database_url: str) -> None:
    await at_last(WRITTEN, ("At once",))
    assert await looks_from_elsewhere(database_url, COUNT, "At once") == 1


async def test_whatever_is_asked_next_comes_after_it(models: None, database_url: str) -> None:
    async with transaction():
        await at_last(WRITTEN, ("First",))
        row = await row_of(COUNT, ("First",))
        await at_last(WRITTEN, ("Second",))
        of_model = await Team.filter(name="Second").count()
        await at_last(WRITTEN, ("Third",))
        async with raw_connection() as connection:
            of_connection = await connection.fetchval(COUNT, "Third")
        await at_last(WRITTEN, ("Fourth",))
    assert (row and row[0], of_model, of_connection) == (1, 1, 1)
    assert await looks_from_elsewhere(database_url, COUNT, "Fourth") == 1


async def test_it_is_not_done_where_the_transaction_fails(models: None, database_url: str) -> None:
    process = await ready((WRITTEN, "Never"))
    with pytest.raises(Wrong):  # noqa: PT012 - what comes before is what is not done
        async with transaction():
            await at_last(WRITTEN, ("Never",))
            raise Wrong
    assert await looks_from_elsewhere(database_url, COUNT, "Never") == 0
    assert await looks_from_elsewhere(database_url, STATE, process) == "idle"


@pytest.mark.parametrize(
    ("value", "error"), [(0, asyncpg.DivisionByZeroError), ("no number", asyncpg.DataError)], ids=["server", "client"]
)
@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
async def test_one_that_fails_commits_nothing_and_leaves_nothing_open(
    models: None, database_url: str, value: object, error: type[Exception], first: bool, known: bool
) -> None:
    rotten = ROTTEN if known else f"{ROTTEN} /* {value} {first} */"
    async with one_connection(database_url):
        process = await ready((WRITTEN, "x"), (ROTTEN, 1), (COUNT, "x"))
        with pytest.raises(error):  # noqa: PT012 - what comes before is what is not committed
            async with transaction():
                if not first:
                    await row_of(WRITTEN, ("Beside",))
                await at_last(rotten, (value,))
        assert await looks_from_elsewhere(database_url, STATE, process) == "idle"
        assert await looks_from_elsewhere(database_url, COUNT, "Beside") == 0
        await _begins_and_ends_as_told(process)
    assert await looks_from_elsewhere(database_url, COUNT, "Kept") == 0


async def _begins_and_ends_as_told(process: int) -> None:
    """Nothing of what was to go out with a statement that never did goes out with another's."""
    with pytest.raises(Wrong):  # noqa: PT012 - what comes before is what is undone
        async with transaction():
            row = await row_of("SELECT pg_backend_pid()", ())
            assert row is not None
            assert row[0] == process
            await row_of(WRITTEN, ("Kept",))
            await row_of(WRITTEN, ("Kept",))
            raise Wrong


async def test_in_a_part_that_is_undone_it_is_not_done(models: None, database_url: str) -> None:
    async with transaction():
        await at_last(WRITTEN, ("Before",))
        with pytest.raises(Wrong):  # noqa: PT012 - what comes before is what is undone
            async with transaction():
                await at_last(WRITTEN, ("In the part",))
                raise Wrong
        with suppress(asyncpg.DivisionByZeroError):
            async with transaction():
                await row_of(WRITTEN, ("In the part",))
                await at_last(ROTTEN, (0,))
        async with transaction():
            await at_last(WRITTEN, ("After",))
    found = [await looks_from_elsewhere(database_url, COUNT, name) for name in ("Before", "In the part", "After")]
    assert found == [1, 0, 1]


async def test_a_fault_that_is_passed_over_does_not_pass_for_a_commit(models: None, database_url: str) -> None:
    await ready((WRITTEN, "Passed over"), (ROTTEN, 1))
    with pytest.raises(asyncpg.InFailedSQLTransactionError):  # noqa: PT012 - what comes before is what fails
        async with transaction():
            with suppress(asyncpg.DivisionByZeroError):
                await row_of(ROTTEN, (0,))
            await at_last(WRITTEN, ("Passed over",))
    assert await looks_from_elsewhere(database_url, COUNT, "Passed over") == 0


async def test_a_commit_that_fails_is_told(models: None, database_url: str) -> None:
    """By a check that is put off until then, which no table of ours has."""
    late = "INSERT INTO late (name) VALUES ($1)"
    async with raw_connection() as connection:
        await connection.execute("CREATE TABLE late (name text UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    try:
        process = await ready((late, "Twice"))
        await at_last(late, ("Twice",))
        with pytest.raises(asyncpg.UniqueViolationError):
            async with transaction():
                await at_last(late, ("Twice",))
        assert await looks_from_elsewhere(database_url, STATE, process) == "idle"
        assert await looks_from_elsewhere(database_url, "SELECT count(*) FROM late") == 1
    finally:
        async with raw_connection() as connection:
            await connection.execute("DROP TABLE late")


async def test_who_is_cut_short_in_it_leaves_nothing_open(models: None, database_url: str) -> None:
    process = await ready((SLOW, 0), (WRITTEN, "Cut short"))

    async def slowly() -> None:
        async with transaction():
            await row_of(WRITTEN, ("Cut short",))
            await at_last(SLOW, (60,))

    async def is_in(*states: str | None) -> bool:
        return await looks_from_elsewhere(database_url, STATE, process) in states

    slow = asyncio.create_task(slowly())
    await until(lambda: is_in("active"))
    slow.cancel()
    await asyncio.wait([slow])
    assert slow.cancelled()
    await until(lambda: is_in(None, "idle"))
    assert await looks_from_elsewhere(database_url, COUNT, "Cut short") == 0


async def test_a_deadline_is_for_what_comes_before(models: None, database_url: str) -> None:
    await ready((SLOW, 0), (WRITTEN, "x"))
    with transactions_within(0.2):
        async with transaction():
            await row_of(WRITTEN, ("In time",))
            await at_last(SLOW, (0.4,))
    assert await looks_from_elsewhere(database_url, COUNT, "In time") == 1


@pytest.mark.parametrize("first", [True, False])
async def test_through_tls_it_is_the_same(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with _behind_tls(database_url, authority) as url, one_connection(url):
        await ready((WRITTEN, "x"), (COUNT, "x"))
        with trips() as tally:
            async with transaction():
                if not first:
                    await row_of(COUNT, ("TLS",))
                await at_last(WRITTEN, ("TLS",))
        assert tally.statements == (1 if first else 2)
        with pytest.raises(asyncpg.DataError):
            async with transaction():
                await at_last(WRITTEN, (7,))
        assert await looks_from_elsewhere(database_url, COUNT, "TLS") == 1
        await Team.filter(name="TLS").delete()


@asynccontextmanager
async def _behind_tls(url: str, authority: Authority) -> AsyncIterator[str]:
    """The address of the database through a proxy that speaks TLS, as PostgreSQL does where it is built with it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.certificate("localhost"))
    parts = urlsplit(url)
    socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readexactly(8))[4:] == (80877103).to_bytes(4), "the request for TLS"
        writer.write(b"S")
        await writer.start_tls(context)
        theirs, ours = await asyncio.open_unix_connection(socket)
        await asyncio.wait(
            [asyncio.create_task(_handed_on(*way)) for way in ((reader, ours), (theirs, writer))],
            return_when=asyncio.FIRST_COMPLETED,
        )
        ours.close()
        writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"postgres://{parts.username}@localhost:{port}{parts.path}?ssl=true"
    finally:
        server.close()


async def _handed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while said := await reader.read(65536):
            writer.write(said)
            await writer.drain()


async def test_one_that_takes_too_long_is_not_committed_once_nobody_waits_for_it(
    models: None, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has all that it needs for that: it is told to stop, and not only left."""
    monkeypatch.setattr("models.database.STATEMENT_SECONDS", 0.3)
    other = await asyncpg.connect(database_url)
    try:
        async with one_connection(database_url), other.transaction():
            process = await ready((WRITTEN, "Too late"), (COUNT, "x"))
            await other.execute("LOCK TABLE teams IN SHARE MODE")
            with pytest.raises(TimeoutError):  # noqa: PT012 - the commit is what takes too long
                async with transaction():
                    await row_of(COUNT, ("x",))
                    await at_last(WRITTEN, ("Too late",))

        async def is_through() -> bool:
            return await looks_from_elsewhere(database_url, STATE, process) in (None, "idle")

        await until(is_through)
        assert await looks_from_elsewhere(database_url, COUNT, "Too late") == 0
    finally:
        await other.close()


async def test_what_a_task_asks_for_while_all_is_undone_is_undone_with_it(models: None, database_url: str) -> None:
    process = await ready((SLOW, 0), (WRITTEN, "Of a task"))
    with pytest.raises(Wrong):  # noqa: PT012 - what comes before is what is undone
        async with transaction():
            await at_last(SLOW, (0.2,))
            asked = asyncio.create_task(at_last(WRITTEN, ("Of a task",)))
            await asyncio.sleep(0)  # it has its turn, and has what was owed before it run
            raise Wrong
    await asked
    assert await looks_from_elsewhere(database_url, COUNT, "Of a task") == 0
    assert await looks_from_elsewhere(database_url, STATE, process) == "idle"


@pytest.mark.parametrize("values", [(), (7,)], ids=["too few", "of another type"])
async def test_nothing_is_committed_without_what_was_owed(
    models: None, database_url: str, values: tuple[object, ...]
) -> None:
    """Whoever asked next has heard of it, and it was no fault of theirs that they passed over."""
    process = await ready((WRITTEN, "Without"), (COUNT, "x"))
    with pytest.raises((asyncpg.DataError, asyncpg.InterfaceError)):  # noqa: PT012 - the commit is what fails
        async with transaction():
            await row_of(WRITTEN, ("Without",))
            await at_last(WRITTEN, values)
            with suppress(asyncpg.DataError, asyncpg.InterfaceError):
                await row_of(COUNT, ("x",))
    assert await looks_from_elsewhere(database_url, COUNT, "Without") == 0
    assert await looks_from_elsewhere(database_url, STATE, process) in (None, "idle")


@pytest.mark.parametrize("values", [(), (7,)], ids=["too few", "of another type"])
async def test_a_part_without_what_it_owes_is_undone(
    models: None, database_url: str, values: tuple[object, ...]
) -> None:
    await ready((WRITTEN, "x"))
    async with transaction():
        await row_of(WRITTEN, (f"Around {values}",))
        with suppress(asyncpg.DataError, asyncpg.InterfaceError):
            async with transaction():
                await row_of(WRITTEN, ("Half a part",))
                await at_last(WRITTEN, values)
    assert await looks_from_elsewhere(database_url, COUNT, f"Around {values}") == 1
    assert await looks_from_elsewhere(database_url, COUNT, "Half a part") == 0


async def test_a_begin_that_waits_goes_out_with_many_values_too(models: None, database_url: str) -> None:
    await ready((WRITTEN, "x"), (ROTTEN, 1))
    with pytest.raises(Wrong):  # noqa: PT012 - what comes before is what is undone
        async with transaction():
            with suppress(asyncpg.DataError):
                await row_of(ROTTEN, ("no number",))
            async with raw_connection() as connection:
                await connection.executemany(WRITTEN, [("Many",), ("Many",)])
            raise Wrong
    assert await looks_from_elsewhere(database_url, COUNT, "Many") == 0


async def test_who_was_cut_short_is_remembered_by_no_connection(database_url: str) -> None:
    async with one_connection(database_url):
        await ready((SLOW, 0))
        for _ in range(3):
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await row_of(SLOW, (60,))
        async with raw_connection() as connection:
            await connection.fetchval("SELECT 1")
            assert not connection._con._cancellations
