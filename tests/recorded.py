"""Every event that the product records while it is tested is what others are promised: looked at once, at the end.

By then all databases of the run are still there, as the tests have left them. What a test makes up itself, so that no
promise binds it, it takes away again.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import asyncpg
import jsonschema_rs
import orjson

from domain.events import EVENT_TYPES
from domain.webhooks.catalogue import EVENT_KINDS, UNHEARD
from domain.webhooks.editions import EDITION
from domain.webhooks.envelope import CommentSnapshot, Names, envelope
from domain.webhooks.schemas import schema

API = "https://api.example"
AT_ONCE = 4
"""Databases: a connection costs the server more than what is asked."""
MOST = 5_000
"""Of a database, the newest so many: nothing but long plays records more."""
MOST_SHOWN = 20
_DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname !~ '^postgres$|large'"
"""In the large libraries nothing has been recorded: they were written, as `tests/large/test_library.py` looks at."""
_EVENTS = """
SELECT events.*, teams.name AS team, users.name AS actor, videos.title, versions.number,
    comments.id AS comment_id, comments.body, comments.start_ms, comments.end_ms, comments.resolved_at,
    comments.created_by_id AS author_id, authors.name AS author
FROM (SELECT id, created_at, type, team_id, actor_id, payload FROM events ORDER BY id DESC LIMIT $1) AS events
LEFT JOIN teams ON teams.id = events.team_id
LEFT JOIN users ON users.id = events.actor_id
LEFT JOIN videos ON videos.id::text = payload ->> 'video_id'
LEFT JOIN versions ON versions.id::text = payload ->> 'version_id'
LEFT JOIN comments ON comments.id::text = payload ->> 'comment_id' AND comments.deleted_at IS NULL
LEFT JOIN users AS authors ON authors.id = comments.created_by_id
"""


class Looked(NamedTuple):
    """How many events of each type there were, and what is wrong with which."""

    seen: Counter[str]
    wrong: list[str]


def look(server: str) -> Looked:
    """At all databases of the server with this maintenance address."""
    return asyncio.run(_all(server))


async def look_at(url: str, most: int = MOST) -> Looked:
    """At the newest events of one database."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(_EVENTS, most)
    except asyncpg.UndefinedTableError:
        rows = []
    finally:
        await connection.close()
    return Looked(Counter(row["type"] for row in rows), [why for row in rows if (why := misfit(row))])


def misfit(row: Any) -> str | None:
    """Why an event is not what others are promised; None for one that is, and for what nobody outside is told of."""
    type_, payload = row["type"], orjson.loads(row["payload"])
    if row["team_id"] is None or type_ not in EVENT_TYPES or type_ in UNHEARD:
        return None
    if type_ not in EVENT_KINDS:
        return f"{type_}: it is withheld from teams, and has happened in one"
    try:
        event = EVENT_TYPES[type_].load(team_id=row["team_id"], actor_id=row["actor_id"], payload=payload)
        told = envelope(
            event,
            event_id=row["id"],
            at=row["created_at"],
            edition=EDITION,
            names=_names(row),
            app_url="https://app.example",
            api_url=API,
        )
        _validator(type_).validate(told)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it
        return f"{type_} {payload}: {error}"
    return None if event.payload() == payload else f"{type_} {payload}: it has not the fields of its class"


def _names(row: Any) -> Names:
    said = CommentSnapshot(
        id=row["comment_id"],
        body=row["body"],
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        timecode=None,
        resolved=row["resolved_at"] is not None,
        author_id=row["author_id"],
        author_name=row["author"],
    )
    comment = said if row["comment_id"] else None
    return Names(team=row["team"], actor=row["actor"], video=row["title"], version=row["number"], comment=comment)


@cache
def _validator(type_: str) -> jsonschema_rs.Validator:
    kind = EVENT_KINDS[type_]
    made = schema(kind, kind.version, api_url=API, strict=True)
    return jsonschema_rs.Draft202012Validator(made, validate_formats=True)


async def _all(server: str) -> Looked:
    connection = await asyncpg.connect(server)
    try:
        names: Sequence[str] = [row["datname"] for row in await connection.fetch(_DATABASES)]
    finally:
        await connection.close()
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Looked:
        async with turn:
            return await look_at(server.replace("/postgres?", f"/{name}?"))

    found = await asyncio.gather(*map(one, names))
    seen = sum((each.seen for each in found), Counter())
    return Looked(seen, [f"{name}: {why}" for name, each in zip(names, found, strict=True) for why in each.wrong])
