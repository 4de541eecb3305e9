"""Transactions on a database that goes away."""

import asyncpg
import pytest

from models import Team
from models.database import OUTAGES, is_outage, raw_connection, transaction


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


async def test_a_fault_of_ours_is_none(models: None) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError) as raised:
        async with transaction(), raw_connection() as connection:
            await connection.execute("SELEKT 1")
    assert not is_outage(raised.value)


async def test_a_cancelled_statement_is_none(models: None) -> None:
    assert not is_outage(asyncpg.QueryCanceledError("canceling statement due to user request"))
