"""A webhook's log over the wire: tests, what is sent again, what is told live."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook as Verifier

from domain.clock import utc_now
from domain.webhooks.catalogue import EVENT_KINDS
from domain.webhooks.states import DeliveryState
from local.client import OperationFailed
from models import Video, Webhook, WebhookBody, WebhookDelivery
from models.database import transaction
from tests.api.test_team_races import waits_for
from tests.api.test_webhooks import hook, log, make_video, settled, shown
from tests.factories import Factory, gid, uuid_in
from tests.receivers import answer, receiving
from tests.waiting import until


async def test_an_example_of_each_type_goes_the_way_that_all_events_go(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        made = await hook(crew.owner, crew, receiver, "video.published")
        types = ["payment.failed", "user.subscribed", "comment.created", "video.published"]
        for event_type in types:
            given = {"webhookId": made["webhook"]["id"], "eventType": event_type}
            delivery = await crew.admin.client.do("SendTestEvent", input=given)
            assert (delivery["isTest"], delivery["eventType"]) == (True, event_type)
        await receiver.has(len(types))
    for each in receiver.received:
        told = Verifier(made["secret"]).verify(each.body, each.headers)
        assert (told["test"], told["team"]["id"]) == (True, crew.id)
        assert told["type"] in types


async def test_every_type_can_be_tested(make: Factory) -> None:
    crew = await make.crew()
    webhook = await make.webhook(crew)
    listed = (await make.client().run("WebhookEventTypes"))["data"]["webhookEventTypes"]
    assert [each["type"] for each in listed] == list(EVENT_KINDS)
    for each in listed[:25]:  # as many as one person may have in a minute, and some
        given = {"webhookId": gid(webhook), "eventType": each["type"]}
        assert (await crew.owner.client.do("SendTestEvent", input=given))["eventType"] == each["type"]


async def test_a_paused_webhook_is_sent_no_test(make: Factory) -> None:
    crew = await make.crew()
    webhook = await make.webhook(crew)
    await crew.owner.client.do("PauseWebhook", id=gid(webhook))
    given = {"webhookId": gid(webhook), "eventType": "video.created"}
    with pytest.raises(OperationFailed, match="paused"):
        await crew.owner.client.do("SendTestEvent", input=given)


async def test_what_has_arrived_can_be_sent_again_under_the_same_id(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        made = await hook(crew.owner, crew, receiver, "video.created")
        await make_video(crew)
        await receiver.has(1)
        (delivery,) = await settled(crew, made["webhook"]["id"])
        again = await crew.owner.client.do("ResendDelivery", id=delivery["id"])
        assert again["id"] == delivery["id"]  # which may have arrived again before the answer is read
        first, second = await receiver.has(2)
        (delivery,) = await settled(crew, made["webhook"]["id"])
    assert (first.id, first.body) == (second.id, second.body)
    assert (delivery["state"], delivery["attemptCount"]) == ("DELIVERED", 2)


async def test_whatever_has_failed_since_a_moment_is_sent_again(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        made = await hook(crew.owner, crew, receiver, "payment.failed")
        webhook, now = await Webhook.get(id=uuid_in(made["webhook"]["id"])), utc_now()
        for number, days in enumerate((1, 2, 9)):
            at = {"created_at": now - timedelta(days=days), "position": number}
            await make.delivery(webhook, event_id=UUID(f"00000000-0000-7000-8000-{number:012}"), **at)
        given = {"webhookId": made["webhook"]["id"], "since": (now - timedelta(days=3)).isoformat()}
        resent = await crew.owner.client.do("ResendFailedDeliveries", input=given)
        assert resent["count"] == 2
        await receiver.has(2)
        await settled(crew, made["webhook"]["id"])
        (left,) = await log(crew, made["webhook"]["id"], state="FAILED")
    assert left["eventId"] == "00000000-0000-7000-8000-000000000002"
    too_old = {**given, "since": (now - timedelta(days=99)).isoformat()}
    with pytest.raises(OperationFailed, match="30 days"):
        await crew.owner.client.do("ResendFailedDeliveries", input=too_old)


async def test_more_than_can_be_resent_at_once_is_resent_by_asking_again(
    make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.deliveries.MOST_RESENT", 2)
    crew = await make.crew()
    webhook = await make.webhook(crew)
    now = utc_now()
    made = [await make.delivery(webhook, created_at=now - timedelta(minutes=ago)) for ago in (1, 3, 2)]

    async def resend() -> int:
        async with transaction():
            return await WebhookDelivery.resend_failed(webhook.id, now - timedelta(days=1), now)

    assert await resend() == 2
    assert (await WebhookDelivery.get(webhook_id=webhook.id, state="failed")).id == made[0].id
    assert [await resend(), await resend()] == [1, 0]


async def test_what_is_sent_again_is_held_after_its_webhook(make: Factory) -> None:
    """As by who has all that failed sent again, or discards what waits: else each would wait for the other."""
    crew = await make.crew()
    webhook = await make.webhook(crew)
    delivery = await make.delivery(webhook)
    async with transaction():
        await Webhook.filter(id=webhook.id).select_for_update().get()
        again = asyncio.create_task(crew.owner.client.do("ResendDelivery", id=gid(delivery)))
        await until(lambda: waits_for("webhooks"))
        await WebhookDelivery.filter(id=delivery.id).select_for_update(nowait=True).get()
    assert (await again)["state"] == "PENDING"


async def test_what_waits_is_discarded_at_once_and_can_be_sent_again(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        made = await hook(crew.owner, crew, receiver, "payment.failed")
        given, webhook = made["webhook"]["id"], await Webhook.get(id=uuid_in(made["webhook"]["id"]))
        await crew.owner.client.do("PauseWebhook", id=given)
        waits = {"state": DeliveryState.PENDING, "due_at": utc_now(), "ended_at": None, "attempt_count": 0}
        kept = [await make.delivery(webhook, **waits) for _ in range(3)]
        assert (await shown(crew, given))["figures"]["pendingCount"] == 3
        with pytest.raises(OperationFailed, match="paused"):
            await crew.owner.client.do("ResendDelivery", id=gid(kept[0]))
        resumed = await crew.owner.client.do("ResumeWebhook", input={"id": given, "discard": True})
        assert resumed["state"] == "ACTIVE"
        # Whether it is written into each yet or not, and whoever asks.
        entries = (await crew.admin.client.run("WebhookDeliveries", webhook=given))["data"]["webhook"]["deliveries"]
        for entry in entries["nodes"]:
            assert (entry["state"], entry["nextAttemptAt"], bool(entry["endedAt"])) == ("DISCARDED", None, True)
        assert [len(await log(crew, given, state=each)) for each in ("PENDING", "DISCARDED", "FAILED")] == [0, 3, 0]
        assert (await shown(crew, given))["figures"]["pendingCount"] == 0
        again = await crew.owner.client.do("ResendDelivery", id=gid(kept[1]))
        (received,) = await receiver.has(1)
        assert (again["id"], received.id, received.body) == (gid(kept[1]), str(kept[1].event_id), b"{}")
        await settled(crew, given)
        states = {entry["id"]: entry["state"] for entry in await log(crew, given)}
    assert [states[gid(each)] for each in kept] == ["DISCARDED", "DELIVERED", "DISCARDED"]
    with pytest.raises(OperationFailed, match="not paused"):
        await crew.owner.client.do("ResumeWebhook", input={"id": given, "discard": True})


async def test_a_body_is_the_same_for_every_webhook_and_every_time(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        made = [await hook(crew.owner, crew, receiver, "video.created") for _ in range(3)]
        await make_video(crew, "As it was called")
        await receiver.has(3)
        await Video.filter(team_id=crew.team.id).update(title="As it is called by now")
        first, *_ = await settled(crew, made[0]["webhook"]["id"])
        await crew.owner.client.do("ResendDelivery", id=first["id"])
        received = await receiver.has(4)
        shown_as = (await crew.owner.client.run("WebhookDelivery", id=first["id"]))["data"]["webhookDelivery"]["body"]
    assert {each.body.decode() for each in received} == {shown_as}
    assert "As it was called" in shown_as
    assert await WebhookBody.filter(event_id=UUID(first["eventId"])).count() == 1


async def test_the_log_is_narrowed_by_state_type_and_time(make: Factory) -> None:
    crew = await make.crew()
    webhook = await make.webhook(crew)
    now = utc_now()
    for days, state in ((1, DeliveryState.FAILED), (2, DeliveryState.DELIVERED), (3, DeliveryState.FAILED)):
        await make.delivery(webhook, created_at=now - timedelta(days=days), state=state)
    await make.delivery(webhook, event_type="user.cancelled")

    async def found(**given: Any) -> int:
        return len(await log(crew, gid(webhook), **given))

    assert await found() == 4
    assert await found(state="FAILED") == 3
    assert await found(state="FAILED", eventType="payment.failed") == 2
    assert await found(since=(now - timedelta(days=2.5)).isoformat()) == 3
    assert await found(until=(now - timedelta(days=2.5)).isoformat()) == 1


async def test_each_attempt_is_told_live(make: Factory) -> None:
    crew = await make.crew()
    answers = [answer(500), answer(200)]
    async with receiving(lambda _: answers.pop(0)) as receiver:
        made = await hook(crew.owner, crew, receiver, "video.created")
        async with crew.admin.client.follow("FollowWebhookDeliveries", webhook=made["webhook"]["id"]) as events:
            await make_video(crew)
            told = [(await anext(events))["data"]["webhookDeliveries"]["attempt"] for _ in range(2)]
    assert [(each["number"], each["state"], each["status"]) for each in told] == [
        (1, "FAILED", 500), (2, "SUCCEEDED", 200),
    ]  # fmt: skip
    assert told[0]["delivery"]["eventType"] == "video.created"
