"""What is looked at when all tests are over is looked at well: an event that is not as promised is found."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from domain.clock import utc_now
from domain.events import (
    EVENT_TYPES,
    CommentCreated,
    CommentReacted,
    Event,
    MemberJoined,
    NotificationsRead,
    SessionOpened,
    VersionCreated,
    VideoCreated,
)
from domain.ids import new_id
from tests.conftest import fresh_database
from tests.recorded import Looked, look_at

TEAM = {"team_id": new_id(), "actor_id": new_id()}
RIGHT: list[Event] = [
    VideoCreated(video_id=new_id(), title="A cut", **TEAM),
    VersionCreated(video_id=new_id(), version_id=new_id(), number=1, **TEAM),
    CommentCreated(video_id=new_id(), version_id=new_id(), comment_id=new_id(), **TEAM),
    MemberJoined(
        member_id=new_id(), user_id=new_id(), invitation_id=new_id(), role="editor", is_new=True, **TEAM
    ),
    SessionOpened(team_id=None, actor_id=None, user_id=new_id(), session_id=new_id()),
]  # fmt: skip


@pytest.fixture(scope="module")
async def database(number: int) -> str:
    return await fresh_database(f"promised{number}")


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    """To a database that has recorded nothing. What is wrong on purpose is not to be found at the end: it goes."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.execute("DELETE FROM events")
    await connection.close()


async def happen(connection: asyncpg.Connection, event: Event, **other: Any) -> None:
    values = {"type": event.type, "payload": event.payload(), "team_id": event.team_id} | other
    row = (new_id(), utc_now(), values["type"], values["team_id"], event.actor_id, json.dumps(values["payload"]))
    await connection.execute(
        "INSERT INTO events (id, created_at, type, version, team_id, actor_id, subjects, payload, recorded_at)"
        " VALUES ($1, $2, $3, 1, $4, $5, '{}', $6, now())",
        *row,
    )


async def test_what_is_as_promised_is_counted(connection: asyncpg.Connection, database: str) -> None:
    for event in RIGHT:
        await happen(connection, event)
    await happen(connection, RIGHT[0])
    await happen(connection, RIGHT[0], type="of.tomorrow")
    found = await look_at(database)
    assert found.wrong == []
    assert found.seen == {"of.tomorrow": 1, **{event.type: 1 for event in RIGHT}, "video.created": 2}


@pytest.mark.parametrize(
    ("event", "other", "why"),
    [
        (RIGHT[0], {"payload": {"video_id": str(new_id())}}, "title"),
        (RIGHT[0], {"payload": {**RIGHT[0].payload(), "title": 7}}, '7 is not of type'),
        (RIGHT[0], {"payload": {**RIGHT[0].payload(), "video_id": "1"}}, "badly formed"),
        (RIGHT[0], {"payload": {**RIGHT[0].payload(), "colour": "red"}}, "not the fields of its class"),
        (RIGHT[1], {"payload": {**RIGHT[1].payload(), "number": None}}, 'null is not of type "integer"'),
        (RIGHT[3], {"payload": {**RIGHT[3].payload(), "role": "king"}}, '"king" is not one of'),
        (RIGHT[3], {"payload": {**RIGHT[3].payload(), "is_new": "yes"}}, 'not of type "boolean"'),
        (CommentReacted(video_id=new_id(), version_id=new_id(), comment_id=new_id(), kind="shrug", added=True, **TEAM),
         {}, '"shrug" is not one of'),
        (RIGHT[4], {"team_id": new_id()}, "withheld"),
        (NotificationsRead(notified_id=new_id(), count=1, **TEAM), {}, "withheld"),
    ],
)  # fmt: skip
async def test_what_is_not_as_promised_is_found(
    connection: asyncpg.Connection, database: str, event: Event, other: dict[str, Any], why: str
) -> None:
    assert event.type in EVENT_TYPES
    await happen(connection, event, **other)
    for right in RIGHT:
        await happen(connection, right)
    found = await look_at(database)
    assert len(found.wrong) == 1
    assert found.wrong[0].startswith(event.type)
    assert why in found.wrong[0]


async def test_a_database_without_events_is_passed_by(number: int) -> None:
    name = f"empty{number}"
    assert await look_at(await fresh_database(name, "template1")) == Looked(Counter(), [])
