"""Last uses: noted in the process, written now and then."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from domain.ids import new_id
from models import ApiKey, User
from models.seen import Seen
from tests.waiting import until

AT = datetime(2026, 1, 1, 12, 30, 40, tzinfo=UTC)
MINUTE = AT.replace(second=0)


@pytest.fixture
async def key(models: None) -> ApiKey:
    user = await User.create(name="Ada", email=f"{new_id()}@example.com")
    return await ApiKey.create(user_id=user.id, name="k", prefix="vc_", token_hash=new_id().hex, scopes=["read"])


async def used_at(key: ApiKey) -> datetime | None:
    return (await ApiKey.get(id=key.id)).used_at


async def test_a_use_is_written_when_it_is_flushed_and_to_the_minute(key: ApiKey) -> None:
    seen = Seen("api_keys", "used_at")
    seen.note(key.id, AT)
    assert await used_at(key) is None
    await seen.flush()
    assert await used_at(key) == MINUTE


async def test_within_a_minute_nothing_is_written_and_time_never_goes_back(key: ApiKey) -> None:
    seen = Seen("api_keys", "used_at")
    versions = []
    for at in (AT, AT + timedelta(seconds=10), AT - timedelta(hours=1)):
        seen.note(key.id, at)
        await seen.flush()
        versions.append(await row_version(key))
    assert len(set(versions)) == 1
    assert await used_at(key) == MINUTE
    seen.note(key.id, AT + timedelta(seconds=30))
    await seen.flush()
    assert await used_at(key) == MINUTE + timedelta(minutes=1)


async def row_version(key: ApiKey) -> str:
    from models.database import raw_connection

    async with raw_connection() as connection:
        return await connection.fetchval("SELECT xmin::text FROM api_keys WHERE id = $1", key.id)


async def test_what_could_not_be_written_is_kept(key: ApiKey, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen("api_keys", "used_at")
    seen.note(key.id, AT)
    with monkeypatch.context() as away:
        away.setattr("models.seen.raw_connection", _away)
        with pytest.raises(ConnectionError):
            await seen.flush()
    await seen.flush()
    assert await used_at(key) == MINUTE


def _away() -> None:
    raise ConnectionError


async def test_it_is_written_every_so_often_and_at_the_end(key: ApiKey) -> None:
    seen = Seen("api_keys", "used_at")
    async with seen.kept(0.01):
        seen.note(key.id, AT)
        await until(lambda: used_at(key))
    async with seen.kept(3600):
        seen.note(key.id, AT + timedelta(minutes=5))
    assert await used_at(key) == MINUTE + timedelta(minutes=5)


async def test_a_row_that_somebody_else_writes_to_is_left_out_and_not_waited_for(
    key: ApiKey, database_url: str
) -> None:
    about = {"user_id": key.user_id, "name": "other", "prefix": "vc_", "scopes": ["read"]}
    other = await ApiKey.create(token_hash=new_id().hex, **about)
    seen = Seen("api_keys", "used_at")
    for each in (key, other):
        seen.note(each.id, AT)
    writer = await asyncpg.connect(database_url)
    try:
        async with writer.transaction(), asyncio.timeout(5):
            await writer.execute("SELECT FROM api_keys WHERE id = $1 FOR UPDATE", key.id)
            await seen.flush()
    finally:
        await writer.close()
    assert (await used_at(key), await used_at(other)) == (None, MINUTE)


async def test_a_row_that_is_gone_is_no_fault(key: ApiKey) -> None:
    seen = Seen("api_keys", "used_at")
    await key.delete()
    seen.note(key.id, AT)
    await seen.flush()
