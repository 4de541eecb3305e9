"""Deliveries: sending a webhook a test, and again what it was sent."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from domain.errors import Conflict, Invalid
from domain.events import WebhookResent, WebhookTested
from domain.ids import new_id
from domain.throttling import DELIVERY_OF_PERSON
from domain.webhooks.catalogue import EVENT_KINDS
from domain.webhooks.envelope import envelope
from domain.webhooks.examples import NAMES, example_event
from models import Team, User, Webhook, WebhookBody, WebhookDelivery, lanes
from models.database import transaction
from models.deliveries import KEPT
from models.finding import Hold
from resolvers.caller import Caller, find_within, lock, require_somebody, tell


async def send_test(caller: Caller, *, webhook_id: UUID, event_type: str) -> WebhookDelivery:
    """Sends it an example of a type of event, which says that it is a test: by the same way as all else."""
    if event_type not in EVENT_KINDS:
        raise Invalid("problem.event_type", path=("eventType",), type=event_type[:50])
    await caller.throttle.hit(DELIVERY_OF_PERSON, str(require_somebody(caller)))
    async with transaction():
        webhook = await lock(caller, "webhook:send", Webhook, webhook_id)
        _require_active(webhook)
        body = await _test(caller, webhook, event_type)
        await body.save(force_create=True)
        await tell(caller, WebhookTested, webhook.team_id, webhook_id=webhook.id, sent=event_type)
        delivery = _delivery_of(body, webhook.id, event_type, await _queue(webhook.id, 1, caller.now()))
        await delivery.save(force_create=True)
    return delivery


async def resend(caller: Caller, *, delivery_id: UUID) -> WebhookDelivery:
    """Sends again what has ended, to the letter and under the same id; Conflict while it is still to arrive."""
    await caller.throttle.hit(DELIVERY_OF_PERSON, str(require_somebody(caller)))
    async with transaction():
        _, webhook = await find_within(caller, "webhook:send", WebhookDelivery, delivery_id, Webhook, Hold.THERE)
        _require_active(webhook)
        # After its webhook, as everywhere: who has all that failed sent again, or discards, holds that first.
        delivery = await lock(caller, "webhook:send", WebhookDelivery, delivery_id)
        if not await delivery.has_ended():
            raise Conflict("problem.delivery_pending")
        await tell(caller, WebhookResent, webhook.team_id, webhook_id=webhook.id, count=1)
        delivery.send_again(await _queue(webhook.id, 1, caller.now()), caller.now())
        await delivery.save(update_fields=["state", "queue_id", "due_at", "ended_at", "tries"])
    return delivery


async def resend_failed(caller: Caller, *, webhook_id: UUID, since: datetime) -> int:
    """Sends again what has failed of what was made from `since` on, `MOST_RESENT` at a time; how many that are."""
    now = caller.now()
    if not now - KEPT - timedelta(days=1) <= since <= now:
        raise Invalid("problem.resend_since", path=("since",), days=KEPT.days)
    await caller.throttle.hit(DELIVERY_OF_PERSON, str(require_somebody(caller)))
    async with transaction():
        webhook = await lock(caller, "webhook:send", Webhook, webhook_id)
        _require_active(webhook)
        count = await WebhookDelivery.resend_failed(webhook.id, since, now)
        if count:
            await tell(caller, WebhookResent, webhook.team_id, webhook_id=webhook.id, count=count)
            await _queue(webhook.id, count, now)
    return count


def _require_active(webhook: Webhook) -> None:
    if not webhook.is_active:
        raise Conflict("problem.webhook_paused")


async def _queue(webhook_id: UUID, more: int, now: datetime) -> UUID:
    """Where so many more wait from now on; who sends them is woken."""
    return (await lanes.fill({webhook_id: more}, [webhook_id], now))[webhook_id]


async def _test(caller: Caller, webhook: Webhook, event_type: str) -> WebhookBody:
    now, event_id = caller.now(), new_id()
    kind = EVENT_KINDS[event_type]
    team, asker = await Team.get(id=webhook.team_id), await User.get(id=caller.viewer.user_id)
    told = envelope(
        example_event(kind, team_id=team.id, actor_id=asker.id),
        event_id=event_id,
        at=now,
        edition=webhook.edition,
        names=replace(NAMES, team=team.name, actor=asker.name),
        app_url=caller.rules.app_url,
        api_url=caller.rules.api_url,
        test=True,
    )
    text = orjson.dumps(told).decode()
    return WebhookBody(created_at=now, team_id=team.id, event_id=event_id, edition=webhook.edition, body=text)


def _delivery_of(body: WebhookBody, webhook_id: UUID, event_type: str, queue_id: UUID) -> WebhookDelivery:
    return WebhookDelivery(
        created_at=body.created_at,
        team_id=body.team_id,
        webhook_id=webhook_id,
        event_id=body.event_id,
        event_type=event_type,
        position=0,
        is_test=True,
        body_id=body.id,
        queue_id=queue_id,
        due_at=body.created_at,
    )
