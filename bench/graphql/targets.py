"""What is asked for: many rows, by many people who may see them, out of the filled database."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from domain.clock import utc_now
from domain.ids import new_id
from domain.tokens import token_hash
from local.seed_large import Places

TEAMS, VIDEOS_PER_TEAM, VIEWERS_OF_ROOM = 40, 5, 20
_PAGE = 50

# Teams with more than a page of videos, each with one member; the average team first.
_VIEWERS = """
SELECT t.team_id, (SELECT user_id FROM members m WHERE m.team_id = t.team_id ORDER BY m.id LIMIT 1) AS user_id
FROM (SELECT team_id FROM videos WHERE deleted_at IS NULL GROUP BY 1 HAVING count(*) > $2) t
ORDER BY t.team_id <> $1, t.team_id LIMIT $3
"""
_VIDEOS = """
SELECT v.team_id, v.id FROM unnest($1::uuid[]) AS team(id) CROSS JOIN LATERAL (
    SELECT team_id, id FROM videos WHERE team_id = team.id AND deleted_at IS NULL AND version_count > 0
    ORDER BY created_at DESC, id DESC LIMIT $2
) v
"""
# Behind the first page, so that writing changes nothing that is read.
_QUIET = """
SELECT v.team_id, x.id FROM unnest($1::uuid[]) AS team(id) CROSS JOIN LATERAL (
    SELECT team_id, id FROM videos WHERE team_id = team.id AND deleted_at IS NULL
    ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3
) v JOIN LATERAL (SELECT id FROM versions WHERE video_id = v.id AND NOT id = ANY($4) LIMIT 1) x ON true
"""
_MEMBERS = "SELECT user_id FROM members WHERE team_id = $1 ORDER BY id LIMIT $2"
_STRANGER = """
SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM members WHERE team_id = $1) ORDER BY id LIMIT 1
"""
_SESSION = """
INSERT INTO sessions (id, created_at, user_id, token_hash, device, expires_at)
VALUES ($1, $2, $3, $4, '', $2::timestamptz + interval '1 day')
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A row, and the session token of who asks for it; None for nobody."""

    token: str | None
    row_id: UUID


@dataclass(frozen=True, slots=True)
class Targets:
    """For each operation its targets, and for the reads some that must answer nothing."""

    seen: dict[str, list[Target]]
    unseen: dict[str, list[Target]]


async def choose(url: str, places: Places) -> Targets:
    """The targets in this database, with fresh sessions for who asks."""
    connection = await asyncpg.connect(url)
    try:
        return await _choose(connection, places)
    finally:
        await connection.close()


async def _choose(connection: asyncpg.Connection, places: Places) -> Targets:
    viewers = dict(await connection.fetch(_VIEWERS, places.team_id, _PAGE, TEAMS))
    tokens = {team: await _sign_in(connection, user) for team, user in viewers.items()}
    videos = await connection.fetch(_VIDEOS, list(tokens), VIDEOS_PER_TEAM)
    special = [places.room_version_id, places.crowded_version_id]
    quiet = await connection.fetch(_QUIET, list(tokens), VIDEOS_PER_TEAM, _PAGE, special)
    members = await connection.fetch(_MEMBERS, places.team_id, VIEWERS_OF_ROOM)
    seen = {
        "video": [Target(tokens[team], video) for team, video in videos],
        "library": [Target(token, team) for team, token in tokens.items()],
        "room": [Target(await _sign_in(connection, user), places.room_version_id) for (user,) in members],
        "add_comment": [Target(tokens[team], version) for team, version in quiet],
    }
    stranger = await _sign_in(connection, await connection.fetchval(_STRANGER, places.team_id))
    hidden = {"video": places.video_id, "library": places.team_id, "room": places.room_version_id}
    unseen = {name: [Target(stranger, row), Target(None, row)] for name, row in hidden.items()}
    return Targets(seen, unseen)


async def _sign_in(connection: asyncpg.Connection, user: UUID) -> str:
    token = f"bench-{new_id()}"
    await connection.execute(_SESSION, new_id(), utc_now(), user, token_hash(token))
    return token
