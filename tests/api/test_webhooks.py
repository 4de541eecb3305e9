"""Webhooks over the wire: made, told of what happens, changed, paused, and ended."""

from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from domain.jobs import JobKind
from domain.webhooks.states import DeliveryState
from local.client import OperationFailed
from models import EventRecord, Job, Lane, Webhook, WebhookDelivery
from models.discards import in_state
from models.webhooks import MOST_WEBHOOKS
from tests.factories import Crew, Factory, Person, gid, uuid_in
from tests.receivers import Received, Receiver, answer, receiving
from tests.waiting import until


async def hook(person: Person, crew: Crew, receiver: Receiver, *types: str, **more: Any) -> Any:
    """A webhook of the team that leads to the receiver, and its secret."""
    given = {"teamId": crew.id, "url": receiver.url, "eventTypes": list(types), **more}
    return await person.client.do("CreateWebhook", input=given)


async def make_video(crew: Crew, title: str = "Rushes") -> Any:
    return await crew.editor.client.do("CreateVideo", input={"teamId": crew.id, "title": title})


async def log(crew: Crew, webhook: str, **given: Any) -> list[Any]:
    """What the webhook was sent, newest first."""
    found = (await crew.owner.client.run("WebhookDeliveries", webhook=webhook, filter=given))["data"]["webhook"]
    return list(found["deliveries"]["nodes"])


async def settled(crew: Crew, webhook: str) -> list[Any]:
    """The same, once nothing in it is still to arrive."""

    async def is_settled() -> bool:
        return not await WebhookDelivery.exists(in_state(DeliveryState.PENDING), webhook_id=uuid_in(webhook))

    await until(is_settled)
    assert not (await Lane.get(webhook_id=uuid_in(webhook))).waiting
    return await log(crew, webhook)


async def shown(crew: Crew, webhook: str) -> Any:
    return (await crew.owner.client.run("Webhook", id=webhook))["data"]["webhook"]


async def test_what_happens_is_sent_once_signed(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        made = await hook(crew.owner, crew, receiver, "video.created")
        video = await make_video(crew)
        (received,) = await receiver.has(1)
        (delivery,) = await settled(crew, made["webhook"]["id"])
    told = Verifier(made["secret"]).verify(received.body, received.headers)
    assert (told["type"], told["test"]) == ("video.created", False)
    assert told["path"]["video"] == {"id": video["id"], "title": "Rushes"}
    assert (told["team"]["id"], told["actor"]["id"]) == (crew.id, crew.editor.id)
    assert received.headers["x-webhook-event"] == "video.created"
    assert received.headers["x-webhook-attempt"] == "1"
    assert told["id"] == received.id == received.headers["x-webhook-id"] == delivery["eventId"]
    assert (delivery["state"], delivery["status"], delivery["attemptCount"]) == ("DELIVERED", 204, 1)
    figures = (await shown(crew, made["webhook"]["id"]))["figures"]
    assert (figures["deliveredCount"], figures["failedCount"], figures["pendingCount"]) == (1, 0, 0)
    assert (figures["successRate"], figures["failingSince"]) == (1.0, None)
    assert figures["medianMs"] is not None
    assert figures["lastTriggeredAt"] is not None


async def test_a_comment_is_told_with_its_words(make: Factory) -> None:
    crew = await make.crew()
    version = await make.version(await make.video(crew, title="Fine cut"))
    async with receiving() as receiver:
        await hook(crew.owner, crew, receiver, "comment.created")
        said = {"versionId": gid(version), "body": "Too *dark*", "startMs": 1000}
        comment = await crew.viewer.client.do("AddComment", input=said)
        (received,) = await receiver.has(1)
    told = received.told["data"]["comment"]
    assert (told["id"], told["body"], told["timecode"]) == (comment["id"], "Too *dark*", "00:00:01:00")
    assert received.told["path"]["version"] == {"id": gid(version), "number": 1}


async def test_a_webhook_hears_only_of_what_it_wants(make: Factory) -> None:
    crew, other = await make.crew(), await make.crew()
    video, another = await make.video(crew), await make.video(crew)
    async with receiving() as receiver:
        await hook(crew.owner, crew, receiver, "video.edited", videoId=gid(video))
        for each in (another, video):
            await crew.editor.client.do("EditVideo", input={"id": gid(each), "title": "New"})
        await make_video(crew)
        await make_video(other)
        everything = await hook(crew.owner, crew, receiver)
        await make_video(crew)
        await receiver.until(lambda: len(receiver.of_type("video.created")) == 1)
        await settled(crew, everything["webhook"]["id"])
    (edited,) = receiver.of_type("video.edited")
    assert edited.told["path"]["video"]["id"] == gid(video)
    assert {each.told["team"]["id"] for each in receiver.received} == {crew.id}
    # It hears of itself, too, and of nothing from before.
    assert sorted(each.told["type"] for each in receiver.received) == [
        "video.created", "video.edited", "webhook.created",
    ]  # fmt: skip


async def test_what_fails_is_tried_again_after_two_seconds(make: Factory) -> None:
    crew = await make.crew()
    answers = [answer(500, b"no room\x00"), answer(200)]
    async with receiving(lambda _: answers.pop(0)) as receiver:
        made = await hook(crew.owner, crew, receiver, "video.created")
        await make_video(crew)
        first, second = await receiver.has(2)
        (delivery,) = await settled(crew, made["webhook"]["id"])
    assert (first.id, first.body) == (second.id, second.body)
    assert [each.headers["x-webhook-attempt"] for each in (first, second)] == ["1", "2"]
    found = (await crew.owner.client.run("WebhookDelivery", id=delivery["id"]))["data"]["webhookDelivery"]
    late, early = found["attempts"]["nodes"]
    assert (early["status"], early["fault"], early["state"]) == (500, "BAD_STATUS", "FAILED")
    assert early["excerpt"].startswith("no room")
    assert (late["status"], late["fault"], late["number"]) == (200, None, 2)
    assert found["body"].encode() == first.body


async def test_its_own_headers_are_sent_and_told_nobody(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        headers = [{"name": "Authorization", "value": "Bearer of-theirs"}]
        made = await hook(crew.owner, crew, receiver, "video.created", headers=headers)
        await make_video(crew)
        (received,) = await receiver.has(1)
    assert received.headers["authorization"] == "Bearer of-theirs"
    assert made["webhook"]["headerNames"] == ["Authorization"]
    row = await Webhook.get(id=uuid_in(made["webhook"]["id"]))
    assert "of-theirs" not in str(dict(row))
    assert made["secret"] not in str(dict(row))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://receiver.example/"},
        {"url": "https://user@receiver.example/"},
        {"url": "https://10.0.0.1/"},
        {"url": "https://[::ffff:10.0.0.1]/"},
        {"url": "https://169.254.169.254/latest"},
        {"url": "https://receiver.example:22/"},
        {"url": "file:///etc/passwd"},
        {"eventTypes": ["video.created", "of.nothing"]},
        {"eventTypes": ["notification.raised"]},
        {"eventTypes": ["team.created"]},
        {"eventTypes": ["team.deleted"]},
        {"headers": [{"name": "webhook-id", "value": "1"}]},
        {"headers": [{"name": "Host", "value": "elsewhere"}]},
        {"headers": [{"name": "X-A", "value": "1\r\nX-B: 2"}]},
        {"headers": [{"name": "X A", "value": "1"}]},
        {"headers": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}]},
    ],
)
async def test_what_nothing_can_be_sent_to_is_refused(make: Factory, wrong: dict[str, Any]) -> None:
    crew = await make.crew()
    given = {"teamId": crew.id, "url": "https://receiver.example/", **wrong}
    refused = (await crew.owner.client.run("CreateWebhook", input=given))["data"]["createWebhook"]
    assert refused["code"] == "INVALID"
    assert refused["path"][:2] == ["input", next(iter(wrong))]


async def test_a_paused_webhook_is_sent_later_what_happened_meanwhile(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        made = await hook(crew.owner, crew, receiver, "video.created")
        webhook = made["webhook"]["id"]
        paused = await crew.owner.client.do("PauseWebhook", id=webhook)
        assert (paused["state"], paused["pauseReason"]) == ("PAUSED", "ASKED")
        await make_video(crew, "Missed")

        async def is_kept() -> bool:
            return (await shown(crew, webhook))["figures"]["pendingCount"] == 1

        await until(is_kept)
        assert receiver.received == []
        resumed = await crew.owner.client.do("ResumeWebhook", input={"id": webhook})
        assert (resumed["state"], resumed["pauseReason"], resumed["pausedAt"]) == ("ACTIVE", None, None)
        (received,) = await receiver.has(1)
        assert received.told["path"]["video"]["title"] == "Missed"
        await crew.owner.client.do("PauseWebhook", id=webhook)
        await make_video(crew, "Unwanted")
        await until(is_kept)
        await crew.owner.client.do("ResumeWebhook", input={"id": webhook, "discard": True})
        await make_video(crew, "Wanted")
        _, wanted = await receiver.has(2)
        newest, discarded, _ = await settled(crew, webhook)
    assert wanted.told["path"]["video"]["title"] == "Wanted"
    assert (newest["state"], discarded["state"]) == ("DELIVERED", "DISCARDED")


async def test_who_answers_410_is_sent_nothing_more_and_its_maker_is_mailed(make: Factory) -> None:
    crew = await make.crew()
    async with receiving(lambda _: answer(410)) as receiver:
        made = await hook(crew.admin, crew, receiver, "video.created")
        webhook = made["webhook"]["id"]
        await make_video(crew)
        await receiver.has(1)

        async def is_paused() -> bool:
            return bool((await shown(crew, webhook))["pauseReason"] == "GONE")

        await until(is_paused)
    (delivery,) = await log(crew, webhook)
    assert (delivery["state"], delivery["fault"], delivery["status"]) == ("FAILED", "GONE", 410)
    paused = await EventRecord.get(type="webhook.paused", team_id=crew.team.id)
    assert (paused.actor_id, paused.payload["reason"]) == (None, "gone")
    mails = [job.payload for job in await Job.filter(kind=JobKind.MAIL)]
    assert "webhook_gone" in [mail.get("kind") for mail in mails]


async def test_a_deleted_webhook_is_sent_nothing_and_is_not_there(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        gone = (await hook(crew.owner, crew, receiver, "video.created"))["webhook"]["id"]
        witness = (await hook(crew.owner, crew, receiver, "webhook.deleted", "video.created"))["webhook"]["id"]
        assert await crew.owner.client.do("DeleteWebhook", id=gone) == {"__typename": "WebhookDeleted", "deleted": True}
        await make_video(crew)
        await receiver.has(2)
        assert len(await settled(crew, witness)) == 2
    assert [each.told["type"] for each in receiver.received].count("video.created") == 1
    assert await shown(crew, gone) is None
    with pytest.raises(OperationFailed):
        await crew.owner.client.do("PauseWebhook", id=gone)


async def test_only_owners_and_admins_of_the_team_see_its_webhooks(make: Factory) -> None:
    crew, other = await make.crew(), await make.crew()
    webhook = await make.webhook(crew)
    delivery = await make.delivery(webhook)
    attempt = await make.attempt(delivery)
    node = "query($id: ID!) { node(id: $id) { id } }"
    for person, sees in (
        (crew.owner, True), (crew.admin, True), (crew.editor, False), (crew.viewer, False), (other.owner, False),
    ):  # fmt: skip
        for row in (webhook, delivery, attempt):
            found = (await person.client.ask(node, variables={"id": gid(row)}))["data"]["node"]
            assert (found is not None) is sees
        listed = (await person.client.run("Webhooks", team=crew.id))["data"]["team"]
        assert (bool(listed) and listed["webhooks"]["totalCount"] == 1) is sees


async def test_a_team_has_so_many_and_no_more(make: Factory) -> None:
    crew = await make.crew()
    for _ in range(MOST_WEBHOOKS):
        await make.webhook(crew)
    given = {"teamId": crew.id, "url": "https://receiver.example/"}
    refused = (await crew.owner.client.run("CreateWebhook", input=given))["data"]["createWebhook"]
    assert (refused["code"], refused["message"]) == ("CONFLICT", "A team has at most 100 webhooks. Delete one first.")


async def test_in_order_the_next_of_a_video_waits_for_the_one_before(make: Factory) -> None:
    crew = await make.crew()
    first, second = await make.video(crew, title="One"), await make.video(crew, title="Two")
    failed = set[str]()

    def once(received: Received) -> bytes:
        """Fails what is of the first video at its first attempt."""
        if received.told["path"]["video"]["id"] != gid(first) or received.id in failed:
            return answer()
        failed.add(received.id)
        return answer(503)

    async with receiving(once) as receiver:
        made = await hook(crew.owner, crew, receiver, "video.edited", inOrder=True)
        for video, title in ((first, "One!"), (first, "One!!"), (second, "Two!")):
            await crew.editor.client.do("EditVideo", input={"id": gid(video), "title": title})
        await receiver.has(5, seconds=20)
        await settled(crew, made["webhook"]["id"])
    of_first = [each.id for each in receiver.received if each.told["path"]["video"]["id"] == gid(first)]
    assert of_first == [of_first[0], of_first[0], of_first[2], of_first[2]]
    arrived = [each.told["path"]["video"]["id"] for each in receiver.received]
    assert arrived.index(gid(second)) < 3, "another video does not wait"
