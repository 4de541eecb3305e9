"""Webhooks in the hands of somebody with an account who means harm: what they would reach, keep, fill or hold up."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from domain.permissions import Scope
from domain.webhooks.faults import Fault
from domain.webhooks.states import WebhookState
from models import ApiKey, Webhook, WebhookAttempt, WebhookDelivery
from models.webhooks import MOST_WEBHOOKS
from tests.api.test_webhooks import hook, log, make_video
from tests.factories import Crew, Factory, gid, uuid_in
from tests.hooks import program
from tests.own import own_studio
from tests.receivers import Received, answer, receiving
from tests.studio import Studio
from tests.waiting import until

NOWHERE = "https://receiver.example.com/"
INSIDE = """
http://example.com/ https://localhost/ https://LOCALHOST./ https://x.localhost/ https://127.0.0.1/ https://127.1/
https://0x7f000001/ https://0x7f.1/ https://2130706433/ https://0177.0.0.1/ https://0/ https://0.0.0.0/
https://127.0.0.1.:443/ https://%31%32%37.0.0.1/ https://①②⑦.⓪.⓪.①/ https://１２７.0.0.1/ https://127。0。0。1/
https://ⓛocalhost/ https://[::]/ https://[::1]/ https://[::ffff:127.0.0.1]/ https://[::ffff:7f00:1]/
https://[::ffff:0:127.0.0.1]/ https://[::7f00:1]/ https://[64:ff9b::a9fe:a9fe]/ https://[64:ff9b:1::7f00:1]/
https://[2002:7f00:1::]/ https://[2001::1]/ https://[2620:0:2d0:200::5efe:7f00:1]/ https://[fe80::1%25eth0]/
https://[fc00::1]/ https://[ff02::1]/ https://[fd00:ec2::254]/ https://[127.0.0.1]/ https://[::1].example.com/
https://169.254.169.254/latest/ https://metadata.google.internal/ https://metadata/ https://100.100.100.200/
https://168.63.129.16/ https://192.0.0.192/ https://10.0.0.1/ https://172.16.0.1/ https://192.168.1.1/
https://example.com:22/ https://example.com:6379/ https://example.com:0/ https://example.com:+443/
https://user@example.com/ https://example.com@127.0.0.1/ https://127.0.0.1#@example.com/
https://example.com\\@127.0.0.1/ https://127.0.0.1%00.example.com/ https://127.0.0.1／.example.com/
https:127.0.0.1/ https:///127.0.0.1/ //127.0.0.1/ file:///etc/passwd gopher://example.com/ javascript:alert(1)
"""
OURS = """
webhook-signature Webhook-Signature WEBHOOK-ID webhook_signature x-webhook-event X_Webhook_Id hOsT Content-Length
Content_Length Transfer-Encoding Transfer_Encoding Connection Keep-Alive Expect Upgrade TE Trailer User-Agent
Accept-Encoding Proxy-Authorization Via Forwarded X-Forwarded-For X_Forwarded_For
"""
NO_HEADERS = [
    ("X", ""), ("X", " "), ("X", "a\r\nwebhook-id: 1"), ("X", "a\n"), ("X\r\nY", "a"), ("X ", "a"), ("X:", "a"),
    ("", "a"), ("X", "é"), ("X", "a\0"), ("X", "\x7f"), ("Ho\u017ft", "a"), ("\u212aeep-alive", "a"), ("X", "a" * 1001),
]  # fmt: skip


def head(status: int, *lines: str, body: bytes = b"") -> bytes:
    """An answer that says of itself what it likes."""
    return "\r\n".join((f"HTTP/1.1 {status} Something", *lines, "", "")).encode() + body


async def kind_of(crew: Crew, operation: str, **given: Any) -> str:
    answered = await crew.owner.client.run(operation, input=given)
    kind: str = next(iter(answered["data"].values()))["__typename"]
    return kind


async def made(crew: Crew, **more: Any) -> str:
    """Which kind of answer an attempt to make a webhook gets."""
    return await kind_of(crew, "CreateWebhook", **{"teamId": crew.id, "url": NOWHERE, **more})


async def test_nothing_leads_inside() -> None:
    """By no spelling, through no door; nor what was written into the database, or was good when it was made."""
    async with own_studio("api", "relay", "io", NODES_PER_MINUTE="0") as (studio, make):
        crew = await make.crew()
        webhook = await make.webhook(crew)
        async with receiving() as receiver, httpx.AsyncClient(base_url=studio.url) as http:
            programs = [await program(http, make, person) for person in (crew.owner, crew.admin)]
            for number, url in enumerate([*INSIDE.split(), receiver.url, f" {receiver.url}"]):
                assert await made(crew, url=url) == "Invalid", url
                assert await kind_of(crew, "UpdateWebhook", id=gid(webhook), url=url) == "Invalid", url
                assert (await programs[number % 2].subscribe(url)).status_code == 422, url
            assert await Webhook.filter(team_id=crew.team.id).count() == 1
            port = receiver.url.split(":")[2].partition("/")[0]
            inside = [
                receiver.url,
                f"http://localhost:{port}/",
                f"https://127.0.0.1:{port}/",
                "https://169.254.169.254/",
            ]
            for url in inside:
                told = await hook(crew.owner, crew, receiver, "video.created", url=NOWHERE)
                await Webhook.filter(id=uuid_in(told["webhook"]["id"])).update(url=url)
            await make_video(crew)
            ended = WebhookAttempt.filter(team_id=crew.team.id, number=1).exclude(state="sending")
            await until(lambda: _count_is(ended, len(inside)))
            assert {attempt.fault for attempt in await ended} == {Fault.ADDRESS_REFUSED}
            assert receiver.received == []


async def _count_is(found: Any, count: int) -> bool:
    return bool(await found.count() == count)


async def test_nobody_says_what_is_ours_to_say(make: Factory) -> None:
    crew = await make.crew()
    for name, value in [*((name, "a") for name in OURS.split()), *NO_HEADERS]:
        assert await made(crew, headers=[{"name": name, "value": value}]) == "Invalid", (name, value)
    twice = [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}]
    assert await made(crew, headers=twice) == "Invalid"
    assert not await Webhook.filter(team_id=crew.team.id).exists()


async def test_a_key_has_no_hook_outlive_it(make: Factory, studio: Studio) -> None:
    """Not by pausing and resuming it, by whatever key or in person; who resumes it after its end may keep it."""
    crew = await make.crew()
    async with receiving() as receiver, httpx.AsyncClient(base_url=studio.url) as http:
        zapier, thief = [await program(http, make, crew.admin) for _ in range(2)]
        hooks = [await zapier.hook(f"{receiver.url}/{number}") for number in range(3)]
        for told, key in zip(hooks, (zapier, thief, None), strict=True):
            client = crew.admin.client if key is None else make.client(key.key)
            await client.do("PauseWebhook", id=told["id"])
            await client.do("ResumeWebhook", input={"id": told["id"]})
        states = []
        for key in await ApiKey.filter(user_id=crew.admin.user.id).order_by("id"):
            await crew.admin.client.do("RevokeApiKey", id=gid(key))
            await until(lambda: _count_is(Webhook.filter(team_id=crew.team.id, state="paused"), 2))
            rows = await Webhook.filter(team_id=crew.team.id).order_by("id")
            states.append([row.state.value for row in rows])
            if rows[2].state is WebhookState.PAUSED:
                await crew.admin.client.do("ResumeWebhook", input={"id": gid(rows[2])})
    assert states == [["paused", "active", "paused"], ["paused", "paused", "active"]]


HARMS: dict[bytes, tuple[int | None, Fault | None]] = {
    answer(500, b"a\0b\xff\xed\xa0\x80\x1b[2J\xc2\x9b31m"): (500, Fault.BAD_STATUS),
    head(500, "content-encoding: gzip", "content-length: 9", body=b"\x1f\x8b\x08\0\0\0\0\0\0"): (500, Fault.BAD_STATUS),
    head(500, "content-length: 1000000000", body=b"x" * 100_000): (500, Fault.BAD_STATUS),
    head(200, "transfer-encoding: chunked", "content-length: 5", body=b"0\r\n\r\n"): (None, Fault.ANSWER_MALFORMED),
    head(200, "content-length: 5", "content-length: 6", body=b"hello!"): (None, Fault.ANSWER_MALFORMED),
    head(200, "content-length: -1"): (None, Fault.ANSWER_MALFORMED),
    b"HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\n": (0, Fault.BAD_STATUS),
    b"HTTP/1.1 99999 X\r\ncontent-length: 0\r\n\r\n": (None, Fault.ANSWER_MALFORMED),
    b"HTTP/1.1 100 Continue\r\n\r\n" * 500 + answer(): (204, None),
    b"HTTP/1.1 103 X\r\nlink: a\r\n\r\n" * 5000: (None, Fault.HEADERS_TOO_LARGE),
    head(101, "upgrade: websocket", "connection: upgrade"): (101, Fault.BAD_STATUS),
    head(307, "location: http://127.0.0.1:1/", "content-length: 0"): (307, Fault.REDIRECTED),
    answer(200) + answer(410): (200, None),
}
WAITS = {
    "-1": 2, "NaN": 2, "9e99": 2, "9" * 30: 2, "Sat, " + "1" * 8000: 2, "Fri, 31 Dec 2027 23:59:59 -9999": 2,
    "Mon, 01 Jan 0001 00:00:00 +2359": 2, "10000": 10_000, "999999999": 86_400,
    "Fri, 31 Dec 9999 23:59:59 -2359": 86_400,
}  # fmt: skip
"""What `Retry-After` says, and how many seconds it is waited at least."""


async def test_whatever_a_receiver_answers_stands_in_the_log(make: Factory) -> None:
    """As text that harms nobody; and no pause that it asks for is longer than a day."""
    crew = await make.crew()
    answers = [*HARMS, *(answer(503, Retry_After=wait) for wait in WAITS)]

    def answering(received: Received) -> bytes:
        return answers[int(received.path.rpartition("/")[2])]

    async with receiving(answering) as receiver:
        hooks = []
        for number in range(len(answers)):
            told = await hook(crew.owner, crew, receiver, "video.created", url=f"{receiver.url}/{number}")
            hooks.append(uuid_in(told["webhook"]["id"]))
        await make_video(crew)
        first = WebhookAttempt.filter(team_id=crew.team.id, number=1).exclude(state="sending")
        await until(lambda: _count_is(first, len(answers)))
        attempts = {attempt.webhook_id: attempt for attempt in await first.prefetch_related("delivery")}
    found = [attempts[webhook_id] for webhook_id in hooks]
    assert [(each.status, each.fault) for each in found[: len(HARMS)]] == list(HARMS.values())
    assert found[0].excerpt == "a�b�����[2J�31m"
    assert max(len(each.excerpt) for each in found) == 1024
    for attempt, least in zip(found[len(HARMS) :], WAITS.values(), strict=True):
        due_at = (await WebhookDelivery.get(id=attempt.delivery_id)).due_at
        if least > 2:  # the others are sent again by now, perhaps
            assert due_at is not None
            assert least <= (due_at - attempt.created_at).total_seconds() < least + 10


async def test_a_team_has_no_more_webhooks_for_making_them_at_once(make: Factory) -> None:
    crew = await make.crew()
    for _ in range(MOST_WEBHOOKS - 2):
        await make.webhook(crew)
    kinds = await asyncio.gather(*(made(crew) for _ in range(9)))
    assert Counter(kinds) == {"WebhookSecret": 2, "Conflict": 7}


async def test_whatever_is_looked_for_is_an_answer(make: Factory) -> None:
    crew = await make.crew()
    webhook = gid(await make.webhook(crew))
    for sought in ("x" * 51, "x" * 500_000, "e" + "\u0301" * 100_000, "a\0b", "", "video.created' OR 1=1"):
        answered = await crew.owner.client.run("WebhookDeliveries", webhook=webhook, filter={"eventType": sought})
        assert [error["extensions"]["code"] for error in answered["errors"]] != ["INTERNAL"], sought[:60]
    assert await log(crew, webhook, eventType="video.retired") == []


async def test_nobody_has_everything_sent_again_all_the_time(make: Factory) -> None:
    """It may be one statement over hundreds of thousands of rows."""
    crew = await make.crew()
    webhook = await make.webhook(crew)
    since = webhook.created_at.isoformat()
    kinds = [await kind_of(crew, "ResendFailedDeliveries", webhookId=gid(webhook), since=since) for _ in range(31)]
    assert Counter(kinds) == {"DeliveriesResent": 30, "Throttled": 1}
    assert kinds[-1] == "Throttled"


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_stopping_and_starting_loses_nothing_and_ending_ends_it(make: Factory, *, is_deleted: bool) -> None:
    """`witness` has arrived whatever could have: by then, nothing has that was not under way when it ended."""
    crew, edits = await make.crew(), 20
    video = await make.video(crew)
    async with receiving() as receiver, receiving() as witness:
        webhook = (await hook(crew.owner, crew, receiver, "video.edited"))["webhook"]["id"]
        await hook(crew.owner, crew, witness, "video.edited", inOrder=True)

        async def edit() -> None:
            for number in range(edits):
                await crew.editor.client.do("EditVideo", input={"id": gid(video), "title": f"Cut {number}"})

        editing = asyncio.create_task(edit())
        for _ in range(4):
            await crew.owner.client.do("PauseWebhook", id=webhook)
            await crew.owner.client.do("ResumeWebhook", input={"id": webhook})
        if is_deleted:
            await crew.owner.client.do("DeleteWebhook", id=webhook)
            under_way = await WebhookAttempt.filter(webhook_id=uuid_in(webhook)).count()
        await editing
        await witness.has(edits)
        if is_deleted:
            assert len(receiver.received) <= under_way
        else:
            await receiver.until(lambda: len({each.id for each in receiver.received}) == edits)
            assert {each.id for each in receiver.received} == {each.id for each in witness.received}


async def test_a_key_reads_no_webhook_that_its_person_may_not(make: Factory) -> None:
    """Nor one without the scope: whoever is lower, elsewhere, or holds a lesser key is told nothing."""
    crew, other = await make.crew(), await make.crew()
    webhook = await make.webhook(crew)
    delivery = await make.delivery(webhook)
    ids = [gid(webhook), gid(delivery), gid(await make.attempt(delivery))]
    strangers = [crew.editor.client, crew.viewer.client, other.owner.client, make.client(), await make.key(crew.editor)]
    lesser = await make.key(crew.owner, Scope.WEBHOOKS)
    for each in ids:
        for client in strangers:
            answered = await client.ask("query ($id: ID!) { node(id: $id) { id } }", None, {"id": each})
            assert answered["data"] == {"node": None}
        refused = await lesser.ask("query ($id: ID!) { node(id: $id) { id } }", None, {"id": each})
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
