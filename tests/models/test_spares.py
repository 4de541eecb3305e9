"""Whoever is given a connection finds it at rest, whatever became of those who had it before.

At rest: in no transaction, also none that only the server knows of, and with no cancel of an earlier statement on its
way. Here those before are cut short: at each moment at which they wait for the server, and at random.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count, product
from random import Random
from typing import Any

import asyncpg
import pytest
from asyncpg import Connection

from models.client import Client
from models.database import configuration, is_outage
from models.lines import Lines
from models.reading import Snapshot

ANSWERS, TURNS = 5, 4
"""Of the server until the slowest is through; and of the loop until who waits for one has asked for the next."""
AGAIN = None, 0, 1, 3, 8
"""Turns of the loop until a second cancel, where there is one."""
AT_ONCE, ROUNDS = 12, 30
SOME_SECONDS = 0.004
"""About what one takes among so many."""
BLOWS = "SELECT pg_cancel_backend($1)", "SELECT pg_terminate_backend($1)"
STATE = "SELECT state FROM pg_stat_activity WHERE pid = $1 AND xact_start IS NOT NULL"
NOW = "SELECT now() AS began"
Source = Lines | Client
Ask = Callable[[], Coroutine[Any, Any, datetime]]
"""Asks for something, and answers when the transaction has begun in which it was done."""
Moment = tuple[int, int, int | None]
"""At which answer, so many turns later, and as many more until the second time; see `_Wire`."""
NEVER = 0, 0, None
_numbers = count()


def new() -> str:
    """A statement that no connection has prepared yet, and for which the server holds a lock."""
    return f"{NOW}, {next(_numbers)} AS number FROM (SELECT count(*) FROM teams) teams"


def moments() -> Iterable[Moment]:
    return product(range(1, ANSWERS + 1), range(-1, TURNS), AGAIN)


@asynccontextmanager
async def opened(url: str, connections: int) -> AsyncIterator[Client]:
    options = configuration(url, connections=connections)["connections"]["default"]["credentials"]
    client = Client(**options, connection_name="default")
    yield client
    await client.close()


@pytest.fixture
async def lines(database_url: str) -> AsyncIterator[Lines]:
    async with Lines(database_url, connections=1) as lines:
        yield lines


@pytest.fixture
async def client(database_url: str, models: None) -> AsyncIterator[Client]:
    async with opened(database_url, connections=1) as client:
        yield client


@pytest.fixture
async def elsewhere(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture(autouse=True)
async def faults() -> AsyncIterator[None]:
    """What asyncpg calls a fault of ours is none of those who are cut short."""
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["message"]))
    yield
    asyncio.get_running_loop().set_exception_handler(None)
    assert told == []


def reads(lines: Lines) -> dict[str, Ask]:
    async def statement() -> datetime:
        return (await lines.fetch(new(), ()))[0]["began"]  # type: ignore[no-any-return]

    async def moment() -> datetime:
        async with Snapshot(lines) as fetch:
            return (await fetch(new(), ()))[0]["began"]  # type: ignore[no-any-return]

    return {"statement": statement, "moment": moment}


def writes(client: Client) -> dict[str, Ask]:
    async def statement() -> datetime:
        return (await client.row(new(), ()))["began"]  # type: ignore[index, no-any-return]

    async def transaction(first: str | None = None) -> datetime:
        async with client._in_transaction() as running:
            row = await running.row(first or new(), ())
            await running.row(new(), ())
            return row["began"]  # type: ignore[no-any-return]

    return {"statement": statement, "transaction": transaction, "prepared": lambda: transaction(NOW)}


@pytest.mark.parametrize("asked", ["statement", "moment"])
async def test_where_is_read(lines: Lines, elsewhere: Connection, asked: str) -> None:
    await cut_everywhere(lines, elsewhere, reads(lines)[asked])


@pytest.mark.parametrize("asked", ["statement", "transaction", "prepared"])
async def test_where_is_written(client: Client, elsewhere: Connection, asked: str) -> None:
    await client.row(NOW, ())
    await cut_everywhere(client, elsewhere, writes(client)[asked])


async def test_who_is_cut_short_leaves_the_others_of_its_operation_their_moment(lines: Lines) -> None:
    """Also where that happens once more, while what it has left is being mended."""
    for again in (None, *range(8), *range(8, 400, 16)):
        async with Snapshot(lines) as fetch:
            (before,) = await fetch(NOW, ())
            async with cutting(lines._pool._holders[0]._proxy, (1, TURNS, again)) as wire:
                wire.asking = asyncio.create_task(fetch(f"{new()}, pg_sleep(0.2)", ()))
                await asyncio.wait({wire.asking})
            assert await fetch(NOW, ()) == [before], again


async def test_what_goes_well_takes_no_trip_for_that(lines: Lines) -> None:
    assert await _trips(lines, lambda: lines.fetch(NOW, ())) == 1
    assert await _trips(lines, lambda: _read(Snapshot(lines))) == 3, "to begin, to read and to end"


async def _trips(lines: Lines, ask: Callable[[], Awaitable[Any]]) -> int:
    await ask()  # has it prepared
    connection = await lines.take()
    await lines.give_back(connection)
    async with cutting(connection, NEVER) as wire:
        await ask()
    return wire.answers


async def _read(snapshot: Snapshot) -> None:
    async with snapshot as fetch:
        await fetch(NOW, ())


@pytest.mark.parametrize("blows", [False, True], ids=["quiet", "blows"])
@pytest.mark.parametrize("seed", range(2))
async def test_nobody_suffers_from_who_is_cut_short_at_random(
    database_url: str, models: None, elsewhere: Connection, seed: int, blows: bool
) -> None:
    """Also where the server ends statements and connections by itself: who is hit hears of that alone."""
    async with Lines(database_url, connections=3) as lines, opened(database_url, connections=3) as client:
        asks = [*reads(lines).values(), *writes(client).values()]
        playing = asyncio.gather(*(_cut_at_random(asks, Random(f"{seed} {number}")) for number in range(AT_ONCE)))
        random = Random(seed)
        while blows and not playing.done():
            await asyncio.sleep(0)
            if processes := [*_processes(lines), *_processes(client)]:
                await elsewhere.execute(random.choice(BLOWS), random.choice(processes))
        suffered = [fault for faults in await playing for fault in faults if not (blows and _is_a_blow(fault))]
    assert suffered == []


async def _cut_at_random(asks: list[Ask], random: Random) -> list[BaseException]:
    """Nobody, once or twice; answers what those have heard who were not."""
    faults = list[BaseException]()
    for _ in range(ROUNDS):
        before, asking = datetime.now(UTC), asyncio.create_task(random.choice(asks)())
        for _ in range(random.randrange(3)):
            asyncio.get_running_loop().call_later(random.uniform(0, SOME_SECONDS), asking.cancel)
        await asyncio.wait({asking})
        if asking.cancelled():
            continue
        if (fault := asking.exception()) is not None:
            faults.append(fault)
        elif asking.result() < before:
            faults.append(AssertionError("it was done in somebody else's transaction"))
    return faults


def _is_a_blow(fault: BaseException) -> bool:
    return is_outage(fault) or isinstance(fault, asyncpg.QueryCanceledError)


def _processes(source: Source) -> list[int]:
    holders = source._pool._holders if source._pool is not None else []
    return [holder._con.get_server_pid() for holder in holders if holder.is_connected()]


async def cut_everywhere(source: Source, elsewhere: Connection, ask: Ask) -> None:
    """Has it cut short at each answer of the server, in each turn of the loop around it, once and twice."""
    found = []
    for moment in moments():
        connection = await source.take()
        await source.give_back(connection)  # who asks is the next to have it
        async with cutting(connection, moment) as wire:
            wire.asking = asyncio.create_task(ask())
            await asyncio.wait({wire.asking})
        if unrest := await _unrest(source, elsewhere):
            found.append(f"{moment}: {unrest}")
    assert found == []


async def _unrest(source: Source, elsewhere: Connection) -> str:
    connection = await source.take()
    state = await elsewhere.fetchval(STATE, connection.get_server_pid())
    cancelling = connection._protocol._is_cancelling()
    await source.give_back(connection)
    return f"{state}, cancelling: {cancelling}" if state or cancelling else ""


@asynccontextmanager
async def cutting(connection: Connection, moment: Moment) -> AsyncIterator["_Wire"]:
    transport = connection._transport
    wire = _Wire(transport.get_protocol(), *moment)
    transport.set_protocol(wire)
    yield wire
    transport.set_protocol(wire.of_asyncpg)


class _Wire:
    """Lies between a connection and its line, and cuts short who asks when so many answers have come from the server.

    As many turns of the loop after that; with -1 in the same turn, just before asyncpg hears of it. Nothing else
    happens in the loop, so it is the same each time.
    """

    def __init__(self, of_asyncpg: asyncio.Protocol, answer: int, turns: int, again: int | None) -> None:
        self.asking: asyncio.Task[Any]
        self.of_asyncpg = of_asyncpg
        self.answers = 0
        self._last, self._turns, self._again = answer, turns, again

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of_asyncpg, name)

    def data_received(self, data: bytes) -> None:
        self.answers += 1
        is_last = self.answers == self._last
        if is_last and self._turns < 0:
            self._cut()
        self.of_asyncpg.data_received(data)
        if is_last and self._turns >= 0:
            _after(self._turns, self._cut)

    def _cut(self) -> None:
        self.asking.cancel()
        if self._again is not None:
            _after(self._again, self.asking.cancel)


def _after(turns: int, call: Callable[[], Any]) -> None:
    if turns == 0:
        call()
    else:
        asyncio.get_running_loop().call_soon(_after, turns - 1, call)
