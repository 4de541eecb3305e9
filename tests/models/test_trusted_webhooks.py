"""What webhooks become that were there before each secret had its day, and the spine said from where on they hear."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from uuid import UUID

import asyncpg
import orjson
import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.api import migrate

from domain.ids import new_id
from domain.webhooks.replaced import still_good
from models.database import configuration
from tests.conftest import fresh_database

MIGRATION = "0025_trusted_webhooks"
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
_TEAM = "INSERT INTO teams (id, created_at, name) VALUES ($1, now(), 'Crew')"
_USER = "INSERT INTO users (id, created_at, name, email, locale) VALUES ($1, now(), 'Ada', 'ada@example.com', 'en')"
_HOOK = """
INSERT INTO webhooks (
    id, created_at, team_id, created_by_id, url, description, event_types, edition, in_order, sealed_secret,
    older_secret, older_until, header_names, state, updated_at
)
VALUES ($1, now(), $2, $3, 'https://example.com/', '', $4, 1, false, 'newest', $5, $6, '{}', 'active', now())
"""
_EVENT = """
INSERT INTO events (id, created_at, position, type, version, team_id, subjects, payload, recorded_at)
VALUES ($1, now(), $2, $3, 1, $4, $5, $6, now())
"""


class Past:
    """A database as it was before, with a team."""

    def __init__(self, url: str, connection: asyncpg.Connection) -> None:
        self.url, self.connection = url, connection
        self.team_id, self.user_id = new_id(), new_id()

    async def hook(self, types: Sequence[str] = (), older: str | None = None, until: datetime | None = None) -> UUID:
        hook_id = new_id()
        await self.connection.execute(_HOOK, hook_id, self.team_id, self.user_id, list(types), older, until)
        return hook_id

    async def event(self, hook_id: UUID, position: int | None, type_: str = "webhook.created") -> None:
        subjects = [f"team:{self.team_id}", f"webhook:{hook_id}"]
        payload = orjson.dumps({"webhook_id": str(hook_id)}).decode()
        await self.connection.execute(_EVENT, new_id(), position, type_, self.team_id, subjects, payload)

    async def migrated(self) -> dict[UUID, asyncpg.Record]:
        await moved(self.url)
        return {row["id"]: row for row in await self.connection.fetch("SELECT * FROM webhooks")}


async def moved(url: str, target: str | None = None) -> None:
    async with TortoiseContext():
        await migrate(config=configuration(url, connections=1), target=target)


@pytest.fixture
async def past(number: int) -> AsyncIterator[Past]:
    url = await fresh_database(f"past{number}_{new_id().hex}")
    ((app, before),) = import_module(f"models.migrations.{MIGRATION}").Migration.dependencies
    await moved(url, f"{app}.{before}")
    connection = await asyncpg.connect(url)
    try:
        past = Past(url, connection)
        await connection.execute(_TEAM, past.team_id)
        await connection.execute(_USER, past.user_id)
        yield past
    finally:
        await connection.execute("DELETE FROM events")  # made up: see tests/recorded.py
        await connection.close()


async def test_a_replaced_secret_keeps_its_time(past: Past) -> None:
    until = NOW + timedelta(hours=7, microseconds=250)
    rotated, plain = await past.hook(older="older", until=until), await past.hook()
    rows = await past.migrated()
    (older,) = orjson.loads(rows[rotated]["older_secrets"])
    assert (older["sealed"], datetime.fromisoformat(older["until"])) == ("older", until)
    assert still_good([older], until - timedelta(seconds=1)) == [older]
    assert still_good([older], until) == []
    assert orjson.loads(rows[plain]["older_secrets"]) == []


async def test_each_hears_from_its_own_event_on(past: Past) -> None:
    first, second, waits, of_old = [await past.hook() for _ in range(4)]
    for hook, position in ((first, 7), (second, 9), (waits, None)):
        await past.event(hook, position)
        await past.event(hook, None if position is None else position + 10, "webhook.edited")
    rows = await past.migrated()
    assert [rows[each]["hears_from"] for each in (first, second, waits, of_old)] == [7, 9, None, 0]


async def test_what_can_never_arrive_is_chosen_no_more_and_nobody_gets_all_for_it(past: Past) -> None:
    some, only, every = [
        await past.hook(types) for types in (["team.created", "video.created", "team.deleted"], ["team.deleted"], [])
    ]
    rows = await past.migrated()
    assert [rows[each]["event_types"] for each in (some, only, every)] == [["video.created"], ["team.deleted"], []]


async def test_the_way_back_keeps_the_secret_that_was_replaced_last(past: Past) -> None:
    rotated = await past.hook(older="older", until=NOW)
    await past.migrated()
    ((app, before),) = import_module(f"models.migrations.{MIGRATION}").Migration.dependencies
    await moved(past.url, f"{app}.{before}")
    row = await past.connection.fetchrow("SELECT * FROM webhooks WHERE id = $1", rotated)
    assert (row["older_secret"], row["older_until"]) == ("older", NOW)
