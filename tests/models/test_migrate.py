"""Migrations take what time they need."""

from importlib import import_module

import pytest
from tortoise.context import TortoiseContext
from tortoise.migrations.api import migrate as migrate_to

from domain.ids import new_id
from models import database
from models.database import configuration
from models.migrate import migrate
from tests.conftest import fresh_database

FIRST_OF_WEBHOOKS = "0024_webhook_bodies"


async def test_no_statement_of_a_migration_is_cut_short(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere each has ten seconds: over a large table one takes minutes, and no database would ever get past it."""
    url = await fresh_database(f"hurried{number}_{new_id().hex}")
    ((app, before),) = import_module(f"models.migrations.{FIRST_OF_WEBHOOKS}").Migration.dependencies
    async with TortoiseContext():
        await migrate_to(config=configuration(url, connections=1), target=f"{app}.{before}")
    monkeypatch.setattr(database, "STATEMENT_SECONDS", 1e-5)
    async with TortoiseContext():
        await migrate(url)
