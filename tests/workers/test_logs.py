"""Webhooks' logs last: what is old is forgotten, and what is discarded counts as such before it is written down."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from arq.connections import ArqRedis

from domain.clock import utc_now
from domain.errors import Conflict
from domain.ids import new_id
from domain.webhooks.states import DeliveryState
from models import Lane, Maintenance, Webhook, WebhookAttempt, WebhookBody, WebhookDelivery, WebhookDiscard, lanes
from models import discards as verbs
from models.database import transaction
from models.deliveries import KEPT
from models.discards import discard, in_state
from models.tellings import Telling, make
from tests.waiting import until
from tests.workers.posting import Moving, Post, attempts, crew, dispatching, ended, endpoint, happens, states
from tests.workers.test_webhooks import Office, office  # noqa: F401 - a fixture
from workers.logs import LogKeeper

pytestmark = pytest.mark.usefixtures("models")
LATER = timedelta(days=1)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.logs.MOST", 3)


async def keep(after: timedelta = timedelta()) -> None:
    await LogKeeper(lambda: utc_now() + after)()


async def tried(webhook: Webhook, *delivery_ids: UUID) -> None:
    """They have arrived, at the second try."""
    await WebhookDelivery.filter(id__in=delivery_ids).update(state=DeliveryState.DELIVERED, due_at=None)
    of = {"team_id": webhook.team_id, "webhook_id": webhook.id}
    for delivery_id in delivery_ids:
        await WebhookAttempt.create(delivery_id=delivery_id, number=1, state="failed", **of)
        await WebhookAttempt.create(delivery_id=delivery_id, number=2, state="succeeded", **of)
    await Lane.filter(webhook_id=webhook.id).update(waiting=await pending(webhook))


async def pending(webhook: Webhook) -> int:
    return await WebhookDelivery.filter(in_state(DeliveryState.PENDING), webhook_id=webhook.id).count()


async def counted(webhook: Webhook) -> int:
    """How many wait, by its lane; which is what its deliveries say."""
    waiting = (await lanes.figures([webhook.id]))[webhook.id]["waiting"]
    assert waiting == await pending(webhook)
    return int(waiting)


async def discards(webhook: Webhook) -> int:
    async with transaction():
        return await discard(webhook.id, utc_now())


async def as_told(*delivery_ids: UUID) -> list[DeliveryState]:
    """Where they stand for whoever reads the log: as it is written, or will be."""
    found = {
        row.id: state
        for state in DeliveryState
        for row in await WebhookDelivery.filter(in_state(state), id__in=delivery_ids)
    }
    return [found[each] for each in delivery_ids]


async def left() -> tuple[int, int, int]:
    """How many bodies, deliveries and attempts there are."""
    return await WebhookBody.all().count(), await WebhookDelivery.all().count(), await WebhookAttempt.all().count()


async def test_what_is_old_goes_with_its_bodies_and_attempts_whatever_it_waits_for() -> None:
    webhook, now = await endpoint(await crew()), utc_now()
    old = await happens(webhook, *"abcdefgh", now=now - KEPT - timedelta(seconds=1))
    young = await happens(webhook, *"ij", now=now - KEPT + timedelta(hours=1))
    await tried(webhook, *old[:6], young[0])
    assert await counted(webhook) == 3
    await keep()
    assert await left() == (2, 2, 2)
    assert await states(*young) == [DeliveryState.DELIVERED, DeliveryState.PENDING]
    assert await counted(webhook) == 1
    await keep(LATER)
    assert (await left(), await counted(webhook)) == ((0, 0, 0), 0)


async def test_a_body_stays_as_long_as_anybody_was_sent_it(office: Office) -> None:  # noqa: F811
    hooks = [await office.hook() for _ in range(5)]  # more deliveries of one body than a step takes
    await office.tell(office.happens(2))
    assert await left() == (2, 10, 0)
    assert len(set(await WebhookDelivery.all().values_list("body_id", flat=True))) == 2
    gone = hooks[0]
    await Webhook.filter(id=gone.id).update(deleted_at=utc_now())
    await keep()
    assert await left() == (2, 8, 0)
    assert not await Webhook.exists(id=gone.id)
    assert not await Lane.exists(webhook_id=gone.id)
    await Webhook.filter(team_id=office.team.id).update(deleted_at=utc_now())
    await keep()
    assert (await left(), await Webhook.all().count()) == ((0, 0, 0), 0)


async def test_what_somebody_holds_is_passed_over_and_waited_for_by_nobody(database_url: str) -> None:
    webhook, now = await endpoint(await crew()), utc_now()
    old = await happens(webhook, *"abcdefgh", now=now - KEPT - timedelta(seconds=1))
    await tried(webhook, *old)
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute("SELECT FROM webhook_deliveries WHERE id = ANY($1) FOR UPDATE", old[:2])
        await asyncio.wait_for(keep(), 5)
        assert await left() == (2, 2, 4)
    await keep()
    assert await left() == (0, 0, 0)
    await other.close()


async def test_nothing_goes_in_maintenance() -> None:
    webhook = await endpoint(await crew())
    await happens(webhook, "a", now=utc_now() - KEPT - LATER)
    maintenance = await Maintenance.create()
    await keep()
    assert await left() == (1, 1, 0)
    await maintenance.delete()
    await keep()
    assert (await left(), await counted(webhook)) == ((0, 0, 0), 0)


async def test_a_discard_counts_before_it_is_written_and_after_a_crash(database_url: str, redis: ArqRedis) -> None:
    clock, post = Moving(), Post()
    webhook = await endpoint(await crew(), state="paused")
    dropped = await happens(webhook, *"abcdefgh", now=clock())
    assert await discards(webhook) == 8
    assert await as_told(*dropped) == [DeliveryState.DISCARDED] * 8
    assert set(await states(*dropped)) == {DeliveryState.PENDING}  # as whoever crashes here leaves it
    assert await counted(webhook) == 0
    await Webhook.filter(id=webhook.id).update(state="active")
    async with dispatching(database_url, redis, post) as workers:
        workers.start(clock)
        await ended(*await happens(webhook, "i", "j", now=clock()))
        assert sorted(post.bodies()) == ["i", "j"]
    discarded_at = (await WebhookDiscard.get(webhook_id=webhook.id)).created_at
    await keep()
    assert await states(*dropped) == [DeliveryState.DISCARDED] * 8
    ends = await WebhookDelivery.filter(id__in=dropped).values_list("ended_at", "due_at")
    assert set(ends) == {(discarded_at, None)}
    assert not await WebhookDiscard.exists()
    assert await counted(webhook) == 0


async def test_a_discard_that_is_taken_back_drops_nothing(database_url: str, redis: ArqRedis) -> None:
    clock, post = Moving(), Post()
    webhook = await endpoint(await crew())
    waiting = await happens(webhook, "a", "b", now=clock())

    async def is_interrupted() -> None:
        async with transaction():
            assert await discard(webhook.id, clock()) == 2
            raise Conflict("problem.webhook_active")

    with pytest.raises(Conflict):
        await is_interrupted()
    assert await counted(webhook) == 2
    async with dispatching(database_url, redis, post) as workers:
        workers.start(clock)
        await ended(*waiting)
    assert sorted(post.bodies()) == ["a", "b"]
    assert await counted(webhook) == 0


@pytest.mark.parametrize("in_order", [False, True])
async def test_what_is_under_way_is_not_reached_even_if_its_worker_is_lost(
    database_url: str, redis: ArqRedis, in_order: bool
) -> None:
    clock, post = Moving(), Post(holds=True)
    webhook = await endpoint(await crew(), in_order=in_order)
    ids = await happens(webhook, *"abcdefgh", now=clock(), video_id=webhook.id if in_order else None)
    under_way = 1 if in_order else 4
    async with dispatching(database_url, redis, post) as workers:
        workers.start(clock)
        await until(lambda: len(post.waiting) == under_way)
        assert await discards(webhook) == 8 - under_way
        assert await counted(webhook) == under_way
        await workers.lose()
        await Lane.filter(webhook_id=webhook.id).update(lease_until=clock() - timedelta(minutes=1), due_at=clock())
        post.holds = False
        workers.start(clock)
        await ended(*ids[:under_way])
        assert await attempts(ids[0]) == ["interrupted", "succeeded"]
        await keep()
    told = [DeliveryState.DELIVERED] * under_way + [DeliveryState.DISCARDED] * (8 - under_way)
    assert await states(*ids) == told
    assert await counted(webhook) == 0


async def test_one_discard_after_another_says_when_each_was() -> None:
    webhook = await endpoint(await crew(), state="paused")
    first = await happens(webhook, *"abcde", now=utc_now())
    assert await discards(webhook) == 5
    second = await happens(webhook, *"fg", now=utc_now())
    assert await counted(webhook) == 2
    assert await discards(webhook) == 2
    last = await happens(webhook, "h", now=utc_now())
    times = await WebhookDiscard.all().order_by("created_at").values_list("created_at", flat=True)
    await keep()
    told = [await WebhookDelivery.filter(id__in=ids).values_list("ended_at", flat=True) for ids in (first, second)]
    assert [set(each) for each in told] == [{times[0]}, {times[1]}]
    assert await states(*last) == [DeliveryState.PENDING]
    assert await counted(webhook) == 1


async def test_what_is_made_while_somebody_discards_is_later(
    office: Office,  # noqa: F811
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    webhook, other = await office.hook(), await office.hook()
    before, event = office.happens(2)
    await office.tell([before])
    connection = await asyncpg.connect(database_url)
    fill = lanes.fill

    async def discarded_meanwhile(more: Mapping[UUID, int], awake: Collection[UUID], now: datetime) -> Any:
        await discard_elsewhere(connection, webhook.id)
        return await fill(more, awake, now)

    monkeypatch.setattr(lanes, "fill", discarded_meanwhile)
    await office.tell([event])
    await connection.close()
    made = {each.event_id: each.id for each in await WebhookDelivery.filter(webhook_id=webhook.id)}
    assert await as_told(made[before.id], made[event.id]) == [DeliveryState.DISCARDED, DeliveryState.PENDING]
    assert [await counted(webhook), await counted(other)] == [1, 2]
    await keep()
    assert await states(made[before.id], made[event.id]) == [DeliveryState.DISCARDED, DeliveryState.PENDING]


async def discard_elsewhere(connection: asyncpg.Connection, webhook_id: UUID) -> None:
    """As `discard`, by somebody else and committed."""
    async with connection.transaction():
        await connection.execute(verbs._HOLD, webhook_id)
        await connection.execute(verbs._DISCARD, webhook_id, utc_now(), new_id())


async def test_events_that_are_told_again_are_neither_made_nor_counted_twice_nor_told_otherwise(
    office: Office,  # noqa: F811
) -> None:
    webhook, events = await office.hook(state="paused"), office.happens(3)
    await office.tell(events)
    said = {each.id: each.body for each in await WebhookBody.all()}
    office.video.title = "Another name"
    await office.video.save()
    await office.tell(events)
    assert {each.id: each.body for each in await WebhookBody.all()} == said
    assert await counted(webhook) == 3


async def test_each_edition_has_a_body_of_its_own(office: Office) -> None:  # noqa: F811
    hooks = [await office.hook(edition=edition) for edition in (1, 2, 1)]
    (event,) = office.happens(1)
    ids = [each.id for each in hooks]
    told = [Telling(event, None, 1, "first", [ids[0], ids[2]]), Telling(event, None, 2, "second", [ids[1]])]
    async with transaction():
        await make(told, utc_now())
    by = {each.webhook_id: each.body_id for each in await WebhookDelivery.all()}
    bodies = {each.id: (each.edition, each.body) for each in await WebhookBody.all()}
    assert [bodies[by[each]] for each in ids] == [(1, "first"), (2, "second"), (1, "first")]


async def test_what_is_at_fault_with_one_log_is_nothing_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = await endpoint(await crew())
    old = await happens(webhook, "old", now=utc_now() - KEPT - LATER)
    await tried(webhook, *old)
    await happens(webhook, "waits", now=utc_now())
    await discards(webhook)

    async def write(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(WebhookDiscard, "write", write)
    await keep()
    assert not await WebhookDelivery.filter(id__in=old).exists()
    assert await WebhookDiscard.all().count() == 1


async def test_where_nothing_waits_a_discard_notes_nothing() -> None:
    webhook = await endpoint(await crew())
    assert await discards(webhook) == 0
    await happens(webhook, "one", now=utc_now())
    assert await discards(webhook) == 1
    assert await discards(webhook) == 0
    assert await WebhookDiscard.all().count() == 1
