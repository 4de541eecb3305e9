"""What happens in a team becomes deliveries for its webhooks: one for each event and webhook."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from domain.events import AccountDeleted, ApiKeyRevoked, MemberLeft, MemberRemoved, MemberRoleChanged
from domain.webhooks.catalogue import EVENT_KINDS
from domain.webhooks.envelope import Names, envelope
from models import EventRecord, Webhook, lanes
from models.deliveries import WebhookDelivery
from models.names import names_of
from workers.consumers import Tools, consumer
from workers.pausing import pause_keyless


class Wanted(NamedTuple):
    """An event that a webhook is told of."""

    event: EventRecord
    webhook: Webhook


@consumer("webhooks", in_transaction=True)
async def make_deliveries(events: Sequence[EventRecord], tools: Tools) -> None:
    """Notes what each webhook is to be sent, word for word, and wakes who sends it."""
    wanted = await _wanted([event for event in events if event.team_id and event.type in EVENT_KINDS])
    if not wanted:
        return
    told = list({each.event.id: each.event for each in wanted}.values())
    names = dict(zip((event.id for event in told), await names_of(told), strict=True))
    bodies: dict[tuple[UUID, int], str] = {}
    for event, webhook in wanted:
        about = (event.id, webhook.edition)
        if about not in bodies:
            bodies[about] = body_of(event, webhook.edition, names[event.id], tools)
    made = [_delivery(event, webhook, bodies[event.id, webhook.edition], tools.clock()) for event, webhook in wanted]
    await WebhookDelivery.bulk_create(made, ignore_conflicts=True)
    await lanes.stir(sorted({each.webhook.id for each in wanted if each.webhook.is_active}), tools.clock())


@consumer(
    "webhook-keys", ApiKeyRevoked, MemberLeft, MemberRemoved, MemberRoleChanged, AccountDeleted, in_transaction=True
)
async def pause_without_key(events: Sequence[EventRecord], tools: Tools) -> None:
    """What a program has made with a key is good as long as the key is, and its person may have webhooks."""
    del events
    await pause_keyless(tools.clock())


def body_of(event: EventRecord, edition: int, names: Names, tools: Tools) -> str:
    """What is sent of an event, word for word."""
    told = envelope(
        event.event(),
        event_id=event.id,
        at=event.created_at,
        edition=edition,
        names=names,
        app_url=tools.app_url,
        api_url=tools.api_url,
    )
    return orjson.dumps(told).decode()


async def _wanted(events: Sequence[EventRecord]) -> list[Wanted]:
    if not events:
        return []
    hearing = await Webhook.hearing({event.team_id for event in events if event.team_id})
    return [each for event in events for each in _for(event, hearing)]


def _for(event: EventRecord, hearing: Sequence[Webhook]) -> Iterator[Wanted]:
    """The webhooks of its team that there were when it happened, and that want it."""
    video_id = _video_of(event)
    for webhook in hearing:
        is_theirs = webhook.team_id == event.team_id and webhook.created_at <= event.created_at
        if is_theirs and webhook.wants(event.type, video_id):
            yield Wanted(event, webhook)


def _video_of(event: EventRecord) -> UUID | None:
    video_id = event.payload.get("video_id")
    return UUID(video_id) if video_id else None


def _delivery(event: EventRecord, webhook: Webhook, body: str, now: datetime) -> WebhookDelivery:
    assert event.team_id is not None
    return WebhookDelivery(
        created_at=now,
        team_id=event.team_id,
        webhook_id=webhook.id,
        event_id=event.id,
        event_type=event.type,
        position=event.position,
        video_id=_video_of(event),
        body=body,
        due_at=now,
    )
