"""A webhook hears of its own making and of what comes after that on the spine, whatever the clocks say."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
import pytest
from arq.connections import ArqRedis

from domain.clock import utc_now
from domain.events import VideoCreated, WebhookCreated
from domain.ids import new_id
from models import EventRecord, Lane, Team, User, Video, Webhook, WebhookDelivery
from models.database import transaction
from models.events import record
from workers.consumers import Tools
from workers.relay import number
from workers.tide import Tide
from workers.webhooks import make_deliveries

NOW = utc_now()
AHEAD, BEHIND = NOW + timedelta(hours=3), NOW - timedelta(hours=3)
"""What the clocks of two processes may say at the same moment."""


class Crash(Exception):
    """Of the relay, before it has committed."""


class Studio:
    """A team in which videos and webhooks are made; each by a process that has a clock of its own."""

    def __init__(self, database_url: str, user: User, team: Team, video: Video, tools: Tools) -> None:
        self.database_url, self.user, self.team, self.video, self.tools = database_url, user, team, video, tools

    async def video_comes(self, title: str, clock: datetime = NOW) -> None:
        about = {"team_id": self.team.id, "actor_id": self.user.id, "video_id": self.video.id}
        async with transaction():
            await record(VideoCreated(**about, title=title), clock)

    async def hook_comes(self, clock: datetime = NOW) -> Webhook:
        """As a request makes it: with its event, in one transaction."""
        async with transaction():
            webhook = await Webhook.create(
                url="https://hooks.example.com/1", edition=1, sealed_secret="sealed", created_at=clock,
                team_id=self.team.id, created_by_id=self.user.id,
            )  # fmt: skip
            await Lane.of(webhook.id, self.team.id, clock).save(force_create=True)
            about = {"team_id": self.team.id, "actor_id": self.user.id}
            await record(WebhookCreated(**about, webhook_id=webhook.id), clock)
        return webhook

    async def numbered(self) -> list[EventRecord]:
        """All that has happened, in the order that the relay gives it."""
        connection = await asyncpg.connect(self.database_url)
        await number(connection, Tide())
        await connection.close()
        return await EventRecord.filter(position__isnull=False).order_by("position")

    async def tell(self, events: Sequence[EventRecord]) -> None:
        async with transaction():
            await make_deliveries(events, self.tools)


@pytest.fixture
async def studio(models: None, database_url: str, redis: ArqRedis) -> Studio:
    user = await User.create(name="Ada", email="ada@example.com", password_hash="none")
    team = await Team.create(name="Crew")
    video = await Video.create(title="Rushes", team_id=team.id, created_by_id=user.id)
    return Studio(database_url, user, team, video, Tools(redis, utc_now))


async def heard(webhook: Webhook) -> list[str]:
    """What it is to be sent, in order: titles of videos, and types of all else."""
    made = await WebhookDelivery.filter(webhook_id=webhook.id).order_by("position")
    titles = {event.id: event.payload.get("title", event.type) for event in await EventRecord.all()}
    return [titles[each.event_id] for each in made]


async def made_between(studio: Studio, of_hook: datetime, of_videos: datetime) -> Webhook:
    await studio.video_comes("before", of_videos)
    webhook = await studio.hook_comes(of_hook)
    await studio.video_comes("after", of_videos)
    return webhook


@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize(("of_hook", "of_videos"), [(AHEAD, BEHIND), (BEHIND, AHEAD), (NOW, NOW)])
async def test_clocks_that_disagree_change_nothing(
    studio: Studio, of_hook: datetime, of_videos: datetime, page: int
) -> None:
    webhook = await made_between(studio, of_hook, of_videos)
    events = await studio.numbered()
    for begin in range(0, len(events), page):
        await studio.tell(events[begin : begin + page])
    assert await heard(webhook) == ["webhook.created", "after"]
    assert (await Webhook.get(id=webhook.id)).hears_from == events[1].position


async def test_what_a_crash_takes_back_is_told_the_same_way_again(studio: Studio) -> None:
    webhook = await made_between(studio, AHEAD, BEHIND)
    events = await studio.numbered()

    async def crash() -> None:
        async with transaction():
            await make_deliveries(events[:2], studio.tools)
            raise Crash

    with pytest.raises(Crash):
        await crash()
    assert (await Webhook.get(id=webhook.id)).hears_from is None
    await studio.tell(events)
    await studio.tell(events)  # a relay that has lost its lock without knowing it
    assert await heard(webhook) == ["webhook.created", "after"]


async def test_events_that_wait_for_their_consumer_are_not_told_to_a_webhook_that_came_later(studio: Studio) -> None:
    """Its row is there before the consumer has come so far, and before its event has a position."""
    await studio.video_comes("before", AHEAD)
    before = await studio.numbered()
    webhook = await studio.hook_comes(BEHIND)
    await studio.tell(before)
    assert (await Webhook.get(id=webhook.id)).hears_from is None
    await studio.video_comes("after", BEHIND)
    await studio.tell((await studio.numbered())[len(before) :])
    assert await heard(webhook) == ["webhook.created", "after"]


async def test_a_webhook_whose_own_event_was_parked_is_not_deaf(studio: Studio) -> None:
    webhook = await made_between(studio, AHEAD, BEHIND)
    first, _parked, last = await studio.numbered()
    await studio.tell([first])
    await studio.tell([last])
    assert await heard(webhook) == ["after"]


async def test_each_of_several_has_a_beginning_of_its_own(studio: Studio) -> None:
    first = await studio.hook_comes(AHEAD)
    await studio.video_comes("one", BEHIND)
    second = await studio.hook_comes(BEHIND)
    await studio.video_comes("two", BEHIND)
    await studio.tell(await studio.numbered())
    assert await heard(first) == ["webhook.created", "one", "webhook.created", "two"]
    assert await heard(second) == ["webhook.created", "two"]


async def test_it_is_noted_once(studio: Studio) -> None:
    webhook = await studio.hook_comes()
    await studio.tell(await studio.numbered())
    await Webhook.filter(id=webhook.id).update(hears_from=1_000)
    assert [each.hears_from for each in await Webhook.hearing([studio.team.id])] == [1_000]
    assert await Webhook.hearing([new_id()]) == []
