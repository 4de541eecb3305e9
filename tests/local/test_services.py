"""Embedded PostgreSQL and Redis: real ones, in all the ways in which they start and end."""

import os
from pathlib import Path

import asyncpg
import pytest
from arq.connections import RedisSettings, create_pool
from redis.asyncio import Redis

from local.errors import LocalError
from local.postgres import EmbeddedPostgres
from local.redis import EmbeddedRedis

OWNER = """
import signal, sys
from pathlib import Path
from local.postgres import EmbeddedPostgres
from local.redis import EmbeddedRedis
folder = Path(sys.argv[1])
with EmbeddedPostgres(folder / "pg", lasting=True) as pg, EmbeddedRedis(folder / "redis", lasting=True) as redis:
    if not pg.has_database("studio"):
        pg.create_database("studio")
    print(pg.process.pid, redis.process.pid, pg.url("studio"), redis.url(), flush=True)
    signal.pause()
"""


async def execute(url, *statements):
    connection = await asyncpg.connect(url)
    try:
        return [await connection.fetch(statement) for statement in statements][-1]
    finally:
        await connection.close()


async def test_postgres_serves_copies_and_drops_databases(scratch):
    with EmbeddedPostgres(scratch / "pg", lasting=False) as postgres:
        postgres.create_database("first")
        await execute(postgres.url("first"), "CREATE EXTENSION pg_trgm", "CREATE TABLE clips AS SELECT 7 AS id")
        postgres.create_database("second", template="first")
        assert [row["id"] for row in await execute(postgres.url("second"), "SELECT id FROM clips")] == [7]
        assert postgres.has_database("second")
        postgres.drop_database("second")
        assert not postgres.has_database("second")
        with pytest.raises(LocalError, match="already exists"):
            postgres.create_database("first")
        with pytest.raises(ValueError, match="not a plain database name"):
            postgres.create_database('x"; DROP DATABASE first')


@pytest.mark.parametrize(("lasting", "fsync"), [(True, "on"), (False, "off")])
async def test_postgres_is_as_durable_as_asked(scratch, lasting, fsync):
    with EmbeddedPostgres(scratch / "pg", lasting=lasting) as postgres:
        assert (await execute(postgres.url("postgres"), "SHOW fsync"))[0]["fsync"] == fsync


async def test_redis_serves_redis_py_and_arq(scratch):
    with EmbeddedRedis(scratch / "redis", lasting=False) as redis:
        async with Redis.from_url(redis.url(3)) as client:
            await client.set("clip", "v1")
        pool = await create_pool(RedisSettings.from_dsn(redis.url(3)))
        assert await pool.get("clip") == b"v1"
        await pool.aclose()


@pytest.mark.parametrize("service", [EmbeddedPostgres, EmbeddedRedis])
def test_nothing_but_data_is_left_behind(scratch, service, ended):
    with service(scratch / "data", lasting=False) as running:
        process, sockets = running.process, running._sockets
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert ended(process.pid)
    assert not sockets.exists()
    assert {path.name for path in (scratch / "data").iterdir()} == {"data", "lock", "log"}


@pytest.mark.parametrize("service", [EmbeddedPostgres, EmbeddedRedis])
def test_a_second_owner_is_refused_and_harms_nothing(scratch, service, monkeypatch):
    monkeypatch.setattr("local.service._LOCK_SECONDS", 0.05)
    with service(scratch / "data", lasting=False) as first:
        with pytest.raises(LocalError, match="already running"), service(scratch / "data", lasting=False):
            pass
        assert first.poll() is None
        assert first._is_ready()


async def test_a_killed_service_starts_again_at_the_same_address(scratch):
    with (
        EmbeddedPostgres(scratch / "pg", lasting=True) as postgres,
        EmbeddedRedis(scratch / "r", lasting=True) as redis,
    ):
        before = postgres.url("postgres"), redis.url()
        await execute(before[0], "CREATE TABLE clips AS SELECT 7 AS id")
        for service in (postgres, redis):
            service.process.kill()
            service.process.wait()
            service.start()
        assert (postgres.url("postgres"), redis.url()) == before
        assert [row["id"] for row in await execute(before[0], "SELECT id FROM clips")] == [7]


async def test_services_end_with_a_killed_owner_and_keep_what_they_had(scratch, script, ended):
    first = script("-c", OWNER, str(scratch))
    pids, (database, cache) = _addresses(first)
    await execute(database, "CREATE TABLE clips AS SELECT 7 AS id")
    async with Redis.from_url(cache) as client:
        await client.set("clip", "v1")
    first.kill()
    assert all(ended(pid) for pid in pids)

    _, (database, cache) = _addresses(script("-c", OWNER, str(scratch)))
    assert [row["id"] for row in await execute(database, "SELECT id FROM clips")] == [7]
    async with Redis.from_url(cache) as client:
        assert await client.get("clip") == b"v1"


def test_what_a_killed_owner_left_in_the_temporary_folder_goes_at_the_next_start(scratch, script, ended):
    first = script("-c", OWNER, str(scratch))
    pids, _ = _addresses(first)
    sockets = (scratch / "pg" / "short").readlink()
    first.kill()
    assert all(ended(pid) for pid in pids)
    assert sockets.exists()
    with EmbeddedPostgres(scratch / "pg", lasting=True):
        assert not sockets.exists()


def test_a_process_id_that_is_another_s_by_now_does_not_keep_postgres_from_starting(scratch):
    with EmbeddedPostgres(scratch / "pg", lasting=False) as postgres:
        note = (scratch / "pg/data/postmaster.pid").read_text()
        old = str(postgres.process.pid)
    (scratch / "pg/data/postmaster.pid").write_text(note.replace(old, str(os.getpid())))
    with EmbeddedPostgres(scratch / "pg", lasting=False) as postgres:
        assert postgres.poll() is None


def test_a_half_made_data_folder_is_made_anew(scratch):
    (scratch / "pg/unfinished").mkdir(parents=True)
    (scratch / "pg/unfinished/PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(scratch / "pg", lasting=False) as postgres:
        assert postgres.has_database("postgres")


def test_data_of_another_version_is_refused_and_kept(scratch):
    (scratch / "pg/data").mkdir(parents=True)
    (scratch / "pg/data/PG_VERSION").write_text("15\n")
    with pytest.raises(LocalError, match="was made by PostgreSQL 15, and this is 18"), _postgres(scratch / "pg"):
        pass
    assert (scratch / "pg/data/PG_VERSION").read_text() == "15\n"


@pytest.mark.parametrize("service", [EmbeddedPostgres, EmbeddedRedis])
def test_a_failing_start_is_one_sentence(scratch, service):
    with service(scratch / "data", lasting=True):
        pass
    broken = scratch / "data/data" / ("postgresql.conf" if service is EmbeddedPostgres else "appendonly.aof")
    broken.write_text("nonsense that is neither\n")
    with pytest.raises(LocalError) as refusal, service(scratch / "data", lasting=True):
        pass
    assert str(refusal.value).startswith(f"{service.name} cannot start: ")
    assert "\n" not in str(refusal.value)


def test_a_full_disk_is_said_to_be_full(scratch, monkeypatch):
    service = _postgres(scratch / "pg")
    service.log.parent.mkdir()
    service.log.write_text("FATAL:  could not write to file: No space left on device\n")
    assert str(service._failure()) == f"PostgreSQL cannot start: the disk that holds {scratch / 'pg'} is full."


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a disk of one megabyte")
def test_initialising_on_a_full_disk(scratch, script):
    code = """
import ctypes, sys
from pathlib import Path
from local.errors import LocalError
from local.postgres import EmbeddedPostgres
libc = ctypes.CDLL(None)
if libc.unshare(0x20000) or libc.mount(b"", b"/", None, 0x44000, None) \\
        or libc.mount(b"tmpfs", sys.argv[1].encode(), b"tmpfs", 0, b"size=2m"):
    sys.exit("no mounts here")
try:
    EmbeddedPostgres(Path(sys.argv[1]), lasting=False).start()
except LocalError as error:
    print(error)
"""
    (scratch / "disk").mkdir()
    out, _ = script("-c", code, str(scratch / "disk")).communicate(timeout=30)
    if "no mounts here" in out:
        pytest.skip("mounts are refused here")
    assert out == f"PostgreSQL cannot start: the disk that holds {scratch / 'disk'} is full.\n"


def test_a_folder_that_cannot_be_written_to_is_a_sentence(scratch):
    (scratch / "file").write_text("")
    with (
        pytest.raises(LocalError, match=r"^Cannot write to .*/file/pg: File exists\.$"),
        _postgres(scratch / "file/pg"),
    ):
        pass


def test_a_deep_data_folder_is_no_obstacle(scratch):
    deep = scratch.joinpath(*["a folder with a long name"] * 8)
    with EmbeddedPostgres(deep, lasting=False) as postgres:
        assert postgres.has_database("postgres")


def _postgres(folder: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(folder, lasting=False)


def _addresses(owner) -> tuple[list[int], list[str]]:
    words = owner.stdout.readline().split()
    return [int(word) for word in words[:2]], words[2:]
