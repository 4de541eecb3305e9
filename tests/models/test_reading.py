"""Connections for reading: what they cannot do, one moment for one operation, and what happens when one is lost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from time import monotonic
from typing import Any, cast

import asyncpg
import pytest
from structlog.testing import capture_logs

from models import Team
from models import lines as lines_of
from models import replica as replica_of
from models.database import OUTAGES, is_outage
from models.lines import Fetch, Lines
from models.reading import Readings, Snapshot
from models.replica import Replica
from tests.models.test_database import cut

PID = "SELECT pg_backend_pid() AS pid"
COUNT = "SELECT count(*) AS teams FROM teams"
SLOW = "SELECT pg_sleep(30)"
PREPARED = "SELECT count(*) FROM pg_prepared_statements"


@pytest.fixture
async def lines(database_url: str) -> AsyncIterator[Lines]:
    async with Lines(database_url, connections=1) as lines:
        yield lines


@pytest.fixture
async def fetch(lines: Lines) -> AsyncIterator[Fetch]:
    async with Snapshot(lines) as fetch:
        yield fetch


async def pid(lines: Lines) -> int:
    (row,) = await lines.fetch(PID, ())
    return int(row["pid"])


async def test_a_read_cannot_write(lines: Lines) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await lines.fetch("DELETE FROM teams", ())


async def test_nothing_is_compiled_and_one_page_costs_hardly_more_than_the_next(lines: Lines) -> None:
    assert (await lines.fetch("SHOW jit", ()))[0]["jit"] == "off"
    assert (await lines.fetch("SHOW random_page_cost", ()))[0]["random_page_cost"] == "1.1"


async def test_a_connection_is_used_again_even_after_a_fault(lines: Lines) -> None:
    before = await pid(lines)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await lines.fetch("SELECT 1 / 0", ())
    assert await pid(lines) == before


async def test_a_statement_that_is_cut_short_leaves_a_connection_for_the_next(lines: Lines) -> None:
    reading = asyncio.create_task(lines.fetch(SLOW, ()))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reading, 0.05)
    assert (await lines.fetch("SELECT 1 AS one", ()))[0]["one"] == 1


async def test_who_waits_is_next(lines: Lines) -> None:
    taken = await lines.take()
    waiting = asyncio.create_task(pid(lines))
    await asyncio.sleep(0)
    assert not waiting.done()
    await lines.give_back(taken)
    assert await waiting == await pid(lines)


async def test_nobody_waits_for_ever(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = await lines.take()  # which may take longer than that to connect
    monkeypatch.setattr(lines_of, "WAIT_SECONDS", 0.01)
    with pytest.raises(TimeoutError) as raised:
        await lines.fetch(PID, ())
    await lines.give_back(taken)
    assert is_outage(raised.value)
    assert await pid(lines)


async def test_a_line_that_is_lost_while_idle_is_not_missed(lines: Lines, database_url: str) -> None:
    before = await pid(lines)
    connection, gone = await lines.take(), asyncio.Event()
    connection.add_termination_listener(lambda _: gone.set())
    await lines.give_back(connection)
    await cut(database_url, before)
    await gone.wait()
    assert await pid(lines) != before


async def test_a_line_that_is_lost_in_a_statement_is_an_outage(lines: Lines, database_url: str) -> None:
    backend = await pid(lines)
    reading = asyncio.create_task(lines.fetch(SLOW, ()))
    await asyncio.sleep(0)
    await cut(database_url, backend)
    with pytest.raises(OUTAGES):
        await reading
    assert await pid(lines) != backend


async def test_statements_that_are_driven_out_are_ended_many_at_once(lines: Lines) -> None:
    """Also while something is read as of one moment."""
    kept: list[int] = []
    async with Snapshot(lines) as fetch:
        for number in range(lines_of._STATEMENTS + 3 * lines_of._CLOSED_AT_ONCE):
            assert (await fetch(f"SELECT {number} AS number", ()))[0]["number"] == number
            kept.append((await fetch(PREPARED, ()))[0]["count"])
    most = lines_of._STATEMENTS + lines_of._CLOSED_AT_ONCE
    assert most - 1 <= max(kept) <= most
    assert kept[-1] < max(kept)


async def test_an_operation_reads_one_moment(lines: Lines, models: None) -> None:
    async with Snapshot(lines) as fetch:
        (before,) = await fetch(COUNT, ())
        await Team.create(name="Later")
        assert await fetch(COUNT, ()) == [before]
    assert (await lines.fetch(COUNT, ()))[0]["teams"] > before["teams"]


async def test_a_fault_leaves_the_others_their_moment(fetch: Fetch, models: None) -> None:
    (before,) = await fetch(COUNT, ())
    await Team.create(name="Later")
    with pytest.raises(asyncpg.CharacterNotInRepertoireError):
        await fetch("SELECT $1::text", ("\x00",))
    assert await fetch(COUNT, ()) == [before]


async def test_statements_asked_for_at_once_take_turns(fetch: Fetch) -> None:
    answers = await asyncio.gather(*(fetch("SELECT $1::int AS it", (number,)) for number in range(20)))
    assert [row["it"] for (row,) in answers] == list(range(20))


async def test_an_operation_that_reads_nothing_opens_nothing(database_url: str) -> None:
    async with Readings(database_url, connections=1) as readings:
        async with readings.snapshot():
            pass
        assert readings._primary._pool.get_size() == 0


async def test_the_end_cuts_short_what_still_reads(lines: Lines) -> None:
    async with Snapshot(lines) as fetch:
        backend = (await fetch(PID, ()))[0]["pid"]
        reading, waiting = (asyncio.create_task(fetch(SLOW, ())) for _ in range(2))
        await asyncio.sleep(0)
    await asyncio.wait({reading, waiting})
    assert reading.cancelled()
    assert waiting.cancelled()
    assert await pid(lines) == backend


async def test_a_beginning_that_is_cut_short_is_nobodys_fault(lines: Lines) -> None:
    faults: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context["message"]))
    before = await pid(lines)
    for turns in [*range(2, 10)] * 10:  # some into the wait for the answer to BEGIN, which the server has done by then
        reading = asyncio.create_task(_read(Snapshot(lines)))
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait({reading})
        assert reading.cancelled()
    asyncio.get_running_loop().set_exception_handler(None)
    assert faults == []
    assert await pid(lines) == before


async def _read(snapshot: Snapshot) -> None:
    async with snapshot as fetch:
        await fetch(COUNT, ())


async def test_a_snapshot_whose_line_is_lost_says_so_and_ends(lines: Lines, database_url: str) -> None:
    async with Snapshot(lines) as fetch:
        await cut(database_url, (await fetch(PID, ()))[0]["pid"])
        with pytest.raises(OUTAGES):
            await fetch(PID, ())
    assert await pid(lines)


class Still:
    """A replica that has stopped where it was."""

    async def fetch(self, text: str, values: Sequence[Any]) -> list[dict[str, int]]:
        return [{"lsn": 1, "position": 1}]


class Broken:
    """A replica that fails, each time in the same way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def fetch(self, text: str, values: Sequence[Any]) -> Any:
        raise self.error


async def test_a_replica_that_stands_still_is_left_alone(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    now = monotonic()
    monkeypatch.setattr(replica_of, "monotonic", lambda: now)
    replica = Replica(cast("Lines", Still()), lines)
    await replica.compare()
    assert await replica.has(1, 1)
    await replica.compare()  # it has not reached what it was compared with
    now += replica_of.MOST_SECONDS_BEHIND
    await replica.compare()
    assert (replica.fit, replica.lag_seconds) == (True, replica_of.MOST_SECONDS_BEHIND)
    now += 1
    await replica.compare()
    assert not await replica.has(1, 1)
    assert replica.lag_bytes > 0


async def test_a_replica_that_is_a_primary_now_is_as_good(lines: Lines) -> None:
    replica = Replica(lines, lines)
    await replica.compare()
    assert await replica.has(1, 0)
    assert not await replica.has(2**62, 0)
    assert not await replica.has(1, 2**62)


async def test_what_the_replica_cannot_read_the_primary_reads(database_url: str) -> None:
    async with Readings(database_url, connections=1, replica_url=database_url) as readings:
        assert readings.replica is not None
        await readings.replica.compare()
        readings.replica.lines = cast("Lines", Broken(asyncpg.SerializationError("conflict with recovery")))
        with capture_logs() as said:
            assert (await readings.fetch("SELECT 1 AS one", fresh=False))[0]["one"] == 1
        assert said[0]["event"] == "replica.left_alone"


async def test_values_are_at_fault_wherever_they_are_read(database_url: str) -> None:
    async with Readings(database_url, connections=1, replica_url=database_url) as readings:
        assert readings.replica is not None
        await readings.replica.compare()
        with pytest.raises(asyncpg.DataError):
            await readings.fetch("SELECT $1::text", ("\x00",), fresh=False)
        assert readings.replica.fit
