"""`python -m local.seed_large`: a large library in the database of `make run`, for measuring. Run again, it refuses.

People, teams, videos, comments and what happened to them are the same on every machine; how many: `Sizes` in
`local/large/shape.py`. Only what has ended (the trash, closed sessions) is dated from the day it is made. There are no
files behind the versions.
"""

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

import workers.notifications
import workers.webhooks  # noqa: F401 - these declare consumers
from domain.clock import utc_now
from local.errors import LocalError
from local.large import audit, library, mentions, notifications, people, spine, webhooks, work
from local.large.filling import Report, copy, tidy, timed, without_upkeep
from local.large.shape import AVERAGE, BIG, shape
from local.programs import ROOT, running_database
from models.database import reaching_database
from settings import run
from workers.consumers import CONSUMERS

_PEOPLE = ("users", "teams", "members", "sessions", "api_keys", "sign_ups")
_ORDER = (*_PEOPLE, "videos", "versions", "comments", "jobs", "uploads")
_WEBHOOKS = ["webhooks", "webhook_lanes", "webhook_bodies", "webhook_deliveries", "webhook_attempts"]
_TABLES = [*_ORDER, "notifications", "mentions", "events", "audit_entries", "consumer_cursors", *_WEBHOOKS]
_CURSORS = """
INSERT INTO consumer_cursors (consumer, position, failures) SELECT name, $2, 0 FROM unnest($1::text[]) AS name
ON CONFLICT (consumer) DO UPDATE SET position = excluded.position WHERE consumer_cursors.position = $3
"""


class SeededAlready(LocalError):
    """The library is in this database already."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look in the library. The owner's are the average team and the big one, so they may see all of these.

    `team_id` has 250 videos, among them `video_id` (with more versions than most), the one of `room_version_id`
    (100 threads with 100 answers) and the one of `crowded_version_id` (2,000 threads). `big_team_id` has a tenth of
    all videos. `owner_token` opens a session of the owner, as `Authorization: Bearer …`.
    """

    owner_token: str
    owner_id: UUID
    team_id: UUID
    big_team_id: UUID
    video_id: UUID
    room_version_id: UUID
    crowded_version_id: UUID


def places(scale: float = 1.0) -> Places:
    """The same for the same scale, known without a database. ValueError for a scale below 0.04."""
    large = shape(scale)
    special, versions = large.special, large.versions.ids
    return Places(
        owner_token=people.token(0),
        owner_id=_plain(large.people.user_ids[0]),
        team_id=_plain(large.people.team_ids[AVERAGE]),
        big_team_id=_plain(large.people.team_ids[BIG]),
        video_id=_plain(large.videos.ids[special.video]),
        room_version_id=_plain(versions[special.room]),
        crowded_version_id=_plain(versions[special.crowded]),
    )


async def fill(connection: asyncpg.Connection, *, scale: float = 1.0, report: Report = print) -> Places:
    """Writes the library into a migrated database, all of it or nothing, and answers where to look.

    At scale 1.0: 2,000 people, 200 teams, 50,000 videos, 200,000 versions, a million comments, a million events, and
    as many jobs and uploads as there are versions. The product may be running: meanwhile it waits. Raises
    SeededAlready, and ValueError for a scale below 0.04.
    """
    large, now = shape(scale), utc_now()
    if await connection.fetchval("SELECT EXISTS (SELECT FROM teams WHERE id = $1)", large.people.team_ids[BIG]):
        raise SeededAlready("The large library is in this database already.")
    with timed(report, "altogether"):
        async with connection.transaction(), without_upkeep(connection, _TABLES, report):
            for table in [*people.tables(large, now), *library.tables(large, now), *work.tables(large)]:
                await copy(connection, table, report)
            await notifications.write(connection, report)
            await mentions.write(connection, report)
            await _write_events(connection, scale, report)
            await webhooks.write(connection, report)
        await tidy(connection, _TABLES, report)
    return places(scale)


async def _write_events(connection: asyncpg.Connection, scale: float, report: Report) -> None:
    """Behind those that are there. Consumers that have come so far have come past ours, too."""
    newest = await connection.fetchval("SELECT coalesce(max(position), 0) FROM events")
    await copy(connection, spine.table(shape(scale), begin=newest + 1), report)
    await audit.write(connection, report, begin=newest + 1)
    head = await connection.fetchval("SELECT max(position) FROM events")
    await connection.execute(_CURSORS, list(CONSUMERS), head, newest)


def _plain(known: UUID) -> UUID:
    """The same UUID in the kind that everybody but asyncpg uses."""
    return UUID(bytes=known.bytes)


def _address(data: Path) -> str:
    """The database that the environment names, or the one of `make run`."""
    if given := os.environ.get("DATABASE_URL"):
        if os.environ.get("ENVIRONMENT") != "development":
            raise LocalError(
                "The large library opens sessions whose tokens everybody can read in its source. If DATABASE_URL is"
                " nothing but a place to measure in, say so: ENVIRONMENT=development."
            )
        return given
    return running_database(data)


async def _seed(data: Path, scale: float) -> None:
    with reaching_database():
        connection = await asyncpg.connect(_address(data))
    try:
        found = await fill(connection, scale=scale)
    except asyncpg.UndefinedTableError as error:
        raise LocalError("This database has no tables yet: `python -m models.migrate` makes them.") from error
    finally:
        await connection.close()
    print(f"Bearer token of an owner of two teams: {found.owner_token}")


def main() -> int:
    """The command; 1 when something stands in the way."""
    parser = argparse.ArgumentParser(prog="python -m local.seed_large", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / ".data", help="of `make run` (default: .data)")
    parser.add_argument("--scale", type=float, default=1.0, help="1.0 is a million comments (default); least: 0.04")
    arguments = parser.parse_args()
    try:
        run(_seed(arguments.data, arguments.scale))
    except (LocalError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
