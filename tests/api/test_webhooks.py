"""Webhooks over the wire: made, told of what happens, changed, paused, and ended."""

from typing import Any

import pytest

from local.client import OperationFailed
from tests.factories import Crew, Factory, Person, gid
from tests.receivers import Receiver, answer, receiving
from tests.waiting import until


async def hook(person: Person, crew: Crew, receiver: Receiver, *types: str, **more: Any) -> Any:
    """A webhook of the team that leads to the receiver, and its secret."""
    given = {"teamId": crew.id, "url": receiver.url, "eventTypes": list(types), **more}
    return await person.client.do("CreateWebhook", input=given)


async def make_video(crew: Crew, title: str = "Rushes") -> Any:
    return await crew.editor.client.do("CreateVideo", input={"teamId": crew.id, "title": title})


async def test_what_happens_is_sent(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        made = await hook(crew.owner, crew, receiver, "video.created")
        video = await make_video(crew)
        (received,) = await receiver.has(1)
    told = received.told
    assert (told["type"], told["path"]["video"]) == ("video.created", {"id": video["id"], "title": "Rushes"})
    assert told["id"] == received.id == received.headers["x-webhook-id"]
    assert received.headers["x-webhook-event"] == "video.created"
    assert received.headers["x-webhook-attempt"] == "1"
    webhook = made["webhook"]["id"]

    async def is_in_the_log() -> bool:
        log = (await crew.owner.client.run("WebhookDeliveries", webhook=webhook))["data"]["webhook"]["deliveries"]
        return [(each["eventId"], each["state"], each["status"]) for each in log["nodes"]] == [
            (received.id, "DELIVERED", 204)
        ]

    await until(is_in_the_log)


async def test_what_fails_is_tried_again_after_two_seconds(make: Factory) -> None:
    crew = await make.crew()
    answers = [answer(500, b"no room"), answer(200)]
    async with receiving(lambda _: answers.pop(0)) as receiver:
        made = await hook(crew.owner, crew, receiver, "video.created")
        await make_video(crew)
        first, second = await receiver.has(2)
    assert first.id == second.id
    assert first.body == second.body
    assert [each.headers["x-webhook-attempt"] for each in (first, second)] == ["1", "2"]
    await until(lambda: is_delivered(crew, made["webhook"]["id"]))
    log = await deliveries(crew, made["webhook"]["id"])
    shown = (await crew.owner.client.run("WebhookDelivery", id=log[0]["id"]))["data"]["webhookDelivery"]
    late, early = shown["attempts"]["nodes"]
    assert (early["status"], early["fault"], early["excerpt"]) == (500, "BAD_STATUS", "no room")
    assert (late["status"], late["fault"], late["number"]) == (200, None, 2)


async def deliveries(crew: Crew, webhook: str) -> list[Any]:
    answer = await crew.owner.client.run("WebhookDeliveries", webhook=webhook)
    return list(answer["data"]["webhook"]["deliveries"]["nodes"])


async def is_delivered(crew: Crew, webhook: str) -> bool:
    return {each["state"] for each in await deliveries(crew, webhook)} == {"DELIVERED"}


async def test_only_owners_and_admins_look_after_webhooks(make: Factory) -> None:
    crew = await make.crew()
    async with receiving() as receiver:
        made = await hook(crew.admin, crew, receiver)
        for person in (crew.editor, crew.viewer):
            with pytest.raises(OperationFailed):
                await hook(person, crew, receiver)
            shown = await person.client.run("Webhook", id=made["webhook"]["id"])
            assert shown["data"]["webhook"] is None
    assert gid
