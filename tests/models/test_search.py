"""The library's search finds what contains the text, and nothing else, whichever index answers it."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.text import searchable
from domain.videos import VideoStatus
from models import Team, User, Video
from models.search import INDEXES, TextFound

SIGNS = "aAbBßẞſéÉİıiIσςΣяЯ東京都日本한국のガヶ️मसाÅÅＡａ%_\\'\"*?-+#.@1２ "
CASES = [
    ("Straßenfest", "STRAẞE"), ("STRAẞE", "straße"), ("İstanbul", "istanbul"), ("ISPARTA", "ısparta"),
    ("ΟΔΟΣ", "οδος"), ("ＡＢＣ", "ａｂｃ"), ("ÉTÉ", "été"), ("Ещё", "ЕЩЁ"), ("50% off", "0% O"), ("a_b", "A_B"),
    ("c:\\x", ":\\X"), ("東京タワー", "京"), ("東京タワー", "東京"), ("대한민국", "한민"), ("C#", "c#"), ("'''", "''"),
]  # fmt: skip
OTHERS = [("Strassenfest", "straße"), ("ab", "a_"), ("ab", "%"), ("東 京", "東京"), ("ABC", "ａｂｃ"), ("axb", "a.b")]

_LOOK = """
SELECT id FROM videos
WHERE team_id = $1 AND strpos(search_folded(title || chr(10) || description), search_folded($2)) > 0
"""


@pytest.fixture
async def team(models: None) -> Team:
    return await Team.create(name="Seekers")


async def video(team: Team, title: str, description: str = "") -> UUID:
    maker = await User.create(name="Ada", email=f"{new_id()}@example.com", password_hash="none")
    return (await Video.create(team_id=team.id, created_by_id=maker.id, title=title, description=description)).id


async def found(team: Team, text: str) -> set[UUID]:
    ids = await Video.filter(Video.matching(text=text), team_id=team.id).values_list("id", flat=True)
    return set(ids)


@pytest.mark.parametrize(("title", "text"), CASES)
async def test_case_makes_no_difference_and_nothing_else_does(team: Team, title: str, text: str) -> None:
    made = {await video(team, title), await video(team, "-", f"First\n{title}\nlast")}
    assert await found(team, text) == made


@pytest.mark.parametrize(("title", "text"), OTHERS)
async def test_what_is_merely_alike_is_not_found(team: Team, title: str, text: str) -> None:
    await video(team, title)
    assert await found(team, text) == set()


async def test_what_begins_in_the_title_does_not_end_in_the_description(team: Team) -> None:
    await video(team, "summer", "festival")
    for text in ("summerfestival", "summer festival", "rf"):
        assert await found(team, text) == set()


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """One on which no index but those of the search leads to a team's videos."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("BEGIN; DROP INDEX idx_videos_team_created, idx_videos_team_status_created")
    await connection.execute("SET LOCAL enable_seqscan = off")
    yield connection
    await connection.execute("ROLLBACK")
    await connection.close()


async def test_the_indexes_find_what_a_look_at_every_row_finds(team: Team, connection: asyncpg.Connection) -> None:
    chance = random.Random(7)
    await videos(team, connection, [("T" + _text(chance, 12), _text(chance, 40)) for _ in range(150)])
    answered: Counter[str] = Counter()
    for text in filter(None, (searchable(_text(chance, chance.choice((1, 1, 2, 2, 3, 5)))) for _ in range(300))):
        query = Video.filter(TextFound(text), team_id=team.id).only("id").sql(params_inline=True)
        plan = "\n".join(line for (line,) in await connection.fetch(f"EXPLAIN {query}"))
        answered.update(index.name for index in INDEXES if f"{index.name} " in plan)
        rows = await connection.fetch(_LOOK, team.id, text)
        assert {row["id"] for row in await connection.fetch(query)} == {row["id"] for row in rows}, text
    assert all(answered[index.name] > 20 for index in INDEXES), answered


async def videos(team: Team, connection: asyncpg.Connection, texts: list[tuple[str, str]]) -> None:
    maker = await User.create(name="Ada", email=f"{new_id()}@example.com", password_hash="none")
    shared = (team.id, maker.id, [], VideoStatus.DRAFT, 0, utc_now(), utc_now())
    names = ("id", "title", "description")
    names += ("team_id", "created_by_id", "tags", "status", "version_count", "created_at", "updated_at")
    rows = [(new_id(), *text, *shared) for text in texts]
    await connection.copy_records_to_table("videos", columns=names, records=rows)


def _text(chance: random.Random, length: int) -> str:
    return "".join(chance.choice(SIGNS) for _ in range(length))
