"""The spine: recorded events, and how far each consumer has come."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from structlog.contextvars import get_contextvars
from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.expressions import Q
from tortoise.models import Model

import domain.events  # noqa: F401 - makes its events known
from domain import traces
from domain.clock import utc_now
from domain.events import EVENT_TYPES, Event
from domain.ids import new_id
from domain.viewers import AnyViewer
from models.base import Row, in_teams_of
from models.database import at_last, raw_connection
from models.indexes import PartialIndex, SearchIndex
from models.inserting import inserted, insertion

CHANNEL = "events"
"""The NOTIFY channel that wakes the relay."""

_RECORD = """
WITH {made}recorded AS (
    INSERT INTO events (
        id, created_at, type, version, team_id, actor_id, subjects, payload, request_id, address, device, api_key_id,
        traceparent, recorded_at
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, clock_timestamp()) RETURNING id
)
SELECT pg_notify($14, '') FROM recorded
"""

_NEWEST = """
SELECT id FROM (
    SELECT id FROM audit_entries WHERE team_id = $1 AND type = $2 ORDER BY created_at DESC, id DESC LIMIT $3
) AS done_by_people
UNION
SELECT id FROM (
    SELECT id FROM events WHERE position > (SELECT max(position) FROM events) - $4 AND team_id = $1 AND type = $2
    ORDER BY position DESC LIMIT $3
) AS lately
"""
"""What somebody is behind is found by the log of who has done what, which has an index for it, and an entry the id of
its event. The rest is looked for among the latest events: an index for it would cost every event that is recorded."""
LATELY = 10_000


class EventRecord(Row):
    """An event as it lies in the table. The relay gives it its `position`, in the order of commits.

    `recorded_at` is the database's own time and orders what is committed at once: ids and `created_at` come from the
    clocks of many machines, by which an effect may lie before its cause.
    """

    position = fields.BigIntField(null=True, unique=True)
    type = fields.CharField(50)
    version = fields.SmallIntField()
    team_id = fields.UUIDField(null=True)
    actor_id = fields.UUIDField(null=True)
    subjects: list[str] = ArrayField("text")
    payload: fields.JSONField[dict[str, Any]] = fields.JSONField()
    request_id = fields.CharField(64, null=True)
    address = fields.CharField(45, null=True)
    """The network address that it was asked for from."""
    device = fields.CharField(200, null=True)
    """The program that asked for it, as it calls itself."""
    api_key_id = fields.UUIDField(null=True)
    """The key that it was asked for with; None for who had signed in, and for what nobody asked for."""
    traceparent = fields.CharField(traces.LONGEST, null=True)
    """Of what was being done when it was recorded, where that is traced; who handles it goes on from there."""
    recorded_at = fields.DatetimeField()

    class Meta:
        table = "events"
        indexes = [
            PartialIndex(fields=["recorded_at", "id"], name="idx_events_unpositioned", where="position IS NULL"),
            SearchIndex(fields=["subjects"], name="idx_events_subjects"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return in_teams_of(viewer)

    def body(self) -> dict[str, Any]:
        """What is published of it, and read again from here by who missed it: JSON values only."""
        return {
            "type": self.type,
            "created_at": self.created_at.isoformat(),
            "team_id": str(self.team_id) if self.team_id else None,
            "actor_id": str(self.actor_id) if self.actor_id else None,
            "payload": self.payload,
        }

    def event(self) -> Event:
        """The event itself."""
        kind = EVENT_TYPES[self.type]
        return kind.load(team_id=self.team_id, actor_id=self.actor_id, payload=self.payload)


class ConsumerCursor(Model):
    """How far a consumer of events has come: everything up to `position` is done or parked."""

    consumer = fields.CharField(50, primary_key=True)
    position = fields.BigIntField(default=0)
    failures = fields.IntField(default=0)

    class Meta:
        table = "consumer_cursors"


class ParkedEvent(Model):
    """An event that a consumer could not take, put aside so that the ones behind it go on."""

    id = fields.UUIDField(primary_key=True, default=new_id)
    consumer = fields.CharField(50)
    event_id = fields.UUIDField()
    error = fields.TextField()
    parked_at = fields.DatetimeField(default=utc_now)

    class Meta:
        table = "parked_events"
        unique_together = (("consumer", "event_id"),)


async def record(
    event: Event,
    now: datetime,
    *,
    request_id: str | None = None,
    traceparent: str | None = None,
    address: str = "",
    device: str = "",
    api_key_id: UUID | None = None,
    of: Row | None = None,
) -> UUID:
    """Records `event` in the running transaction and wakes the relay at its commit. Answers the event's id.

    `request_id` and `traceparent` name the request that led to it long ago, where none is running now. `address`,
    `device` and `api_key_id` say from where somebody did it, and with which key. `of` is a new row that the event tells
    of: it is written by the same statement.
    """
    event_id = new_id()
    payload = orjson.dumps(event.payload()).decode()
    request_id = get_contextvars().get("request_id", request_id)
    head = (event_id, now, event.type, event.version, event.team_id, event.actor_id)
    origin = (address[:45] or None, device[:200] or None, api_key_id, traces.traceparent() or traceparent)
    values = [*head, event.subjects(), payload, request_id, *origin, CHANNEL]
    if of is None:
        await at_last(_recording(None, len(values)), values)
    else:
        await at_last(_recording(type(of), len(values)), values + inserted(of))
    return event_id


@cache
def _recording(of: Any, values: int) -> str:
    """The statement that records an event of so many `values`, and inserts a row of the model `of`, if there is one."""
    return _RECORD.format(made=f"made AS ({insertion(of, values)}), " if of else "")


async def newest_position() -> int:
    """The position of the newest event that has one; 0 when there is none."""
    async with raw_connection() as connection:
        return int(await connection.fetchval("SELECT coalesce(max(position), 0) FROM events"))


async def since(topics: list[str], after: int, limit: int) -> list[EventRecord]:
    """The events about any of `topics` behind the position `after`, in order, at most `limit`."""
    about = EventRecord.filter(position__gt=after, subjects__overlap=topics)
    return await about.order_by("position").limit(limit)


async def newest(team_id: UUID, event_type: str, limit: int) -> list[EventRecord]:
    """The newest events of a type in a team, at most `limit`, the newest first.

    What nobody is behind is found only if it is one of the `LATELY` newest events of all teams.
    """
    async with raw_connection() as connection:
        found = await connection.fetch(_NEWEST, team_id, event_type, limit, LATELY)
    placed = EventRecord.filter(id__in=[row["id"] for row in found], position__isnull=False)
    return await placed.order_by("-position").limit(limit)


async def parked() -> dict[str, int]:
    """How many events each consumer has put aside."""
    async with raw_connection() as connection:
        return dict(await connection.fetch("SELECT consumer, count(*) FROM parked_events GROUP BY consumer"))


async def backlog() -> tuple[dict[str, int], float]:
    """How many events each consumer is behind, and the age in seconds of the oldest that has no position yet."""
    async with raw_connection() as connection:
        newest = await connection.fetchval("SELECT coalesce(max(position), 0) FROM events")
        cursors = await connection.fetch("SELECT consumer, position FROM consumer_cursors")
        waiting, age = await connection.fetchrow(
            "SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8"
            " FROM events WHERE position IS NULL"
        )
    return {consumer: newest - position + waiting for consumer, position in cursors}, max(age, 0.0)
