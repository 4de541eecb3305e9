"""What there is before the first client comes: a team, its people with a session each, and rooms to sit in."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from domain.clock import utc_now
from domain.ids import new_id
from domain.permissions import Role
from domain.tokens import new_token, token_hash
from models import Team, Version, Video
from models.database import raw_connection
from plan import encode_id
from tests.factories import Factory

_EDITORS, _ADMINS = 3, 100
"""Of the people, one in so many; the others look on."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the team, with the token of their session."""

    user_id: UUID
    member_id: UUID
    token: str
    role: Role


@dataclass(frozen=True, slots=True)
class World:
    """The team's people, of whom the first owns it, and a version in each room."""

    people: Sequence[Person]
    versions: Sequence[Version]

    @property
    def rooms(self) -> list[str]:
        """The global ids of the videos, which these rooms are of."""
        return [encode_id("Video", version.video_id) for version in self.versions]


async def made(people: int, rooms: int) -> World:
    """A world of so many, straight into the database, which is open: how they come about over the wire is no matter."""
    team = await Team.create(name=f"A studio of {people:,}")
    everybody = [_person(place) for place in range(people)]
    await _write(team, everybody)
    versions = await asyncio.gather(*(_version(team, everybody[0]) for _ in range(rooms)))
    async with raw_connection() as connection:
        await connection.execute("ANALYZE")
    return World(everybody, versions)


def _person(place: int) -> Person:
    role = Role.ADMIN if place % _ADMINS == 1 else Role.EDITOR if place % _EDITORS == 0 else Role.VIEWER
    return Person(new_id(), new_id(), new_token(), role if place else Role.OWNER)


async def _write(team: Team, people: Sequence[Person]) -> None:
    now = utc_now()
    until = now + timedelta(days=1)
    tables = {
        "users": ("id created_at email name password_hash locale",
                  [(one.user_id, now, f"{one.user_id}@bench.example", "Ada", "none", "en") for one in people]),
        "members": ("id created_at team_id user_id role",
                    [(one.member_id, now, team.id, one.user_id, one.role.value) for one in people]),
        "sessions": ("id created_at user_id token_hash device expires_at",
                     [(new_id(), now, one.user_id, token_hash(one.token), "", until) for one in people]),
    }  # fmt: skip
    async with raw_connection() as connection:
        for table, (columns, records) in tables.items():
            await connection.copy_records_to_table(table, records=records, columns=columns.split())


async def _version(team: Team, owner: Person) -> Version:
    video = await Video.create(title="A cut", team_id=team.id, created_by_id=owner.user_id)
    return await Factory("http://unused").version(video)
