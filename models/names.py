"""What events are about, by name: events hold ids, and people read names."""

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any
from uuid import UUID

from asyncpg import Record

from domain.moments import Moments
from domain.webhooks.envelope import CommentSnapshot, Names
from models.database import raw_connection
from models.events import EventRecord

_NAMES = """
SELECT id, name, NULL::int AS number FROM teams WHERE id = ANY($1)
UNION ALL SELECT id, name, NULL FROM users WHERE id = ANY($2)
UNION ALL SELECT id, title, NULL FROM videos WHERE id = ANY($3)
UNION ALL SELECT id, NULL, number FROM versions WHERE id = ANY($4)
"""
_COMMENTS = """
SELECT comments.id, body, start_ms, end_ms, resolved_at, comments.created_by_id, users.name,
    frame_rate_numerator, frame_rate_denominator, frame_count, variable_frame_rate
FROM comments JOIN versions ON versions.id = version_id LEFT JOIN users ON users.id = comments.created_by_id
WHERE comments.id = ANY($1) AND comments.deleted_at IS NULL
"""


async def names_of(events: Sequence[EventRecord]) -> list[Names]:
    """The names of what each event is about, as they are now. What is gone has none."""
    subjects = [_subjects(event) for event in events]
    wanted = [{each[noun] for each in subjects if noun in each} for noun in ("team", "actor", "video", "version")]
    async with raw_connection() as connection:
        named = {row["id"]: row for row in await connection.fetch(_NAMES, *map(list, wanted))}
        comments = await _comments(connection, {each["comment"] for each in subjects if "comment" in each})
    return [_names(each, named, comments) for each in subjects]


async def _comments(connection: Any, ids: Collection[UUID]) -> dict[UUID, CommentSnapshot]:
    found = await connection.fetch(_COMMENTS, list(ids)) if ids else ()
    return {row["id"]: _snapshot(row) for row in found}


def _subjects(event: EventRecord) -> dict[str, UUID]:
    """Noun → id."""
    told = {noun: event.payload.get(f"{noun}_id") for noun in ("video", "version", "comment")}
    named = {noun: UUID(value) for noun, value in told.items() if value}
    return named | {noun: given for noun, given in (("team", event.team_id), ("actor", event.actor_id)) if given}


def _names(
    subjects: Mapping[str, UUID], named: Mapping[UUID, Record], comments: Mapping[UUID, CommentSnapshot]
) -> Names:
    def of(noun: str, column: str = "name") -> Any:
        row = named.get(subjects[noun]) if noun in subjects else None
        return row and row[column]

    comment = comments.get(subjects["comment"]) if "comment" in subjects else None
    return Names(
        team=of("team"), actor=of("actor"), video=of("video"), version=of("version", "number"), comment=comment
    )


def _snapshot(row: Record) -> CommentSnapshot:
    rate = Fraction(row["frame_rate_numerator"], row["frame_rate_denominator"])
    moments = Moments.of(rate, row["frame_count"], variable=row["variable_frame_rate"])
    return CommentSnapshot(
        id=row["id"],
        body=row["body"],
        start_ms=row["start_ms"],
        end_ms=row["end_ms"],
        timecode=moments.timecode_at(row["start_ms"]),
        resolved=row["resolved_at"] is not None,
        author_id=row["created_by_id"],
        author_name=row["name"],
    )
