"""Webhooks that are changed: their secrets, where they lead, and of what they are told."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from domain.clock import utc_now
from domain.ids import new_id
from domain.webhooks.replaced import GOOD_FOR, MOST_SECRETS
from domain.webhooks.states import DeliveryState
from models import ConsumerCursor, EventRecord, Lane, Webhook, WebhookDelivery
from plan import encode_id
from tests.api.test_webhooks import hook, make_video, shown
from tests.factories import Crew, Factory, gid, uuid_in
from tests.receivers import receiving
from tests.waiting import until


async def all_is_heard(crew: Crew) -> bool:
    """Whether all that has happened in the team is told to who wants it, or kept for them."""
    last = await EventRecord.filter(team_id=crew.team.id).order_by("-recorded_at").first()
    cursor = await ConsumerCursor.get(consumer="webhooks")
    return last is not None and last.position is not None and cursor.position >= last.position


async def test_every_secret_is_good_for_its_day_however_often_it_is_rotated(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        made = await hook(crew.owner, crew, receiver, "video.created")
        webhook = made["webhook"]["id"]
        rotated = [await crew.owner.client.do("RotateWebhookSecret", id=webhook) for _ in range(2)]
        assert rotated[-1]["webhook"]["olderSecretUntil"] is not None
        await make_video(crew)
        (all_of_them,) = await receiver.has(1)
        for each in (made, *rotated):
            Verifier(each["secret"]).verify(all_of_them.body, all_of_them.headers)
        await age(webhook, GOOD_FOR)
        newest = await crew.owner.client.do("RotateWebhookSecret", id=webhook)
        await make_video(crew)
        _, later = await receiver.has(2)
    assert len(later.headers["webhook-signature"].split()) == 2
    for each in (rotated[-1], newest):
        Verifier(each["secret"]).verify(later.body, later.headers)


async def age(webhook: str, by: timedelta) -> None:
    """Whatever was replaced was so much longer ago."""
    row = await Webhook.get(id=uuid_in(webhook))
    for each in row.older_secrets:
        each["until"] = (datetime.fromisoformat(each["until"]) - by).isoformat()
    await row.save(update_fields=["older_secrets"])


async def test_a_secret_that_has_leaked_is_ended_at_once(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        made = await hook(crew.owner, crew, receiver, "video.created", "webhook.secret_rotated")
        await crew.owner.client.do("RotateWebhookSecret", id=made["webhook"]["id"])
        fresh = await crew.owner.client.do("RotateWebhookSecret", id=made["webhook"]["id"], expireOthers=True)
        assert fresh["webhook"]["olderSecretUntil"] is None
        await receiver.has(2)
        await make_video(crew)
        told = (await receiver.has(3))[-1]
    assert len(told.headers["webhook-signature"].split()) == 1
    Verifier(fresh["secret"]).verify(told.body, told.headers)
    rotated = sorted(receiver.of_type("webhook.secret_rotated"), key=lambda each: str(each.told["timestamp"]))
    assert [each.told["data"]["others_ended"] for each in rotated] == [False, True]


async def test_more_secrets_than_deliveries_are_signed_with_are_refused(make: Factory) -> None:
    crew = await make.crew()
    webhook = gid(await make.webhook(crew))
    for _ in range(MOST_SECRETS - 1):
        await crew.owner.client.do("RotateWebhookSecret", id=webhook)

    async def refused() -> Any:
        return (await crew.owner.client.run("RotateWebhookSecret", id=webhook))["data"]["rotateWebhookSecret"]

    assert (await refused())["code"] == "CONFLICT"
    assert len((await Webhook.get(id=uuid_in(webhook))).older_secrets) == MOST_SECRETS - 1
    await age(webhook, GOOD_FOR)
    assert (await refused())["__typename"] == "WebhookSecret"
    assert len((await Webhook.get(id=uuid_in(webhook))).older_secrets) == 1


@pytest.mark.parametrize(
    ("change", "is_over"), [({"url": "https://other.example/hook"}, True), ({"description": "x"}, False)]
)
async def test_another_address_is_another_receiver_which_has_not_failed(
    make: Factory, change: dict[str, Any], is_over: bool
) -> None:
    crew = await make.crew()
    webhook, until_then = await make.webhook(crew), utc_now() + timedelta(minutes=10)
    lane = Lane.filter(webhook_id=webhook.id)
    await lane.update(failures=15, failing_since=utc_now() - timedelta(days=4), rests_until=until_then)
    await crew.owner.client.do("UpdateWebhook", input={"id": gid(webhook), **change})
    figures = (await shown(crew, gid(webhook)))["figures"]
    assert ((await lane.get()).failures == 0, figures["failingSince"] is None, figures["restsUntil"] is None) == (
        (is_over,) * 3
    )


async def test_what_waited_for_its_turn_is_sent_once_no_order_is_wanted_any_more(make: Factory) -> None:
    crew, now = await make.crew(), utc_now()
    webhook, waits = await make.webhook(crew, in_order=True), {"state": DeliveryState.PENDING, "video_id": new_id()}
    tomorrow = now + timedelta(days=1)
    await make.delivery(webhook, **waits, position=1, due_at=tomorrow)
    behind = await make.delivery(webhook, **waits, position=2, due_at=now)
    await Lane.filter(webhook_id=webhook.id).update(due_at=tomorrow)
    await crew.owner.client.do("UpdateWebhook", input={"id": gid(webhook), "inOrder": False})
    await until(lambda: WebhookDelivery.exists(id=behind.id, attempt_count__gt=behind.attempt_count))


async def test_a_webhook_may_be_about_another_video_or_about_all(make: Factory) -> None:
    crew, other = await make.crew(), await make.crew()
    one, two = gid(await make.video(crew)), gid(await make.video(crew))
    webhook = gid(await make.webhook(crew, event_types=["video.edited"], state="paused"))

    async def told_of() -> list[str]:
        """The videos of which it is told, of one change of each."""
        for video in (one, two):
            await crew.editor.client.do("EditVideo", input={"id": video, "title": str(new_id())})
        await until(lambda: all_is_heard(crew))
        made = await WebhookDelivery.filter(webhook_id=uuid_in(webhook)).order_by("position")
        await WebhookDelivery.filter(webhook_id=uuid_in(webhook)).delete()
        return [video for each in made for video in (one, two) if each.video_id == uuid_in(video)]

    for given, shows, hears in ((one, one, [one]), ({}, one, [one]), (two, two, [two]), (None, None, [one, two])):
        change = {} if given == {} else {"videoId": given}
        changed = await crew.owner.client.do("UpdateWebhook", input={"id": webhook, **change})
        assert (changed["video"] and changed["video"]["id"]) == shows
        assert await told_of() == hears
    events = await EventRecord.filter(type="webhook.edited", team_id=crew.team.id)
    assert [event.payload["changed"] for event in events] == [["video_id"]] * 3
    theirs = gid(await make.video(other))
    refused = (await crew.owner.client.run("UpdateWebhook", input={"id": webhook, "videoId": theirs}))["data"]
    assert (refused["updateWebhook"]["code"], refused["updateWebhook"]["path"]) == ("NOT_FOUND", ["input", "videoId"])


async def test_a_webhook_whose_video_is_gone_can_be_changed_all_the_same(make: Factory) -> None:
    crew = await make.crew()
    gone = new_id()
    webhook = gid(await make.webhook(crew, video_id=gone))
    given = {"id": webhook, "description": "Later", "videoId": encode_id("Video", gone)}
    assert (await crew.owner.client.do("UpdateWebhook", input=given))["description"] == "Later"


async def test_who_makes_many_has_to_wait(make: Factory) -> None:
    crew = await make.crew()
    given = {"teamId": crew.id, "url": "https://receiver.example/"}
    for _ in range(60):
        made = await crew.owner.client.do("CreateWebhook", input=given)
        await crew.owner.client.do("DeleteWebhook", id=made["webhook"]["id"])
    refused = (await crew.owner.client.run("CreateWebhook", input=given))["data"]["createWebhook"]
    assert (refused["code"], refused["path"]) == ("THROTTLED", None)
    await crew.admin.client.do("CreateWebhook", input=given)
