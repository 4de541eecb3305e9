"""Teams with endpoints, and what happens in them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from uuid import UUID

from domain.clock import utc_now
from domain.events import VideoEdited
from domain.ids import new_id
from domain.sealing import Keys
from domain.webhooks.editions import EDITION
from domain.webhooks.sealed import SECRET
from domain.webhooks.signatures import new_secret
from models import EventRecord, Lane, Team, User, Video, Webhook
from models.database import raw_connection, transaction
from models.events import record
from tests.studio import SECRET_KEY

_FILL = """
INSERT INTO events (id, created_at, recorded_at, type, version, team_id, actor_id, subjects, payload)
SELECT uuidv7(), now() + interval '1 microsecond' * number, clock_timestamp(), 'video.edited', 1, team_id, actor_id,
    ARRAY['team:' || team_id], jsonb_build_object('video_id', id, 'changed', ARRAY['title'])
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS videos (id, team_id, actor_id, place)
JOIN generate_series(1, $4::int) AS number ON number % cardinality($1) = place - 1
"""


@dataclass(frozen=True, slots=True)
class World:
    """A video of each team, all of whose endpoints are told of it."""

    videos: Sequence[Video]
    webhooks: int

    async def happens(self, count: int) -> None:
        """So many events, at once."""
        of = [[each.id for each in self.videos], *_owners(self.videos)]
        async with transaction():
            async with raw_connection() as connection:
                await connection.execute(_FILL, *of, count - 1, timeout=60)
            await record(_edited(self.videos[-1]), utc_now())

    async def goes_on(self, rate: float, seconds: float) -> dict[str, float]:
        """So many events a second; when each was committed, by its id."""
        committed: dict[str, float] = {}
        for video in islice(cycle(self.videos), int(rate * seconds)):
            began = time.perf_counter()
            async with transaction():
                event_id = await record(_edited(video), utc_now())
            committed[str(event_id)] = time.perf_counter()
            await asyncio.sleep(max(0, began + 1 / rate - time.perf_counter()))
        return committed


async def made(url: str, *, teams: int, endpoints: int, hanging: int = 0) -> World:
    """So many teams with so many endpoints each; every `hanging`th of all answers nothing."""
    keys, videos = Keys(SECRET_KEY), []
    person = await User.create(name="Ada", email=f"{new_id()}@example.com", password_hash="none")
    for team_number in range(teams):
        team = await Team.create(name="Crew")
        videos.append(await Video.create(title="A cut", team_id=team.id, created_by_id=person.id))
        for number in range(endpoints):
            hangs = hanging and (team_number * endpoints + number) % hanging == 0
            await _endpoint(team, person, f"{url}/{'hang' if hangs else 'hook'}", keys)
    return World(videos, teams * endpoints)


async def _endpoint(team: Team, maker: User, url: str, keys: Keys) -> None:
    name = new_id()
    await Webhook.create(
        id=name,
        url=f"{url}/{name}",
        event_types=["video.edited"],
        edition=EDITION,
        hears_from=0,
        team_id=team.id,
        created_by_id=maker.id,
        sealed_secret=keys.seal(SECRET, new_secret(), of=str(name)),
    )
    await Lane.of(name, team.id, utc_now()).save(force_create=True)


async def forget() -> None:
    """Ends what was made before: its endpoints are sent nothing more."""
    await Webhook.filter(deleted_at__isnull=True).update(deleted_at=utc_now())
    await Lane.all().update(due_at=None)
    assert await EventRecord.exists()


def _owners(videos: Sequence[Video]) -> list[list[UUID]]:
    return [[each.team_id for each in videos], [each.created_by_id for each in videos]]


def _edited(video: Video) -> VideoEdited:
    return VideoEdited(team_id=video.team_id, actor_id=video.created_by_id, video_id=video.id, changed=["title"])
