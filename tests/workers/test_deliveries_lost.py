"""The dispatcher after faults, of others and of its own: what was being sent is sent, and nobody is held up."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from domain.clock import utc_now
from domain.webhooks.states import DeliveryState
from gateways.outbound import Answer
from models import Lane, Webhook, WebhookAttempt, WebhookDelivery, lanes
from tests.waiting import until
from tests.workers.posting import BAD, WELL, Moving, attempts, crew, ended, endpoint, happens, states, waits
from workers.deliveries import Pace, dispatcher

pytestmark = pytest.mark.usefixtures("models")
QUICK_LEASE = Pace(100, timedelta(seconds=0.3), 0.1)
LASTING = Pace(100, timedelta(hours=1), 600)


@pytest.fixture(autouse=True)
def polls_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "POLL_SECONDS", 0.02)


# What is lost


async def test_what_a_lost_worker_was_sending_is_sent_by_another(clock, post, sending) -> None:
    post.holds = True
    webhook = await endpoint(await crew())
    (delivery_id,) = await happens(webhook, "{}", now=clock.now)
    sending.start(clock, QUICK_LEASE)
    await until(lambda: len(post.waiting) == 1)
    await sending.lose()
    sending.start(clock, QUICK_LEASE)
    await until(lambda: len(post.waiting) == 2)
    assert await attempts(delivery_id) == ["interrupted", "sending"]
    post.answer(WELL)  # nobody writes that down any more
    post.answer(WELL)
    await ended(delivery_id)
    assert await attempts(delivery_id) == ["interrupted", "succeeded"]
    assert (await Lane.get(webhook_id=webhook.id)).delivered == 1


async def test_a_worker_that_was_away_for_too_long_writes_nothing_about_what_another_sends(
    clock, post, sending, monkeypatch
) -> None:
    post.holds = True
    webhook = await endpoint(await crew())
    (delivery_id,) = await happens(webhook, "{}", now=clock.now)
    renew = lanes.renew
    monkeypatch.setattr(lanes, "renew", _never)
    away = sending.start(clock, QUICK_LEASE)
    await until(lambda: len(post.waiting) == 1)
    async with away._turning:  # it does nothing
        await until(lambda: Lane.exists(webhook_id=webhook.id, lease_until__lt=utc_now()))
        sending.start(clock, LASTING)
        await until(lambda: len(post.waiting) == 2)
        monkeypatch.setattr(lanes, "renew", renew)
    post.answer(BAD)
    await until(lambda: post.under_way[webhook.url] == 1)
    post.answer(WELL)
    await ended(delivery_id)
    assert await attempts(delivery_id) == ["interrupted", "succeeded"]
    assert (await Lane.get(webhook_id=webhook.id)).failures == 0


async def _never(*_given):
    raise ConnectionResetError


async def test_workers_whose_clocks_disagree_take_nothing_from_each_other(clock, post, sending) -> None:
    post.holds = True
    (delivery_id,) = await happens(await endpoint(await crew()), "{}", now=clock.now)
    sending.start(clock)
    await until(lambda: len(post.waiting) == 1)
    ahead = Moving()
    ahead.now += timedelta(hours=1)
    sending.start(ahead)
    (another,) = await happens(await endpoint(await crew()), "{}", now=ahead.now)  # the one that is ahead has this
    await until(lambda: len(post.waiting) == 2)
    assert await attempts(delivery_id) == await attempts(another) == ["sending"]


async def test_what_could_not_be_written_is_written_later(clock, post, sending, monkeypatch) -> None:
    write, refused = lanes.write, []

    async def refuses(*given):
        if not refused:
            refused.append(True)
            raise ConnectionResetError
        await write(*given)

    monkeypatch.setattr(lanes, "write", refuses)
    (delivery_id,) = await happens(await endpoint(await crew()), "{}", now=clock.now)
    sending.start(clock, LASTING)
    await ended(delivery_id)
    assert await attempts(delivery_id) == ["succeeded"]


@pytest.mark.parametrize("verb", ["take", "claim", "write", "release"])
async def test_what_was_done_without_an_answer_is_found_out(clock, post, sending, monkeypatch, verb) -> None:
    done, lost = getattr(lanes, verb), []

    async def unheard(*given):
        answer = await done(*given)
        if answer != [] and not lost:
            lost.append(verb)
            raise ConnectionResetError
        return answer

    monkeypatch.setattr(lanes, verb, unheard)
    webhook = await endpoint(await crew())
    ids = await happens(webhook, "1", "2", now=clock.now)
    sending.start(clock, LASTING)  # no lease runs out
    await ended(*ids)
    await until(lambda: bool(lost))
    ids += await happens(webhook, "3", now=clock.now)
    await ended(*ids)
    assert await states(*ids) == [DeliveryState.DELIVERED] * 3
    assert not await WebhookAttempt.exists(state="sending")
    first = ["interrupted", "succeeded"] if verb == "claim" else ["succeeded"]
    assert [await attempts(each) for each in ids] == [first, first, ["succeeded"]]


async def test_what_is_known_to_be_under_way_goes_on_after_a_fault(clock, post, sending, monkeypatch) -> None:
    post.holds = True
    webhook = await endpoint(await crew())
    (under_way,) = await happens(webhook, "1", now=clock.now)
    sending.start(clock, LASTING)
    await until(lambda: len(post.waiting) == 1)
    claim = lanes.claim
    monkeypatch.setattr(lanes, "claim", _once_unheard(claim))
    (begun,) = await happens(webhook, "2", now=clock.now)
    await until(lambda: len(post.waiting) == 2)
    assert await attempts(under_way) == ["sending"]
    assert await attempts(begun) == ["interrupted", "sending"]
    post.answer()
    post.answer()
    await ended(under_way, begun)


def _once_unheard(claim):
    lost = []

    async def unheard(*given):
        answer = await claim(*given)
        if answer and not lost:
            lost.append(True)
            raise ConnectionResetError
        return answer

    return unheard


async def test_what_is_told_of_while_it_is_asked_for_is_asked_for_again(clock, post, sending, monkeypatch) -> None:
    monkeypatch.setattr(dispatcher, "POLL_SECONDS", 3600)
    webhook, claim, ids = await endpoint(await crew()), lanes.claim, []

    async def slow(*given):
        begun = await claim(*given)
        if not ids:  # after the look, before its answer
            ids.extend(await happens(webhook, "late", now=clock.now))
            await until(started._woken.is_set)
        return begun

    monkeypatch.setattr(lanes, "claim", slow)
    started = sending.start(clock)
    await until(lambda: not started._wakes.is_deaf)
    await happens(webhook, "early", now=clock.now)
    await until(lambda: len(post.sent) == 2)


async def test_a_deadlock_while_leases_are_renewed_ends_nothing(clock, post, sending, monkeypatch) -> None:
    told = []

    async def locked(*_given):
        told.append(True)
        raise asyncpg.DeadlockDetectedError("deadlock detected")

    monkeypatch.setattr(lanes, "renew", locked)
    sending.start(clock, QUICK_LEASE)
    await until(lambda: len(told) == 2)
    ids = await happens(await endpoint(await crew()), "{}", now=clock.now)
    await ended(*ids)


async def test_what_is_deleted_with_its_team_is_waited_for_by_nobody(clock, post, sending, database_url) -> None:
    """Its lane goes first, at once; whatever else is of it may take minutes."""
    post.holds = True
    gone, lasts = await endpoint(await crew()), await endpoint(await crew())
    await happens(gone, "gone", now=clock.now)
    sending.start(clock)
    await until(lambda: len(post.waiting) == 1)
    await Lane.filter(webhook_id=gone.id).delete()
    elsewhere = await asyncpg.connect(database_url)
    async with elsewhere.transaction():
        await elsewhere.execute("DELETE FROM webhook_attempts WHERE webhook_id = $1", gone.id)
        post.answer(WELL)
        post.holds = False
        ids = await happens(lasts, "{}", now=clock.now)
        await ended(*ids)
    await elsewhere.close()


async def test_a_deleted_webhook_is_looked_at_once_however_much_waits_for_it(clock, post, sending) -> None:
    webhook = await endpoint(await crew(), deleted_at=clock.now)
    await happens(webhook, "{}", now=clock.now)
    sending.start(clock)
    await until(lambda: Lane.exists(webhook_id=webhook.id, lease_token=None, served_at=clock.now))
    assert (await Lane.get(webhook_id=webhook.id)).due_at is None
    assert post.sent == []


async def test_an_answer_that_no_table_takes_holds_up_nobody(clock, post, sending) -> None:
    odd = Answer(204, None, "\x00", 5, None, None)
    post.answering = lambda request: odd if request.body == b"odd" else WELL
    ids = await happens(await endpoint(await crew()), "odd", "{}", now=clock.now)
    sending.start(clock)
    await ended(*ids)
    assert await states(*ids) == [DeliveryState.DELIVERED] * 2


async def test_what_is_due_by_itself_is_looked_for_however_much_there_is_to_do(clock, post, sending) -> None:
    team = await crew()
    busy, quiet = await endpoint(team), await endpoint(team)

    post.answering = lambda request: BAD if request.body == b"later" and clock.now < due else WELL
    due = clock.now + timedelta(seconds=1)
    (later,) = await happens(quiet, "later", now=clock.now)
    sending.start(clock)
    await waits(later, 1)
    await until(lambda: Lane.exists(webhook_id=quiet.id, lease_token=None))
    more = asyncio.create_task(_goes_on(busy, clock))
    clock.now = (await WebhookDelivery.get(id=later)).due_at
    await ended(later)
    more.cancel()
    await asyncio.wait({more})


async def _goes_on(busy: Webhook, clock: Moving) -> None:
    while True:
        await happens(busy, "{}", now=clock.now)


# The end of a worker


async def test_a_worker_that_has_to_go_waits_for_answers_and_lets_go_of_its_lanes(clock, post, sending) -> None:
    post.holds = True
    webhook = await endpoint(await crew())
    ids = await happens(webhook, *["{}"] * 6, now=clock.now)
    started = sending.start(clock)
    await until(lambda: len(post.waiting) == 4)
    stopping = asyncio.create_task(started.stop())
    for _ in range(4):
        assert not stopping.done()
        post.answer()
    await stopping
    assert len(post.sent) == 4
    assert sorted(await states(*ids)) == [DeliveryState.DELIVERED] * 4 + [DeliveryState.PENDING] * 2
    lane = await Lane.get(webhook_id=webhook.id)
    assert (lane.lease_token, lane.delivered) == (None, 4)
    post.holds = False
    sending.start(clock)  # and the next goes on at once
    await ended(*ids)
    assert len(post.sent) == 6


async def test_what_has_no_answer_when_a_worker_has_to_go_is_sent_by_another_at_once(
    clock, post, sending, monkeypatch
) -> None:
    monkeypatch.setattr(dispatcher, "_LAST_SECONDS", 0.01)
    post.holds = True
    (delivery_id,) = await happens(await endpoint(await crew()), "{}", now=clock.now)
    started = sending.start(clock, LASTING)
    await until(lambda: len(post.waiting) == 1)
    await started.stop()
    await sending.lose()
    sending.start(clock, LASTING)
    await until(lambda: len(post.waiting) == 2)
    assert await attempts(delivery_id) == ["interrupted", "sending"]
