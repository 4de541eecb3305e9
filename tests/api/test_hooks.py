"""REST hooks over the wire: made, told of what happens, and ended with an API key alone, as Zapier does it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook as Verifier

from domain.clock import utc_now
from domain.events import JobSucceeded
from domain.ids import new_id
from domain.permissions import Role
from domain.tokens import token_hash
from domain.webhooks.catalogue import EVENT_KINDS
from models import ApiKey, Member, Webhook, events
from models.database import transaction
from models.events import record
from tests.factories import Crew, Factory, gid, uuid_in
from tests.guide import DOCS, blocks, differences
from tests.hooks import NOWHERE, Program, program, refusal
from tests.receivers import answer, receiving
from tests.studio import Studio
from tests.waiting import until


@pytest.fixture
async def http(studio: Studio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=studio.url, timeout=30) as client:
        yield client


@pytest.fixture
async def crew(make: Factory) -> Crew:
    return await make.crew()


@pytest.fixture
async def zapier(http: httpx.AsyncClient, make: Factory, crew: Crew) -> Program:
    """With a key of the crew's admin that is good for webhooks alone."""
    return await program(http, make, crew.admin)


async def videos(crew: Crew, *titles: str) -> list[Any]:
    return [await crew.editor.client.do("CreateVideo", input={"teamId": crew.id, "title": title}) for title in titles]


async def test_what_happens_is_sent_until_the_hook_is_deleted(crew: Crew, zapier: Program) -> None:
    async with receiving() as receiver:
        made = await zapier.hook(receiver.url)
        assert made["secret"].startswith("whsec_")
        assert (made["eventTypes"], made["teamId"]) == (["video.created"], crew.id)
        assert (made["targetUrl"], made["videoId"]) == (receiver.url, None)
        (video,) = await videos(crew, "Rushes")
        (received,) = await receiver.has(1)
        assert received.told["path"]["video"] == {"id": video["id"], "title": "Rushes"}
        ended = await zapier.ask("DELETE", f"/hooks/{made['id']}")
        assert (ended.status_code, ended.content) == (204, b"")
        other = await zapier.hook(f"{receiver.url}/other")
        await videos(crew, "Later")
        await receiver.has(2)
        assert [each.path for each in receiver.received] == ["/hook", "/hook/other"]
    row = await Webhook.get(id=uuid_in(other["id"]))
    key = await ApiKey.get(token_hash=token_hash(zapier.key or ""))
    assert (row.api_key_id, row.created_by_id) == (key.id, crew.admin.user.id)


async def test_samples_are_what_a_hook_is_sent(crew: Crew, zapier: Program) -> None:
    async with receiving() as receiver:
        await zapier.hook(receiver.url)
        await videos(crew, "One", "Two", "Three", "Four")
        await receiver.has(4)
    sent = {received.id: received.told for received in receiver.received}

    async def are_known() -> bool:
        return len(await zapier.samples("video.created")) == 3

    await until(are_known)
    samples = await zapier.samples("video.created", teamId=crew.id)
    assert [sample["path"]["video"]["title"] for sample in samples] == ["Four", "Three", "Two"]
    assert all(sent[sample["id"]] == sample for sample in samples)
    assert await zapier.samples("video.created") == samples


async def test_what_nobody_is_behind_has_samples_too(crew: Crew, zapier: Program) -> None:
    event = JobSucceeded(team_id=crew.team.id, actor_id=None, job_id=new_id(), video_id=new_id())
    async with transaction():
        event_id = await record(event, utc_now())

    async def is_there() -> bool:
        return [each["id"] for each in await zapier.samples("job.succeeded")] == [str(event_id)]

    await until(is_there)


@pytest.mark.parametrize("event_type", EVENT_KINDS)
async def test_what_has_not_happened_has_an_example(zapier: Program, event_type: str, studio: Studio) -> None:
    first = await zapier.samples(event_type)
    assert [(each["type"], each["test"]) for each in first] == [(event_type, False)]
    assert await zapier.samples(event_type) == first, "deduplication goes by the id"
    assert first[0]["links"]["schema"].startswith(f"{studio.url}/events/{event_type}.v")


async def test_samples_are_of_one_team_and_one_type(make: Factory, crew: Crew, zapier: Program) -> None:
    other = await make.crew()
    await videos(other, "Secret")
    await crew.editor.client.do("EditVideo", input={"id": (await videos(crew, "Ours"))[0]["id"], "title": "Renamed"})

    async def both_are_known() -> bool:
        return len(await events.newest(other.team.id, "video.created", 9)) == 1 and bool(
            await events.newest(crew.team.id, "video.edited", 9)
        )

    await until(both_are_known)
    assert [each["path"]["video"]["title"] for each in await zapier.samples("video.created")] == ["Renamed"]
    response = await zapier.ask("GET", "/hooks/samples/video.created", params={"teamId": other.id})
    assert refusal(response) == (404, "NOT_FOUND", [])


async def test_a_key_tells_who_it_is_and_where_it_can_be_used(
    http: httpx.AsyncClient, make: Factory, crew: Crew, zapier: Program
) -> None:
    second, third, leaving = await make.crew(), await make.crew(), await make.crew()
    for there, role in ((second, Role.OWNER), (third, Role.EDITOR), (leaving, Role.ADMIN)):
        await Member.create(team_id=there.team.id, user_id=crew.admin.user.id, role=role)
    leaving.team.deletion_at = utc_now()
    await leaving.team.save()
    told = (await zapier.ask("GET", "/hooks/me")).json()
    assert told == {
        "id": crew.admin.id,
        "name": "Admin",
        "scopes": ["WEBHOOKS"],
        "teams": [
            {"id": crew.id, "name": "Crew", "role": "ADMIN"},
            {"id": second.id, "name": "Crew", "role": "OWNER"},
        ],
    }
    editors = await program(http, make, crew.editor)
    assert (await editors.ask("GET", "/hooks/me")).json()["teams"] == []


async def test_who_looks_after_several_teams_says_which(make: Factory, crew: Crew, zapier: Program) -> None:
    other = await make.crew()
    await Member.create(team_id=other.team.id, user_id=crew.admin.user.id, role=Role.ADMIN)
    assert refusal(await zapier.subscribe()) == (422, "INVALID", ["teamId"])
    assert refusal(await zapier.ask("GET", "/hooks/samples/video.created")) == (422, "INVALID", ["teamId"])
    assert (await zapier.hook(teamId=other.id))["teamId"] == other.id


async def test_a_hook_may_be_about_one_video_and_several_types(make: Factory, crew: Crew, zapier: Program) -> None:
    video = gid(await make.video(crew))
    types = ["video.deleted", "video.edited"]
    made = await zapier.hook(eventType=None, eventTypes=types, videoId=video, description="A Zap")
    assert (made["videoId"], sorted(made["eventTypes"])) == (video, types)
    row = await Webhook.get(id=uuid_in(made["id"]))
    assert (row.video_id, row.description) == (uuid_in(video), "A Zap")
    assert (await zapier.hook(eventType=None, eventTypes=[]))["eventTypes"] == []
    theirs = gid(await make.video(await make.crew()))
    assert refusal(await zapier.subscribe(videoId=theirs)) == (404, "NOT_FOUND", ["videoId"])


async def test_the_same_hook_again_is_that_hook_with_another_secret(crew: Crew, zapier: Program) -> None:
    """An answer that was lost is asked for again: nothing must come twice for that."""
    async with receiving() as receiver:
        responses = await asyncio.gather(*(zapier.subscribe(receiver.url) for _ in range(3)))
        assert sorted(response.status_code for response in responses) == [200, 200, 201]
        told = [response.json() for response in responses]
        assert len({each["id"] for each in told}) == 1
        assert len({each["secret"] for each in told}) == 3
        again = await zapier.ask("POST", "/hooks", json={"hookUrl": receiver.url, "eventTypes": ["video.created"]})
        assert (again.status_code, again.json()["id"]) == (200, told[0]["id"])
        await videos(crew, "Once")
        (received,) = await receiver.has(1)
        for secret in (*(each["secret"] for each in told), again.json()["secret"]):
            Verifier(secret).verify(received.body, received.headers)  # whoever has which of them goes on
    assert await Webhook.filter(Webhook.kept(), team_id=crew.team.id).count() == 1


async def test_what_differs_is_another_hook(
    http: httpx.AsyncClient, make: Factory, crew: Crew, zapier: Program
) -> None:
    video, others = gid(await make.video(crew)), await program(http, make, crew.admin)
    hooks = [
        await zapier.hook(),
        await zapier.hook(f"{NOWHERE}?other"),
        await zapier.hook(eventType="video.edited"),
        await zapier.hook(videoId=video),
        await others.hook(),
    ]
    assert len({hook["id"] for hook in hooks}) == len(hooks)


async def test_a_hook_whose_receiver_was_gone_begins_anew(crew: Crew, zapier: Program) -> None:
    """A Zap that was off answers 410; on again, it asks to be told at the same address."""
    answers = [answer(410), answer(200)]
    async with receiving(lambda _: answers.pop(0)) as receiver:
        first = await zapier.hook(receiver.url)
        await videos(crew, "Into the void")
        await receiver.has(1)

        async def is_paused() -> bool:
            return not (await Webhook.get(id=uuid_in(first["id"]))).is_active

        await until(is_paused)
        response = await zapier.subscribe(receiver.url)
        assert (response.status_code, response.json()["id"] != first["id"]) == (201, True)
        await videos(crew, "Heard")
        _, second = await receiver.has(2)
    assert second.told["path"]["video"]["title"] == "Heard"
    assert await Webhook.filter(Webhook.kept(), team_id=crew.team.id).count() == 1


async def test_the_guide_shows_what_is_asked_and_answered(crew: Crew, zapier: Program) -> None:
    wish, made, myself, refused = blocks(DOCS / "zapier.md")
    response = await zapier.ask("POST", "/hooks", json=json.loads(wish.text))
    assert differences(made, response.text) == []
    assert differences(myself, (await zapier.ask("GET", "/hooks/me")).text) == []
    assert differences(refused, (await zapier.subscribe(eventType="video.invented")).text) == []
