"""Writing the tables at once: without their indexes and references, which are made again at the end."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg

from local.large.tables import Table

Report = Callable[[str], Any]

# What serves a constraint (primary keys, unique columns) stays: it is also cheap, since our rows come in its order.
_INDEXES = """
SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY($1::text[]::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
ORDER BY indexrelid
"""
_REFERENCES = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY($1::text[]::regclass[]) ORDER BY oid
"""
_TARGETS = """
SELECT format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', indexrelid::regclass, attnum, attstattarget)
FROM pg_index JOIN pg_attribute ON attrelid = indexrelid AND attstattarget >= 0
WHERE indrelid = ANY($1::text[]::regclass[])
"""


@asynccontextmanager
async def without_upkeep(connection: asyncpg.Connection, tables: list[str], report: Report) -> AsyncIterator[None]:
    """In the running transaction, and for the block: the tables have neither indexes nor references, and are locked."""
    await connection.execute("SET LOCAL lock_timeout = '30s'")
    await connection.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
    upkeep = [*await connection.fetch(_INDEXES, tables), *await connection.fetch(_REFERENCES, tables)]
    targets = [target for (target,) in await connection.fetch(_TARGETS, tables)]
    for drop, _ in upkeep:
        await connection.execute(drop)
    yield
    await connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
    with timed(report, f"{len(upkeep)} indexes and references"):
        for statement in [*(create for _, create in upkeep), *targets]:
            await connection.execute(statement)


async def copy(connection: asyncpg.Connection, table: Table, report: Report) -> None:
    """Writes all rows of a table."""
    with timed(report, f"{table.count:,} {table.name}"):
        await connection.copy_records_to_table(table.name, records=table.rows, columns=table.columns)


async def tidy(connection: asyncpg.Connection, tables: list[str], report: Report) -> None:
    """Outside of any transaction: what the planner must know, and what lets it answer from indexes alone."""
    with timed(report, "statistics"):
        for table in tables:
            await connection.execute(f"VACUUM (ANALYZE) {table}")


@contextmanager
def timed(report: Report, what: str) -> Iterator[None]:
    """Reports what the block does, and how long it took."""
    began = time.perf_counter()
    yield
    report(f"{what:>36}  {time.perf_counter() - began:6.1f} s")
