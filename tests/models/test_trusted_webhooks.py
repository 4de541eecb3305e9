"""What webhooks become that were there before each secret had its day, and the spine said from where on they hear."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import orjson
import pytest

from domain.ids import new_id
from domain.webhooks.replaced import still_good
from tests.models.past import Past, former, moved

MIGRATION = "0025_trusted_webhooks"
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
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


class Hooks(Past):
    """A database as it was before, with a team."""

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


@pytest.fixture
async def past(number: int) -> AsyncIterator[Hooks]:
    async with Hooks.before(MIGRATION, number) as past:
        yield past
        await past.connection.execute("DELETE FROM events")  # made up: see tests/recorded.py


async def test_a_replaced_secret_keeps_its_time(past: Hooks) -> None:
    until = NOW + timedelta(hours=7, microseconds=250)
    rotated, plain = await past.hook(older="older", until=until), await past.hook()
    rows = await past.migrated()
    (older,) = orjson.loads(rows[rotated]["older_secrets"])
    assert (older["sealed"], datetime.fromisoformat(older["until"])) == ("older", until)
    assert still_good([older], until - timedelta(seconds=1)) == [older]
    assert still_good([older], until) == []
    assert orjson.loads(rows[plain]["older_secrets"]) == []


async def test_each_hears_from_its_own_event_on(past: Hooks) -> None:
    first, second, waits, of_old = [await past.hook() for _ in range(4)]
    for hook, position in ((first, 7), (second, 9), (waits, None)):
        await past.event(hook, position)
        await past.event(hook, None if position is None else position + 10, "webhook.edited")
    rows = await past.migrated()
    assert [rows[each]["hears_from"] for each in (first, second, waits, of_old)] == [7, 9, None, 0]


async def test_what_can_never_arrive_is_chosen_no_more_and_nobody_gets_all_for_it(past: Hooks) -> None:
    some, only, every = [
        await past.hook(types) for types in (["team.created", "video.created", "team.deleted"], ["team.deleted"], [])
    ]
    rows = await past.migrated()
    assert [rows[each]["event_types"] for each in (some, only, every)] == [["video.created"], ["team.deleted"], []]


async def test_the_way_back_keeps_the_secret_that_was_replaced_last(past: Hooks) -> None:
    rotated = await past.hook(older="older", until=NOW)
    await past.migrated()
    await moved(past.url, former(MIGRATION))
    row = await past.connection.fetchrow("SELECT * FROM webhooks WHERE id = $1", rotated)
    assert (row["older_secret"], row["older_until"]) == ("older", NOW)
