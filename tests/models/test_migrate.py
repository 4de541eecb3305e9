"""Migrations: what they make of rows that are there, and that they take what time they need."""

from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from tortoise.context import TortoiseContext

from domain.ids import new_id
from models import database
from models.migrate import migrate
from tests.models.past import Past, former, moved

MIGRATION = "0024_webhook_bodies"
_HOOK = """
INSERT INTO webhooks (
    id, created_at, team_id, created_by_id, url, description, event_types, edition, in_order, sealed_secret,
    header_names, state, updated_at
)
VALUES ($1, now(), $2, $3, 'https://example.com/', '', '{}', $4, false, 'sealed', '{}', 'active', now())
"""
_LANE = """
INSERT INTO webhook_lanes (webhook_id, team_id, served_at, failures, delivered, failed) VALUES ($1, $2, now(), 0, 0, 0)
"""
_DELIVERY = """
INSERT INTO webhook_deliveries (
    id, created_at, team_id, webhook_id, event_id, event_type, position, is_test, body, state, attempt_count, tries
)
VALUES ($1, now(), $2, $3, $4, 'video.created', 1, false, $5, $6, 0, 0)
"""
_DISCARD = "INSERT INTO webhook_discards (id, created_at, team_id, webhook_id) VALUES ($1, now(), $2, $1)"
_SENT = (
    "SELECT each.*, bodies.body FROM webhook_deliveries AS each JOIN webhook_bodies AS bodies ON bodies.id = body_id"
)


class Logs(Past):
    """A database as it was when each delivery had its own body, with a team."""

    async def hook(self, edition: int) -> UUID:
        hook_id = new_id()
        await self.connection.execute(_HOOK, hook_id, self.team_id, self.user_id, edition)
        await self.connection.execute(_LANE, hook_id, self.team_id)
        return hook_id

    async def is_sent(self, hook_id: UUID, event_id: UUID, body: str, state: str) -> UUID:
        delivery_id = new_id()
        await self.connection.execute(_DELIVERY, delivery_id, self.team_id, hook_id, event_id, body, state)
        return delivery_id


@pytest.fixture
async def past(number: int) -> AsyncIterator[Logs]:
    async with Logs.before(MIGRATION, number) as past:
        yield past


async def test_no_statement_is_cut_short(past: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere each has ten seconds: over a large table one takes minutes, and no database would ever get past it."""
    monkeypatch.setattr(database, "STATEMENT_SECONDS", 1e-5)
    async with TortoiseContext():
        await migrate(past.url)
    assert await past.connection.fetchval("SELECT to_regclass('webhook_bodies')") is not None


async def test_webhooks_of_an_edition_share_the_body_of_an_event_and_what_waits_is_counted(past: Logs) -> None:
    first, second, newer = [await past.hook(edition) for edition in (1, 1, 2)]
    one, other = new_id(), new_id()
    said = {
        await past.is_sent(first, one, "one", "pending"): "one",
        await past.is_sent(first, other, "other", "pending"): "other",
        await past.is_sent(second, one, "one", "delivered"): "one",
        await past.is_sent(newer, one, "one, newer", "failed"): "one, newer",
    }
    await moved(past.url, f"models.{MIGRATION}")
    made = await past.connection.fetch(_SENT)
    assert {each["id"]: each["body"] for each in made} == said
    assert all(each["queue_id"] == each["webhook_id"] for each in made)
    bodies = await past.connection.fetch("SELECT * FROM webhook_bodies")
    assert Counter((each["event_id"], each["edition"]) for each in bodies) == {(one, 1): 1, (one, 2): 1, (other, 1): 1}
    lanes = {each["webhook_id"]: each for each in await past.connection.fetch("SELECT * FROM webhook_lanes")}
    assert [lanes[each]["waiting"] for each in (first, second, newer)] == [2, 0, 0]
    assert all(each["queue_id"] == each["webhook_id"] for each in lanes.values())
    # Backwards each has its body again, and what is discarded is written.
    await past.connection.execute(_DISCARD, first, past.team_id)
    await moved(past.url, former(MIGRATION))
    again = await past.connection.fetch("SELECT * FROM webhook_deliveries")
    assert {each["id"]: each["body"] for each in again} == said
    assert Counter(each["state"] for each in again) == {"discarded": 2, "delivered": 1, "failed": 1}
