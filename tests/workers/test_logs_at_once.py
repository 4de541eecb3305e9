"""Webhooks' logs, whatever happens to them at once: what waits is counted as it is, and no body is left over."""

import asyncio
import random
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from arq.connections import ArqRedis

from domain.clock import utc_now
from domain.permissions import Role
from models import Member, Webhook, WebhookBody, WebhookDelivery, lanes
from models.database import transaction
from models.deliveries import KEPT
from tests.waiting import until
from tests.workers.posting import BAD, WELL, Dispatching, Post, dispatching, endpoint
from tests.workers.test_logs import counted, discards, keep
from tests.workers.test_webhooks import Office, office  # noqa: F401 - a fixture
from workers.deliveries import Pace

ROUNDS = 40
QUICK = Pace(100, timedelta(seconds=0.2), 0.05)
"""Whose lanes others have a moment after it was lost."""
pytestmark = pytest.mark.usefixtures("models")


async def happens_often(place: Office, over: asyncio.Event) -> None:
    """At least so often, and as long as there is something to lose workers for."""
    for number in count():
        if number >= ROUNDS and over.is_set():
            return
        await place.tell(place.happens(1 + number % 5))


async def discards_often(hooks: list[Webhook]) -> None:
    for number in range(ROUNDS):
        await discards(hooks[number % 3])  # one of four loses nothing


async def sends_again(webhook: Webhook) -> None:
    for _ in range(ROUNDS):
        for each in await WebhookDelivery.filter(webhook_id=webhook.id).limit(3):
            await resend(each.id)
        async with transaction():
            resent = await WebhookDelivery.resend_failed(webhook.id, utc_now() - KEPT, utc_now())
            await lanes.fill({webhook.id: resent}, [webhook.id], utc_now())


async def resend(delivery_id: UUID) -> None:
    """As somebody who asks for it does."""
    async with transaction():
        delivery = await WebhookDelivery.filter(id=delivery_id).select_for_update().get_or_none()
        if delivery is None or not await delivery.has_ended():
            return
        queue_id = (await lanes.fill({delivery.webhook_id: 1}, [delivery.webhook_id], utc_now()))[delivery.webhook_id]
        delivery.send_again(queue_id, utc_now())
        await delivery.save(update_fields=["state", "queue_id", "due_at", "ended_at", "tries"])


async def forgets() -> None:
    for number in range(ROUNDS):
        await keep(KEPT + timedelta(days=1) if number % 10 == 5 else timedelta())


async def loses_workers(workers: Dispatching, post: Post, over: asyncio.Event) -> None:
    workers.start(utc_now, QUICK)
    for _ in range(3):
        before = len(post.sent)
        await until(lambda before=before: len(post.sent) >= before + 10)
        await workers.lose()
        workers.start(utc_now, QUICK)
    over.set()


async def test_what_waits_is_counted_as_it_is(office: Office, database_url: str, redis: ArqRedis) -> None:  # noqa: F811
    await Member.create(team_id=office.team.id, user_id=office.user.id, role=Role.OWNER)
    chance = random.Random(8)
    over, post = asyncio.Event(), Post(answering=lambda _: chance.choice((WELL, WELL, BAD)))
    hooks = [await endpoint(office.team, in_order=number == 1) for number in range(4)]
    async with dispatching(database_url, redis, post) as workers, asyncio.TaskGroup() as together:
        for each in (happens_often(office, over), discards_often(hooks), sends_again(hooks[2]), forgets()):
            together.create_task(each)
        together.create_task(loses_workers(workers, post, over))
    for each in hooks:
        await counted(each)
    bodies = set(await WebhookBody.all().values_list("id", flat=True))
    assert set(await WebhookDelivery.all().values_list("body_id", flat=True)) == bodies
