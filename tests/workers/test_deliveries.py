"""The dispatcher: who is sent how much at a time, and what becomes of what does not arrive."""

from datetime import timedelta
from functools import partial

import pytest
from standardwebhooks import Webhook as Verifier

from domain.sealing import Keys
from domain.webhooks.faults import Fault
from domain.webhooks.retries import FAILURES_IN_A_ROW, MOST_AT_ONCE, PATIENCE, PAUSES
from domain.webhooks.sealed import SECRET
from domain.webhooks.signatures import new_secret
from domain.webhooks.states import DeliveryState, PauseReason
from gateways.outbound import Answer
from models import EventRecord, Job, Lane, Webhook, WebhookDelivery
from tests.waiting import until
from tests.workers.posting import BAD, KEYS, PACE, WELL, attempts, crew, ended, endpoint, happens, states, waits
from workers.deliveries import Pace, dispatcher

pytestmark = pytest.mark.usefixtures("models")


@pytest.fixture(autouse=True)
def polls_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "POLL_SECONDS", 0.02)


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


async def test_what_was_sealed_with_another_key_signs_nothing_but_keeps_nothing_back(clock, post, sending) -> None:
    """The installation's own key has changed, and the secret was rotated for it: what is older cannot be read."""
    webhook, newest = await endpoint(await crew()), new_secret()
    strange = Keys("x" * 32).seal(SECRET, new_secret(), of=str(webhook.id))
    webhook.sealed_secret = strange
    await webhook.save()
    (unsigned,) = await happens(webhook, "{}", now=clock.now)
    sending.start(clock)
    await waits(unsigned, 1)
    assert (await WebhookDelivery.get(id=unsigned)).fault is Fault.SECRET_UNREADABLE
    webhook.rotate(KEYS.seal(SECRET, newest, of=str(webhook.id)), clock.now, expire_others=False)
    await webhook.save()
    (signed,) = await happens(webhook, "{}", now=clock.now)
    await ended(signed)
    (sent,) = post.sent
    assert len(sent.headers["webhook-signature"].split()) == 1
    Verifier(newest).verify(sent.body, sent.headers)


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


async def test_however_many_receivers_hang_they_keep_nobody_waiting(clock, post, sending) -> None:
    post.holds = True
    teams = [await crew() for _ in range(3)]
    for team in teams:
        for _ in range(20):
            await happens(await endpoint(team), *["{}"] * 5, now=clock.now)
    sending.start(clock, Pace(80, PACE.lease, PACE.renew_seconds))
    await until(lambda: len(post.waiting) == 30)  # of those of which nothing is known, a team has an eighth
    single = await endpoint(await crew())
    await happens(single, "{}", now=clock.now)
    await until(lambda: post.widest[single.url] == 1)
    assert len(post.waiting) == 31


async def test_a_team_whose_receivers_are_slow_and_answer_has_half_at_most(clock, post, sending) -> None:
    busy = await crew()
    urls = [await endpoint(busy) for _ in range(20)]
    for webhook in urls:
        await happens(webhook, "{}", now=clock.now)
    sending.start(clock, Pace(16, PACE.lease, PACE.renew_seconds))
    await until(lambda: len(post.sent) == 20)  # all of them answer, which is known from here on
    post.holds = True
    for webhook in urls:
        await happens(webhook, *["{}"] * 5, now=clock.now)
    await until(lambda: len(post.waiting) == 8)
    single = await endpoint(await crew())
    await happens(single, "{}", now=clock.now)
    await until(lambda: post.widest[single.url] == 1)
    assert len(post.waiting) == 9


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
