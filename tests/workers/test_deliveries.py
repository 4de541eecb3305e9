"""The dispatcher: who is sent how much at a time, what becomes of what does not arrive, and of what was being sent."""

import asyncio
from datetime import timedelta
from functools import partial

import asyncpg
import pytest

from domain.clock import utc_now
from domain.webhooks.faults import Fault
from domain.webhooks.retries import FAILURES_IN_A_ROW, MOST_AT_ONCE, PATIENCE, PAUSES
from domain.webhooks.states import DeliveryState, PauseReason
from gateways.outbound import Answer
from models import EventRecord, Job, Lane, Webhook, WebhookAttempt, WebhookDelivery, lanes
from tests.waiting import until
from tests.workers import posting
from tests.workers.posting import BAD, PACE, WELL, Moving, Post, attempts, crew, endpoint, happens, states
from workers.deliveries import Pace, dispatcher

pytestmark = pytest.mark.usefixtures("models")
QUICK_LEASE = Pace(100, timedelta(seconds=0.3), 0.1)
LASTING = Pace(100, timedelta(hours=1), 600)


@pytest.fixture(autouse=True)
def polls_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "POLL_SECONDS", 0.02)


@pytest.fixture
def clock() -> Moving:
    return Moving()


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
async def sending(database_url, redis, post):
    async with posting.dispatching(database_url, redis, post) as started:
        yield started


def ended(*delivery_ids):
    async def have_ended() -> bool:
        return DeliveryState.PENDING not in await states(*delivery_ids)

    return until(have_ended)


def waits(delivery_id, count):
    """Returns the delivery once an attempt at it, its `count`th, is written down as vain."""

    async def is_due() -> bool:
        return await WebhookDelivery.exists(id=delivery_id, attempt_count=count, due_at__isnull=False)

    return until(is_due)


# What does not arrive


async def test_it_is_tried_nine_times_and_then_given_up(clock, post, sending) -> None:
    post.answering = lambda _: BAD
    webhook = await endpoint(await crew())
    (delivery_id,) = await happens(webhook, "{}", now=clock.now)
    sending.start(clock)
    for number, pause in enumerate(PAUSES, start=1):
        await waits(delivery_id, number)
        due_at = (await WebhookDelivery.get(id=delivery_id)).due_at
        assert pause <= due_at - clock.now <= 1.1 * pause
        clock.now = due_at
    await ended(delivery_id)
    delivery = await WebhookDelivery.get(id=delivery_id)
    assert (delivery.state, delivery.attempt_count, delivery.due_at) == (DeliveryState.FAILED, 9, None)
    assert await attempts(delivery_id) == ["failed"] * 9
    assert [each.headers["X-Webhook-Attempt"] for each in post.sent] == list("123456789")
    assert len({each.headers["webhook-id"] for each in post.sent}) == 1


@pytest.mark.parametrize(("asked", "waited"), [(3600, 3600), (1, 2), (10**6, 24 * 3600)])
async def test_the_receiver_says_when(clock, post, sending, asked, waited) -> None:
    post.answering = lambda _: Answer(503, Fault.BAD_STATUS, "", 5, timedelta(seconds=asked), None)
    (delivery_id,) = await happens(await endpoint(await crew()), "{}", now=clock.now)
    sending.start(clock)
    await waits(delivery_id, 1)
    pause = ((await WebhookDelivery.get(id=delivery_id)).due_at - clock.now).total_seconds()
    assert waited <= pause <= 1.1 * waited


async def test_who_is_gone_is_sent_nothing_more(clock, post, sending) -> None:
    post.answering = lambda _: Answer(410, Fault.GONE, "", 5, None, None)
    webhook = await endpoint(await crew())
    (delivery_id,) = await happens(webhook, "{}", now=clock.now)
    sending.start(clock)
    await _paused(webhook, PauseReason.GONE, "webhook_gone")
    assert await states(delivery_id) == [DeliveryState.FAILED]


async def test_who_has_failed_for_five_days_is_sent_nothing_more(clock, post, sending) -> None:
    post.answering = lambda _: BAD
    failing, lately = [await endpoint(await crew()) for _ in range(2)]
    for webhook, since in ((failing, PATIENCE), (lately, PATIENCE - timedelta(seconds=1))):
        await Lane.filter(webhook_id=webhook.id).update(failures=5, failing_since=clock.now - since)
    await happens(lately, "{}", now=clock.now)
    sending.start(clock)
    await until(lambda: Lane.exists(webhook_id=lately.id, failures=6))
    await happens(failing, "{}", now=clock.now)
    await _paused(failing, PauseReason.FAILING, "webhook_failing")
    assert (await Webhook.get(id=lately.id)).is_active


async def _paused(webhook: Webhook, reason: PauseReason, mail: str) -> None:
    await until(lambda: Webhook.exists(id=webhook.id, state="paused", pause_reason=reason))
    event = await EventRecord.get(type="webhook.paused")
    assert event.payload == {"webhook_id": str(webhook.id), "reason": reason.value}
    mails = [job.payload["kind"] for job in await Job.all() if "kind" in job.payload]
    assert mails == [mail]


# How much at a time


async def test_an_endpoint_gets_more_at_a_time_as_answers_come_and_never_more_than_sixteen(clock, post, sending):
    post.holds = True
    webhook = await endpoint(await crew())
    ids = await happens(webhook, *["{}"] * 100, now=clock.now)
    sending.start(clock)
    await until(lambda: len(post.waiting) == 4)
    for _ in range(len(ids)):
        await until(lambda: bool(post.waiting))
        post.answer()
    await ended(*ids)
    assert post.widest[webhook.url] == MOST_AT_ONCE


async def test_an_endpoint_that_does_not_answer_well_gets_one_at_a_time(clock, post, sending) -> None:
    post.holds = True
    webhook = await endpoint(await crew())
    await happens(webhook, *["{}"] * 30, now=clock.now)
    sending.start(clock)
    await until(lambda: len(post.waiting) == 4)
    for failures in range(1, 8):
        await until(lambda: bool(post.waiting))
        post.answer(BAD)
        await until(partial(Lane.exists, webhook_id=webhook.id, failures=failures))
    await until(lambda: len(post.waiting) == 1)
    assert len(post.sent) == 8  # four at a time, then one


async def test_two_dispatchers_give_an_endpoint_no_more_than_one_does(clock, post, sending) -> None:
    webhook = await endpoint(await crew())
    for _ in range(2):
        sending.start(clock)
    ids = [each for _ in range(40) for each in await happens(webhook, *["{}"] * 10, now=clock.now)]
    await ended(*ids)
    assert post.widest[webhook.url] <= MOST_AT_ONCE
    assert len(post.sent) == len(ids)


async def test_an_endpoint_rests_after_ten_failures_and_is_then_tried_by_one(clock, post, sending) -> None:
    post.answering = lambda _: BAD
    webhook = await endpoint(await crew())
    await Lane.filter(webhook_id=webhook.id).update(failures=FAILURES_IN_A_ROW - 1, failing_since=clock.now)
    await happens(webhook, *["{}"] * 20, now=clock.now)
    sending.start(clock)
    for times, rest in enumerate((30, 60, 120, 240, 480, 600, 600)):
        rests = timedelta(seconds=rest) + clock.now
        rest_begins = {"rests_until": rests, "due_at": rests, "lease_token": None}
        await until(partial(Lane.exists, webhook_id=webhook.id, **rest_begins))
        assert len(post.sent) == times + 1
        await happens(webhook, "{}", now=clock.now)  # what happens meanwhile does not wake it
        assert (await Lane.get(webhook_id=webhook.id)).due_at == rests
        clock.now = rests
    post.answering = lambda _: WELL
    await until(lambda: Lane.exists(webhook_id=webhook.id, failures=0, rests_until=None))


async def test_a_team_with_many_endpoints_does_not_keep_another_waiting(clock, post, sending) -> None:
    post.holds = True
    busy, other = await crew(), await crew()
    for _ in range(50):
        await happens(await endpoint(busy), *["{}"] * 5, now=clock.now)
    sending.start(clock, Pace(10, PACE.lease, PACE.renew_seconds))
    await until(lambda: len(post.waiting) == 10)
    for _ in range(15):  # all its lanes that are held have had their turn, and wait for another
        post.answer()
        await until(lambda: len(post.waiting) == 10)
    single = await endpoint(other)
    await happens(single, "{}", now=clock.now)
    for _ in range(3):
        post.answer()
        await until(lambda: len(post.waiting) == 10)
    assert post.widest[single.url] == 1


async def test_what_happens_to_a_video_is_sent_in_order_where_that_is_wanted(clock, post, sending) -> None:
    post.holds = True
    team = await crew()
    webhook = await endpoint(team, in_order=True)
    ids = await happens(webhook, "1", "2", "3", now=clock.now, video_id=team.id)
    others = await happens(webhook, "other", now=clock.now, video_id=webhook.id, position=4)
    others += await happens(webhook, "of no video", now=clock.now, position=5)
    sending.start(clock)
    await until(lambda: len(post.waiting) == 3)
    assert sorted(post.bodies()) == ["1", "of no video", "other"]
    post.answer(BAD, "1")
    await waits(ids[0], 1)
    post.answer(WELL, "other")
    post.answer(WELL, "of no video")
    await ended(*others)
    assert not post.waiting  # the second waits for the first, however long that takes
    clock.now = (await WebhookDelivery.get(id=ids[0])).due_at
    for body in ("1", "2", "3"):
        await until(lambda: bool(post.waiting))
        assert post.bodies()[-1] == body
        post.answer()
    await ended(*ids)


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
