"""The engine over the product's schema and a real database, in this process, so that statements can be counted."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from strawberry import Schema

from domain.clock import utc_now
from domain.viewers import AnyViewer
from edge.services import describe
from gateways.storage import open_storage
from gateways.throttling import LimitsThrottle
from live.presence import Presence
from models.database import raw_connection
from plan import Reader
from plan.engine import Engine
from plan.requests import Request
from resolvers.caller import Caller, Rules
from schema.context import Context
from schema.root import build_schema
from tests.second_factor import KEYS
from tests.sent import sent

THROTTLE = LimitsThrottle("redis://127.0.0.1:1", KEYS)
PRESENCE = Presence(Redis.from_url("redis://127.0.0.1:1"), "alone")
RULES = Rules(timedelta(days=1), timedelta(hours=1), timedelta(hours=1), 2**40, 5 * 2**20, KEYS)


@cache
def the_schema() -> Schema:
    """The product's, built once in a process: engines read it and write nothing into it."""
    return build_schema()


@dataclass
class Asker:
    """Asks as one viewer and remembers the text of every statement."""

    engine: Engine
    caller: Caller
    plain: bool = False
    request_id: str = "request-7"
    statements: Counter[str] = field(default_factory=Counter)

    def reader(self) -> Reader:
        return Reader(self.caller.viewer, self.fetch)

    async def fetch(self, text: str, values: Sequence[Any]) -> Any:
        self.statements[text] += 1
        async with raw_connection() as connection:
            return await connection.fetch(text, *values)

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        context = Context(self.caller, self.reader(), self.fetch, self.request_id, lambda *_: None)
        operation = self.engine.operation(Request(query, None, variables))
        return sent(await self.engine.run(operation, context, plain=self.plain))

    async def data(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = await self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]


@dataclass
class Desk:
    engine: Engine
    caller: Caller

    def asker(self, viewer: AnyViewer, *, plain: bool = False) -> Asker:
        return Asker(self.engine, self.caller._replace(viewer=viewer), plain)


@pytest.fixture(scope="session")
async def desk(models: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("storage")
    now = utc_now()  # and so it stays: links that are signed twice are the same
    where = {"public_url": "http://localhost", "secret": "s" * 32, "clock": lambda: now}
    async with open_storage(f"file:{folder}", **where) as storage:
        outside = {"storage": storage, "throttle": THROTTLE, "presence": PRESENCE}
        caller = Caller(viewer=None, locale="en", clock=utc_now, rules=RULES, **outside)
        yield Desk(Engine(the_schema(), describe), caller)
