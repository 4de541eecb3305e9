"""The large library is what it says it is."""

import json
import os
import subprocess
import sys

import asyncpg
import pytest

from domain.events import EVENT_TYPES
from domain.tokens import token_hash
from local.large.shape import Sizes
from local.programs import ROOT
from local.seed_large import SeededAlready, fill, places
from tests.large.conftest import SCALE, Library
from tests.recorded import look_at

# Each counts what must not be.
WRONG = {
    "a video's versions are numbered from 1 to its count": """
        SELECT count(*) FROM videos LEFT JOIN LATERAL (
            SELECT count(*) AS count, coalesce(min(number), 1) AS first, coalesce(max(number), 0) AS last
            FROM versions WHERE video_id = videos.id) v ON true
        WHERE (v.count, v.first, v.last) <> (version_count, 1, version_count)""",
    "who makes something is a member of the team": """
        SELECT count(*) FROM (SELECT team_id, created_by_id FROM videos UNION ALL SELECT team_id, created_by_id FROM
            versions UNION ALL SELECT team_id, created_by_id FROM comments) made
        WHERE NOT EXISTS (SELECT FROM members m WHERE m.team_id = made.team_id AND user_id = made.created_by_id)""",
    "an answer is about its thread's moment, later, and to a thread": """
        SELECT count(*) FROM comments c JOIN comments p ON p.id = c.parent_id
        WHERE (c.version_id, c.video_id, c.team_id, c.start_ms) <> (p.version_id, p.video_id, p.team_id, p.start_ms)
            OR p.parent_id IS NOT NULL OR c.created_at < p.created_at""",
    "a comment is about a moment of its version": """
        SELECT count(*) FROM comments c JOIN versions v ON v.id = c.version_id
        WHERE c.start_ms NOT BETWEEN 0 AND v.duration_ms OR c.created_at < v.created_at OR v.video_id <> c.video_id""",
    "a restored version shares an earlier one's file": """
        SELECT count(*) FROM versions v JOIN versions o ON o.id = v.restored_from_id
        WHERE v.file_key <> o.file_key OR v.number <= o.number OR v.video_id <> o.video_id""",
    "a team has one owner": """
        SELECT count(*) FROM teams
        WHERE (SELECT count(*) FROM members WHERE team_id = teams.id AND role = 'owner') <> 1""",
    "titles and descriptions are such as people may write": """
        SELECT count(*) FROM videos WHERE length(title) NOT BETWEEN 1 AND 200 OR length(description) > 5000""",
}


@pytest.fixture(scope="module")
def sizes() -> Sizes:
    return Sizes.scaled(SCALE)


async def test_there_is_as_much_as_was_said(connection: asyncpg.Connection, sizes: Sizes) -> None:
    for table in ("users", "teams", "videos", "versions"):
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == getattr(sizes, table)
    assert await connection.fetchval("SELECT count(DISTINCT id) FROM comments") >= sizes.comments
    assert await connection.fetchval("SELECT max(position) FROM events") >= sizes.events - 100


@pytest.mark.parametrize("rule", WRONG)
async def test_it_keeps_to_the_rules_of_the_product(rule: str, connection: asyncpg.Connection) -> None:
    assert await connection.fetchval(WRONG[rule]) == 0


async def test_its_events_are_the_products_own(connection: asyncpg.Connection) -> None:
    for row in await connection.fetch("SELECT DISTINCT ON (type) * FROM events"):
        event = EVENT_TYPES[row["type"]].load(
            team_id=row["team_id"], actor_id=row["actor_id"], payload=json.loads(row["payload"])
        )
        assert event.payload() == json.loads(row["payload"])
        assert event.subjects() == row["subjects"]


async def test_its_events_are_what_others_are_promised(library: Library) -> None:
    looked = await look_at(library.url, 500)
    assert looked.wrong == []
    assert looked.seen.total() == 500


async def test_the_places_are_there(library: Library, connection: asyncpg.Connection) -> None:
    found, at = library.places, connection.fetchval
    owner = await at("SELECT user_id FROM sessions WHERE token_hash = $1", token_hash(found.owner_token))
    assert owner == found.owner_id
    for team in (found.team_id, found.big_team_id):
        assert await at("SELECT role FROM members WHERE (user_id, team_id) = ($1, $2)", owner, team) == "owner"
    assert await at("SELECT team_id FROM videos WHERE id = $1 AND deleted_at IS NULL", found.video_id) == found.team_id
    threads = "SELECT count(*) FROM comments WHERE version_id = $1 AND parent_id IS NULL"
    assert await at(threads, found.crowded_version_id) == 2000
    assert await at(threads, found.room_version_id) == 100


async def test_it_is_not_written_twice(connection: asyncpg.Connection) -> None:
    with pytest.raises(SeededAlready):
        await fill(connection, scale=SCALE)


def test_another_process_finds_the_same_places() -> None:
    ask = f"from local.seed_large import places; print(places({SCALE}))"
    told = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.strip() == str(places(SCALE))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}, "ENVIRONMENT=development"),
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", "ENVIRONMENT": "development"}, "cannot be used"),
        ({}, "Start `make run` first"),
    ],
)
def test_what_stands_in_its_way_is_a_sentence(given: dict[str, str], sentence: str, tmp_path: object) -> None:
    command = [sys.executable, "-m", "local.seed_large", "--data", str(tmp_path)]
    environment = {"PATH": os.environ["PATH"], **given}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
