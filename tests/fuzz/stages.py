"""The engine over a database of its own, where nobody else writes: asked twice, it must say the same."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from asyncpg import DataError
from graphql import OperationType
from tortoise.context import TortoiseContext

import models
from domain.throttling import Policy, Standing, Try
from domain.viewers import ANONYMOUS, AnyViewer, Viewer
from edge.services import describe
from gateways.storage.local import LocalStorage
from models import Session
from models.database import configuration
from models.reading import Fetch, Readings
from plan import Reader
from plan.engine import Engine
from plan.identity import Identity
from plan.nodes import NODES
from plan.requests import Operation, Request, RequestRefused
from resolvers.caller import Caller
from schema.context import Context
from tests.fuzz.world import NOW, a_token_hash
from tests.plan.conftest import PRESENCE, RULES, the_schema
from tests.sent import sent

PLAIN = {"plain": True}
"""What makes `Engine.run` go the plain path."""
OF_TUPLES = {"of_tuples": True}
"""What keeps the database from writing JSON."""
Seen = dict[str, set[UUID]]
"""Ids of rows, for each type by its name."""
Visible = dict[str, Seen]
"""The rows that each viewer may see, by the viewer's name."""

Asking = tuple[Caller, Identity | None]
"""Who asks, or how to find that out."""

CANCELLED = {"data": None, "errors": [{"message": "was cancelled by nobody", "extensions": {"code": "INTERNAL"}}]}
"""Stands for the answer where there was none: a cancellation of one part of the operation has reached all of it."""


@dataclass
class Stage:
    """One database with the engine over it, and who may ask."""

    database: TortoiseContext
    readings: Readings
    engine: Engine
    engine_of_tuples: Engine
    caller: Caller
    viewers: dict[str, AnyViewer]
    runs: Counter[str]
    """How often an operation was `planned`, or for which reason it was not."""
    complaints: list[str]
    """What the plan has logged: that it has failed, and another way was taken, is told nowhere else."""

    async def answer(
        self,
        viewer: str,
        request: Request,
        root: Any = None,
        *,
        by_token: bool = False,
        of_tuples: bool = False,
        **how: Any,
    ) -> dict[str, Any]:
        """The answer as a client gets it, that of a request which is refused included.

        With `by_token`, who asks is left to a query to find out; a whole role has no token.
        """
        engine = self.engine_of_tuples if of_tuples else self.engine
        with self.database:
            try:
                operation = engine.operation(request)
                by_token = by_token and operation.kind is OperationType.QUERY
                asking = self._caller(viewer, by_token=by_token)
                return sent(await self._run(engine, operation, asking, root, how))
            except RequestRefused as refused:
                return refused.answer()
            except asyncio.CancelledError:
                if asyncio.current_task().cancelling():
                    raise
                return CANCELLED

    async def _run(
        self, engine: Engine, operation: Operation, asking: Asking, root: Any, how: dict[str, Any]
    ) -> dict[str, Any]:
        if operation.kind is OperationType.MUTATION:
            return await engine.run(operation, self._context(asking, self.readings.fetch), root, **how)
        async with self.readings.snapshot() as fetch:
            return await engine.run(operation, self._context(asking, fetch), root, **how)

    async def visible(self) -> Visible:
        """The rows that each viewer may see."""
        return {viewer: await self.visible_to(viewer) for viewer in self.viewers}

    async def visible_to(self, viewer: str) -> Seen:
        """The rows that one viewer may see, as the models say."""
        who, ids = self.viewers[viewer], dict[str, set[UUID]]()
        with self.database:
            for name, node in NODES.items():
                if name in refusing(who):
                    continue
                ids[name] = set(await node.table.filter(node.visible(who)).values_list("id", flat=True))
        return ids

    async def rows(self) -> dict[str, Any]:
        """All that is in the database, by table."""
        with self.database:
            rows = {name: await getattr(models, name).all().values() for name in models.__all__}
        for event in rows["EventRecord"]:
            del event["recorded_at"]  # by the database's own clock
        return {name: sorted(map(repr, found)) for name, found in rows.items()}

    def _caller(self, viewer: str, *, by_token: bool) -> Asking:
        who = self.viewers[viewer]
        if by_token and isinstance(who, Viewer):
            return self.caller, Identity(Session.HOLDER, (a_token_hash(viewer), NOW), ANONYMOUS)
        return self.caller._replace(viewer=who), None

    def _context(self, asking: Asking, fetch: Fetch) -> Context:
        caller, identity = asking
        reader = Reader(caller.viewer, fetch)
        return Context(caller, reader, self.readings.fetch, "request-7", lambda *_: None, identity=identity)


def refusing(viewer: AnyViewer) -> set[str]:
    """The types that `viewer` may not even ask for: what is one person's own, where a whole role asks."""
    found = set[str]()
    for name, node in NODES.items():
        try:
            node.visible(viewer)
        except TypeError:
            found.add(name)
    return found


@asynccontextmanager
async def open_stage(url: str, storage: LocalStorage, viewers: dict[str, AnyViewer]) -> AsyncIterator[Stage]:
    """A stage over the database at `url`."""
    database, runs, complaints = TortoiseContext(), Counter[str](), _Complaints(logging.WARNING)
    logging.getLogger("plan").addHandler(complaints)
    with database:
        await database.init(config=configuration(url, connections=4))
        schema = the_schema()
        engine = Engine(schema, describe, observe=lambda _kind, how: runs.update([how]))
        of_tuples = Engine(schema, describe, spelling=False)
    outside: Any = {"storage": storage, "throttle": _Patient(), "presence": PRESENCE}
    caller = Caller(viewer=ANONYMOUS, locale="en", clock=lambda: NOW, rules=RULES, **outside)
    try:
        async with Readings(url, connections=4) as readings:
            yield Stage(database, readings, engine, of_tuples, caller, viewers, runs, complaints.said)
    finally:
        logging.getLogger("plan").removeHandler(complaints)
        await database.close_connections()


class _Patient:
    """A throttle that is never tired: what one of twins is refused, the other would not be."""

    async def hit(self, policy: Policy, key: str) -> None:
        """See `Throttle`."""

    async def hit_all(self, tries: Sequence[Try]) -> list[Standing]:
        """See `Throttle`."""
        del tries
        return []

    async def forgive(self, policy: Policy, key: str) -> None:
        """See `Throttle`."""

    async def forgive_all(self, tries: Sequence[Try]) -> None:
        """See `Throttle`."""


class _Complaints(logging.Handler):
    """Notes what is logged, with its cause, unless that is a client's value that the database cannot take."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        if not isinstance(cause, DataError):
            self.said.append(f"{record.getMessage()}: {cause!r}")


class Twins:
    """Two stages with the same in them. What is asked of both writes the same into both, ids and times included."""

    def __init__(self, planned: Stage, plain: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.planned = planned
        self.plain = plain
        self._monkeypatch = monkeypatch
        self._asked = 0
        monkeypatch.setattr("domain.clock.datetime", _Still)

    async def answers(self, viewer: str, request: Request, root: Any = None) -> list[dict[str, Any]]:
        """By the plan, and plainly."""
        self._asked += 1
        answers = []
        for stage, how in ((self.planned, {}), (self.plain, PLAIN)):
            numbers = count(self._asked << 32)
            self._monkeypatch.setattr("domain.ids.uuid7", lambda numbers=numbers: UUID(int=next(numbers)))
            answers.append(await stage.answer(viewer, request, root, **how))
        return answers

    async def prepare(self, write: Callable[[], Awaitable[None]]) -> None:
        """Writes something into each."""
        for stage in (self.planned, self.plain):
            with stage.database:
                await write()

    async def rows(self) -> list[dict[str, Any]]:
        """All that each of the two holds, by table."""
        return [await stage.rows() for stage in (self.planned, self.plain)]


class _Still(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return NOW
