"""Transactions on a database that goes away."""

import asyncio

import asyncpg
import pytest

from models import Team, database
from models.database import (
    OUTAGES,
    NoDatabase,
    closed_when,
    in_a_transaction,
    is_outage,
    lasting_transaction,
    one_transaction,
    raw_connection,
    require_database,
    transaction,
    transactions_within,
)

SLOW_COMMIT = """
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.6); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON teams DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
EXECUTE FUNCTION slowly();
"""


async def cut(database_url: str, backend: int) -> None:
    """Ends a connection from the server's side, as a restart would."""
    other = await asyncpg.connect(database_url)
    await other.execute("SELECT pg_terminate_backend($1)", backend)
    await other.close()


@pytest.mark.parametrize("by", ["a statement", "the models", "the commit"])
async def test_a_line_lost_in_a_transaction_is_an_outage(models: None, database_url: str, by: str) -> None:
    with pytest.raises(OUTAGES) as raised:  # noqa: PT012 - the commit is one of the places that may raise
        async with transaction():
            async with raw_connection() as connection:
                await cut(database_url, await connection.fetchval("SELECT pg_backend_pid()"))
            if by == "a statement":
                async with raw_connection() as connection:
                    await connection.execute("SELECT 1")
            elif by == "the models":
                await Team.create(name="Nobody's")
    assert is_outage(raised.value)
    assert not await Team.exists(name="Nobody's")


async def test_a_server_that_is_too_old_is_refused_in_a_sentence(models: None, monkeypatch: pytest.MonkeyPatch) -> None:
    await require_database()
    monkeypatch.setattr(database, "OLDEST", 99)
    with pytest.raises(NoDatabase, match="cannot be used: it is PostgreSQL 18, and must be 99 or newer"):
        await require_database()


async def test_a_fault_of_ours_is_none(models: None) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError) as raised:
        async with transaction(), raw_connection() as connection:
            await connection.execute("SELEKT 1")
    assert not is_outage(raised.value)


async def test_a_cancelled_statement_is_none(models: None) -> None:
    assert not is_outage(asyncpg.QueryCanceledError("canceling statement due to user request"))


class Wrong(Exception):
    """Something that a use-case raises."""


async def committed(*names: str) -> list[str]:
    """Which of the teams of these names everybody sees."""
    assert not in_a_transaction()
    return sorted([team.name for team in await Team.filter(name__in=names)])


async def test_transactions_within_one_are_committed_together_at_its_end(models: None, database_url: str) -> None:
    other = await asyncpg.connect(database_url)
    async with one_transaction():
        assert not in_a_transaction()
        for name in ("first of two", "second of two"):
            async with transaction():
                await Team.create(name=name)
        assert in_a_transaction()
        assert await other.fetchval("SELECT count(*) FROM teams WHERE name LIKE '% of two'") == 0
    await other.close()
    assert await committed("first of two", "second of two") == ["first of two", "second of two"]


async def test_whatever_fails_within_one_undoes_all_of_it(models: None) -> None:
    with pytest.raises(Wrong):  # noqa: PT012 - what comes before is what is undone
        async with one_transaction():
            async with transaction():
                await Team.create(name="done too early")
            raise Wrong
    assert await committed("done too early") == []


async def test_a_transaction_that_is_tried_again_within_one_is_undone_at_once(models: None) -> None:
    async with one_transaction():
        with pytest.raises(Wrong):  # noqa: PT012 - as above
            async with transaction():
                await Team.create(name="the first try")
                raise Wrong
        assert not in_a_transaction()
        async with transaction():
            await Team.create(name="the second try")
        with pytest.raises(Wrong):  # noqa: PT012 - as above
            async with transaction():
                await Team.create(name="a part")
                raise Wrong
        assert in_a_transaction()
    assert await committed("the first try", "the second try", "a part") == ["the second try"]


async def test_what_lasts_is_committed_though_all_else_is_undone(models: None) -> None:
    with pytest.raises(Wrong):  # noqa: PT012 - as above
        async with one_transaction():
            async with lasting_transaction():
                await Team.create(name="what was tried")
            assert not in_a_transaction()
            async with transaction():
                await Team.create(name="what came of it")
            raise Wrong
    assert await committed("what was tried", "what came of it") == ["what was tried"]


async def test_nothing_lasts_by_itself_inside_of_a_transaction(models: None) -> None:
    with pytest.raises(RuntimeError, match="shall last"):
        async with transaction(), lasting_transaction():
            pass


async def test_one_without_any_transaction_begins_none(models: None) -> None:
    async with one_transaction():
        await Team.create(name="on its own")
    assert await committed("on its own") == ["on its own"]


async def test_where_it_is_closed_no_transaction_begins(models: None) -> None:
    with pytest.raises(OUTAGES), closed_when(lambda: True):
        async with transaction():
            await Team.create(name="Never")
    with closed_when(lambda: False):
        async with transaction():
            assert not await Team.exists(name="Never")


async def test_a_transaction_that_has_had_its_time_changes_nothing(models: None) -> None:
    """Though none of its statements takes long."""
    with pytest.raises(TimeoutError) as raised, transactions_within(0.3):  # noqa: PT012 - any statement may be the last
        async with transaction():
            await Team.create(name="Too late")
            while True:
                async with raw_connection() as connection:
                    await connection.execute("SELECT pg_sleep(0.05)")
    assert is_outage(raised.value)
    assert not await Team.exists(name="Too late")


async def test_all_of_what_is_one_has_one_time(models: None) -> None:
    """Its first transaction ended in time; nothing of it is committed, and its connection, of four, is given back."""
    for _ in range(5):
        with pytest.raises(TimeoutError) as raised, transactions_within(0.2):  # noqa: PT012 - as above
            async with one_transaction():
                async with transaction():
                    await Team.create(name="Done in time")
                async with raw_connection() as connection:
                    await connection.execute("SELECT pg_sleep(60)")
        assert is_outage(raised.value)
        assert await committed("Done in time") == []


async def test_after_its_time_no_transaction_begins(models: None) -> None:
    with pytest.raises(TimeoutError), transactions_within(0):
        async with transaction():
            await Team.create(name="Never")
    assert not await Team.exists(name="Never")


async def test_a_commit_is_waited_for(models: None) -> None:
    """Cut short, nobody would know whether it is so."""
    async with transaction(), raw_connection() as connection:
        await connection.execute(SLOW_COMMIT)
    try:
        with transactions_within(0.3):
            async with transaction():
                await Team.create(name="Slowly")
        assert await Team.exists(name="Slowly")
    finally:
        async with raw_connection() as connection:
            await connection.execute("DROP TRIGGER slowly ON teams; DROP FUNCTION slowly")


async def test_who_waits_for_a_connection_does_not_wait_for_longer(models: None) -> None:
    held, let_go = asyncio.Semaphore(0), asyncio.Event()

    async def hold() -> None:
        async with transaction():
            held.release()
            await let_go.wait()

    holding = [asyncio.create_task(hold()) for _ in range(4)]
    for _ in holding:
        await held.acquire()
    try:
        with pytest.raises(TimeoutError), transactions_within(0.3):
            async with transaction():
                pass
    finally:
        let_go.set()
        await asyncio.gather(*holding)
    async with transaction():  # which takes one of the four: none was lost
        assert in_a_transaction()
