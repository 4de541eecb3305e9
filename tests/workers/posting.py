"""Dispatchers without a network: what they send is kept, and answered as a test wants it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from arq.connections import ArqRedis

from domain.clock import utc_now
from domain.ids import new_id
from domain.permissions import Role
from domain.sealing import Keys
from domain.webhooks.editions import EDITION
from domain.webhooks.faults import Fault
from domain.webhooks.sealed import SECRET
from domain.webhooks.signatures import new_secret
from domain.webhooks.states import DeliveryState
from gateways.outbound import Answer, Outgoing
from models import Lane, Member, Team, User, Webhook, WebhookAttempt, WebhookBody, WebhookDelivery, lanes
from models.database import transaction
from tests.waiting import until
from workers.deliveries import Carrier, Dispatcher, Pace, Teller

KEYS = Keys("s" * 32)
WELL = Answer(204, None, "", 5, None, None)
BAD = Answer(500, Fault.BAD_STATUS, "", 5, None, None)


class Moving:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Post:
    """Answers at once what `answering` says, or holds requests until they are answered one by one."""

    answering: Callable[[Outgoing], Answer] = lambda _: WELL
    holds: bool = False
    sent: list[Outgoing] = field(default_factory=list)
    waiting: list[tuple[Outgoing, asyncio.Future[Answer]]] = field(default_factory=list)
    under_way: Counter[str] = field(default_factory=Counter)
    widest: Counter[str] = field(default_factory=Counter)
    """How many requests were under way at the same time, at most, to each URL."""

    async def send(self, request: Outgoing) -> Answer:
        """See `Sender`."""
        self.sent.append(request)
        self.under_way[request.url] += 1
        self.widest[request.url] = max(self.widest[request.url], self.under_way[request.url])
        try:
            return await self._answer(request)
        finally:
            self.under_way[request.url] -= 1

    def answer(self, answer: Answer = WELL, body: str | None = None) -> None:
        """Answers the request that has waited longest, or the one with this body."""
        chosen = 0 if body is None else [request.body.decode() for request, _ in self.waiting].index(body)
        self.waiting.pop(chosen)[1].set_result(answer)

    def bodies(self) -> list[str]:
        """What was sent, in order."""
        return [each.body.decode() for each in self.sent]

    async def _answer(self, request: Outgoing) -> Answer:
        if not self.holds:
            await asyncio.sleep(0)
            return self.answering(request)
        waiting = asyncio.get_running_loop().create_future()
        self.waiting.append((request, waiting))
        return await waiting


async def crew() -> Team:
    """A team with somebody who makes webhooks."""
    person = await User.create(name="Ada", email=f"{new_id()}@example.com", password_hash="none")
    team = await Team.create(name="Crew")
    await Member.create(team_id=team.id, user_id=person.id, role=Role.OWNER)
    return team


async def endpoint(team: Team, **values: Any) -> Webhook:
    """One of the team's, in whose lane nothing waits; its first owner's, if nobody else is named."""
    name, maker = new_id(), await Member.filter(team_id=team.id, role=Role.OWNER).order_by("created_at").first()
    about = {"id": name, "url": f"https://receiver.example/{name}", "edition": EDITION, "team_id": team.id}
    about |= {"created_by_id": maker.user_id if maker else None, "hears_from": 0}
    sealed = KEYS.seal(SECRET, new_secret(), of=str(name))
    webhook = await Webhook.create(sealed_secret=sealed, **(about | values))
    await Lane.of(name, team.id, utc_now()).save(force_create=True)
    return webhook


async def happens(webhook: Webhook, *bodies: str, now: datetime, **values: Any) -> list[UUID]:
    """Deliveries that are due, one after the other; their ids."""
    due = [now + timedelta(microseconds=number) - timedelta(seconds=1) for number in range(len(bodies))]
    told = [
        WebhookBody(id=new_id(), created_at=now, team_id=webhook.team_id, event_id=new_id(), edition=EDITION, body=body)
        for body in bodies
    ]
    async with transaction():
        queue_id = (await lanes.fill({webhook.id: len(told)}, [webhook.id], now))[webhook.id]
        made = [
            WebhookDelivery(
                id=new_id(), created_at=now, team_id=webhook.team_id, webhook_id=webhook.id, event_id=body.event_id,
                event_type="video.edited", body_id=body.id, queue_id=queue_id, due_at=at,
                **({"position": number} | values),
            )
            for number, (body, at) in enumerate(zip(told, due, strict=True), start=1)
        ]  # fmt: skip
        await WebhookBody.bulk_create(told)
        await WebhookDelivery.bulk_create(made)
    return [each.id for each in made]


PACE = Pace(100, timedelta(seconds=15), 5)


class Dispatching:
    """Starts dispatchers, each as a worker of its own would have it."""

    def __init__(self, url: str, redis: ArqRedis, post: Post) -> None:
        self.post = post
        self._url = url
        self._redis = redis
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, clock: Callable[[], datetime], pace: Pace = PACE) -> Dispatcher:
        """One more."""
        made = Dispatcher(self._url, Carrier(self.post, KEYS), Teller(self._redis), clock, pace)
        self.tasks.append(asyncio.create_task(made.run()))
        return made

    async def lose(self) -> None:
        """The one that was started last does and says nothing more; what it sends is under way still."""
        await _end(self.tasks.pop())


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


@asynccontextmanager
async def dispatching(url: str, redis: ArqRedis, post: Post) -> AsyncIterator[Dispatching]:
    """Until the end of this; a dispatcher that has ended by itself is a fault."""
    started = Dispatching(url, redis, post)
    try:
        yield started
        assert not any(task.done() for task in started.tasks)
    finally:
        for task in started.tasks:
            await _end(task)
        for _, waiting in post.waiting:
            waiting.cancel()


async def states(*delivery_ids: UUID) -> list[DeliveryState]:
    """Where deliveries stand."""
    found = {each.id: each.state for each in await WebhookDelivery.filter(id__in=delivery_ids)}
    return [found[each] for each in delivery_ids]


async def attempts(delivery_id: UUID) -> list[str]:
    """How each attempt at it has gone."""
    return [each.state.value for each in await WebhookAttempt.filter(delivery_id=delivery_id).order_by("number")]


async def ended(*delivery_ids: UUID) -> None:
    """Returns once they have arrived, or have been given up."""

    async def have_ended() -> bool:
        return DeliveryState.PENDING not in await states(*delivery_ids)

    await until(have_ended)


async def waits(delivery_id: UUID, count: int) -> None:
    """Returns once an attempt at it, its `count`th, is written down as vain."""

    async def is_due() -> bool:
        return await WebhookDelivery.exists(id=delivery_id, attempt_count=count, due_at__isnull=False)

    await until(is_due)
