"""What happens in a team becomes deliveries: one for each event and webhook that wants it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from arq.connections import ArqRedis

import models.tellings as making
from domain.clock import utc_now
from domain.events import AccountEdited, Event, VideoCreated
from domain.ids import new_id
from domain.webhooks.catalogue import EVENT_KINDS
from domain.webhooks.states import PauseReason
from models import EventRecord, Lane, Team, User, Video, Webhook, WebhookBody, WebhookDelivery
from models.database import transaction
from models.lanes import CHANNEL
from models.names import names_of
from tests.waiting import until
from workers.consumers import CONSUMERS, Tools
from workers.pausing import pause
from workers.webhooks import make_deliveries


def recorded(event: Event, position: int) -> EventRecord:
    return EventRecord(
        id=new_id(), type=event.type, version=event.version, team_id=event.team_id, actor_id=event.actor_id,
        subjects=[], payload=event.payload(), created_at=utc_now(), position=position,
    )  # fmt: skip


class Office:
    """A team with webhooks, and a video in it."""

    def __init__(self, user: User, team: Team, video: Video, tools: Tools) -> None:
        self.user, self.team, self.video, self.tools = user, team, video, tools

    async def hook(self, **more: Any) -> Webhook:
        yesterday = utc_now() - timedelta(days=1)
        given = {"url": "https://hooks.example.com/1", "edition": 1, "sealed_secret": "sealed", "hears_from": 0}
        webhook = await Webhook.create(team_id=self.team.id, created_by_id=self.user.id, **{**given, **more})
        await Lane.of(webhook.id, self.team.id, yesterday).save(force_create=True)
        return webhook

    def happens(self, count: int, video: Video | None = None) -> list[EventRecord]:
        about = {"team_id": self.team.id, "actor_id": self.user.id, "video_id": (video or self.video).id}
        return [recorded(VideoCreated(**about, title=f"Cut {number}"), number) for number in range(1, count + 1)]

    async def tell(self, events: list[EventRecord]) -> None:
        async with transaction():
            await make_deliveries(events, self.tools)


@pytest.fixture
async def office(models: None, redis: ArqRedis) -> Office:
    user = await User.create(name="Ada", email="ada@example.com", password_hash="none")
    team = await Team.create(name="Crew")
    video = await Video.create(title="Rushes", team_id=team.id, created_by_id=user.id)
    return Office(user, team, video, Tools(redis, utc_now))


async def told(webhook: Webhook) -> list[tuple[int, str]]:
    """The positions of the events that it is to be sent, in the order of its log, and what their bodies say."""
    made = await WebhookDelivery.filter(webhook_id=webhook.id).order_by("created_at", "id")
    bodies = [orjson.loads((await WebhookBody.get(id=each.body_id)).body) for each in made]
    assert [body["id"] for body in bodies] == [str(each.event_id) for each in made]
    return [(each.position, body["data"]["title"]) for each, body in zip(made, bodies, strict=True)]


async def test_many_events_for_many_webhooks_are_made_in_parts_and_none_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_MADE_AT_ONCE", 4)  # fewer than one event's webhooks, and no divisor of all
    hooks = [await office.hook() for _ in range(5)]
    events = office.happens(7)
    await office.tell(events)
    await office.tell(events)
    for webhook in hooks:
        assert await told(webhook) == [(number, f"Cut {number}") for number in range(1, 8)]
        assert (await Lane.get(webhook_id=webhook.id)).due_at is not None


async def test_each_is_told_of_its_own_video_and_what_happened_after_it_was_made(office: Office) -> None:
    other = await Video.create(title="Trailer", team_id=office.team.id, created_by_id=office.user.id)
    of_one, paused = await office.hook(video_id=office.video.id), await office.hook(state="paused")
    late = await office.hook(hears_from=3)
    deleted = await office.hook(deleted_at=utc_now())
    other_type = await office.hook(event_types=["video.deleted"])
    await office.tell([*office.happens(1), *office.happens(2, other)[1:]])
    assert [await told(each) for each in (of_one, late, deleted, other_type)] == [[(1, "Cut 1")], [], [], []]
    assert [position for position, _ in await told(paused)] == [1, 2]
    assert (await Lane.get(webhook_id=paused.id)).due_at is None


async def test_nobody_is_woken_for_what_is_only_kept(office: Office, database_url: str) -> None:
    paused, heard = await office.hook(state="paused"), list[str]()
    listener = await asyncpg.connect(database_url)
    await listener.add_listener(CHANNEL, lambda *told: heard.append(told[-1]))
    await office.tell(office.happens(1))
    awake = await office.hook()
    await office.tell(office.happens(1))
    await until(lambda: bool(heard))
    await listener.close()
    assert heard == [awake.id.hex]
    assert len(await told(paused)) == 2


async def test_who_is_resumed_while_events_are_told_is_woken_for_them(
    office: Office, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who send have looked by then, and found nothing: they would not look before the next event."""
    webhook, elsewhere = await office.hook(state="paused"), await asyncpg.connect(database_url)

    async def resumed_meanwhile(events: Sequence[EventRecord]) -> Any:
        await elsewhere.execute("UPDATE webhooks SET state = 'active' WHERE id = $1", webhook.id)
        return await names_of(events)

    monkeypatch.setattr("workers.webhooks.names_of", resumed_meanwhile)
    await office.tell(office.happens(1))
    await elsewhere.close()
    assert (await Lane.get(webhook_id=webhook.id)).due_at is not None


async def test_what_is_in_no_team_or_not_offered_costs_nothing(office: Office) -> None:
    webhooks = CONSUMERS["webhooks"]
    personal = recorded(
        AccountEdited(team_id=None, actor_id=office.user.id, user_id=office.user.id, changed=["name"]), 1
    )
    assert not webhooks.wants(personal)
    assert webhooks.wants(office.happens(1)[0])
    assert webhooks.types == frozenset(EVENT_KINDS)


async def test_nothing_is_written_for_a_team_that_is_being_deleted(office: Office) -> None:
    """Its lanes go first and its webhooks last; what is written between these would outlive it."""
    webhook = await office.hook()
    await Lane.filter(webhook_id=webhook.id).delete()
    await office.tell(office.happens(2))
    assert (await WebhookBody.all().count(), await told(webhook)) == (0, [])


async def test_who_pauses_waits_for_no_deliveries_that_are_being_made(office: Office, database_url: str) -> None:
    """They hold their webhooks: who pauses several of these would be waited for by what it waits for."""
    webhook, elsewhere = await office.hook(), await asyncpg.connect(database_url)
    async with elsewhere.transaction():
        await elsewhere.execute("SELECT FROM webhooks WHERE id = $1 FOR KEY SHARE", webhook.id)  # as a reference does
        await asyncio.wait_for(pause(webhook.id, PauseReason.KEY_ENDED, utc_now()), 5)
    await elsewhere.close()
    assert (await Webhook.get(id=webhook.id)).pause_reason is PauseReason.KEY_ENDED
