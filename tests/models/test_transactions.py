"""How transactions begin and end: on few trips, and on connections that are sound afterwards."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

import asyncpg
import pytest

from domain.tally import Tally, counted
from models import Team
from models.database import OUTAGES, in_a_transaction, raw_connection, row_of, transaction, transactions_within

LOCKED = "SELECT id, pg_backend_pid() FROM teams WHERE name = $1 FOR UPDATE"
FREE = "SELECT count(*) FROM (SELECT FROM teams WHERE name = $1 FOR UPDATE SKIP LOCKED) free"
ROTTEN = "SELECT 1 / $1::int"
STATE = "SELECT state FROM pg_stat_activity WHERE pid = $1"
PID = "SELECT pg_backend_pid()"


class Wrong(Exception):
    """Something that a use-case raises."""


@contextmanager
def trips() -> Iterator[Tally]:
    """Counts what goes to the server."""
    token = counted.set(tally := Tally())
    try:
        yield tally
    finally:
        counted.reset(token)


async def prepared(text: str, *values: object) -> int:
    """Has the statement prepared on the connection that comes next, whose process is answered."""
    async with raw_connection() as connection:
        await connection.fetchrow(text, *values)
        return int(await connection.fetchval(PID))


async def looks_from_elsewhere(database_url: str, text: str, *values: object) -> object:
    other = await asyncpg.connect(database_url)
    try:
        return await other.fetchval(text, *values)
    finally:
        await other.close()


async def test_what_asks_for_nothing_takes_no_trip(models: None) -> None:
    with trips() as tally:
        async with transaction():
            assert in_a_transaction()
    assert tally.statements == 0


async def test_the_first_statement_begins_a_transaction_on_its_own_trip(models: None, database_url: str) -> None:
    await Team.create(name="Held")
    process = await prepared(LOCKED, "Held")
    with trips() as tally:
        async with transaction():
            row = await row_of(LOCKED, ("Held",))
            assert row is not None
            assert row["pg_backend_pid"] == process
            assert await looks_from_elsewhere(database_url, FREE, "Held") == 0
    assert tally.statements == 2, "the statement, and the commit"
    assert await looks_from_elsewhere(database_url, FREE, "Held") == 1


async def test_one_that_is_not_prepared_takes_one_more(models: None) -> None:
    await prepared(PID)
    with trips() as tally:
        async with transaction():
            assert await row_of("SELECT 'never asked before'", ())
    assert tally.statements == 3


async def test_what_was_begun_so_is_undone_as_a_whole(models: None) -> None:
    await prepared(LOCKED, "Undone")
    with pytest.raises(Wrong):  # noqa: PT012 - what comes before is what is undone
        async with transaction():
            await row_of(LOCKED, ("Undone",))
            await Team.create(name="Undone")
            raise Wrong
    assert not await Team.exists(name="Undone")


@pytest.mark.parametrize(
    ("value", "error"), [(0, asyncpg.DivisionByZeroError), ("no number", asyncpg.DataError)], ids=["server", "client"]
)
async def test_a_first_statement_that_fails_leaves_nothing_open(
    models: None, database_url: str, value: object, error: type[Exception]
) -> None:
    process = await prepared(ROTTEN, 1)
    with pytest.raises(error):
        async with transaction():
            await row_of(ROTTEN, (value,))
    assert await looks_from_elsewhere(database_url, STATE, process) == "idle"
    async with transaction():
        row = await row_of(ROTTEN, (1,))
        assert row is not None
        assert row[0] == 1


async def test_a_first_statement_that_is_cut_short_leaves_nothing_open(models: None, database_url: str) -> None:
    process = await prepared("SELECT pg_sleep($1)", 0)
    with pytest.raises(TimeoutError), transactions_within(0.2):
        async with transaction():
            await row_of("SELECT pg_sleep($1)", (60,))
    assert await looks_from_elsewhere(database_url, STATE, process) == "idle"


async def test_statements_asked_for_at_once_take_turns(models: None) -> None:
    text = "SELECT $1::int, pg_current_xact_id()::text"
    await prepared(text, 0)
    async with transaction():
        rows = await asyncio.gather(*(row_of(text, (number,)) for number in range(20)))
    assert [row and row[0] for row in rows] == list(range(20))
    assert len({row and row[1] for row in rows}) == 1


async def test_a_part_can_be_undone_by_itself(models: None) -> None:
    async with transaction():
        with pytest.raises(Wrong):  # noqa: PT012 - what comes before is what is undone
            async with transaction():
                async with transaction():
                    await Team.create(name="inner part")
                raise Wrong
        async with transaction():
            await Team.create(name="second part")
    assert await Team.exists(name="second part")
    assert not await Team.exists(name="inner part")


@pytest.mark.parametrize("begun", [True, False])
async def test_a_task_that_outlives_a_transaction_gets_nothing_of_its_connection(
    models: None, database_url: str, begun: bool
) -> None:
    process = await prepared(PID)
    over = asyncio.Event()

    async def late() -> None:
        await over.wait()
        with pytest.raises(RuntimeError, match="outlived"):
            await row_of(PID, ())
        async with raw_connection() as connection:
            await connection.execute("SELECT 1")

    async with transaction():
        task = asyncio.create_task(late())
        if begun:
            await row_of(PID, ())
    over.set()
    with pytest.raises(RuntimeError, match="outlived"):
        await task
    assert await looks_from_elsewhere(database_url, STATE, process) == "idle"


@pytest.mark.parametrize("fails", [True, False], ids=["undone", "committed"])
async def test_a_transaction_ends_after_what_its_tasks_ask_for(models: None, database_url: str, fails: bool) -> None:
    slow = "SELECT $1::int, pg_sleep(0.2)"
    process = await prepared(slow, 0)
    with pytest.raises(Wrong) if fails else nullcontext():
        async with transaction():
            asked = asyncio.create_task(row_of(slow, (7,)))
            await asyncio.sleep(0)
            if fails:
                raise Wrong
    assert asked.done()
    row = asked.result()
    assert row is not None
    assert row[0] == 7
    assert await looks_from_elsewhere(database_url, STATE, process) == "idle"


async def test_an_end_that_is_cut_short_leaves_nothing_open(models: None, database_url: str) -> None:
    slow = "SELECT pg_sleep(0.2)"
    process = await prepared(slow)
    asked, ends = list[asyncio.Task[object]](), asyncio.Event()

    async def fail() -> None:
        async with transaction():
            asked.append(asyncio.create_task(row_of(slow, ())))
            await asyncio.sleep(0)
            ends.set()
            raise Wrong

    failing = asyncio.create_task(fail())
    await ends.wait()
    failing.cancel()
    await asyncio.wait([failing, *asked])
    assert failing.cancelled()
    assert isinstance(asked[0].exception(), asyncpg.PostgresConnectionError)
    assert await looks_from_elsewhere(database_url, STATE, process) in (None, "active")
    assert await prepared(PID) != process


async def test_a_fault_that_is_passed_over_does_not_pass_for_a_commit(models: None) -> None:
    with pytest.raises(asyncpg.InFailedSQLTransactionError, match="nothing was committed"):  # noqa: PT012
        async with transaction():
            await Team.create(name="Passed over")
            with suppress(asyncpg.DivisionByZeroError):
                await row_of(ROTTEN, (0,))
    assert not await Team.exists(name="Passed over")


async def test_a_line_that_is_lost_before_the_first_statement_is_an_outage(models: None, database_url: str) -> None:
    process = await prepared(PID)
    with pytest.raises(OUTAGES):  # noqa: PT012 - what comes before is what is lost
        async with transaction():
            await looks_from_elsewhere(database_url, "SELECT pg_terminate_backend($1, 5000)", process)
            await row_of(PID, ())
    assert await prepared(PID) != process


async def test_outside_of_a_transaction_a_row_is_just_read(models: None) -> None:
    await Team.create(name="Read")
    with trips() as tally:
        row = await row_of("SELECT name FROM teams WHERE name = $1", ("Read",))
    assert row is not None
    assert (row["name"], tally.statements) == ("Read", 1)


@pytest.mark.parametrize("inside", [False, True])
async def test_values_that_are_refused_here_leave_the_server_nothing_to_wait_for(
    models: None, database_url: str, inside: bool
) -> None:
    """Where the statement was just being prepared, for which the server holds locks."""
    process = await prepared(PID)
    text = f"SELECT name FROM teams WHERE created_at > now() - make_interval(days => $1) AND {inside}"
    with pytest.raises(asyncpg.DataError):
        async with transaction() if inside else nullcontext():
            await row_of(text, ("no number",))
    assert await looks_from_elsewhere(database_url, STATE, process) == "idle"
