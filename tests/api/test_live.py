"""Subscriptions over the wire."""

import asyncio
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from domain.clock import utc_now
from domain.jobs import JobKind
from local.client import OperationFailed, Subscription
from models import Job, Member, Session
from models.database import transaction
from tests.factories import Factory, gid


async def next_of(events: Subscription) -> dict[str, Any]:
    return await asyncio.wait_for(anext(events), 10)


async def test_two_clients_hear_the_same(make: Factory) -> None:
    crew = await make.crew()
    video = gid(await make.video(crew))
    position = (await crew.owner.client.run("Video", id=video))["extensions"]["position"]
    async with (
        crew.viewer.client.follow("VideoChanged", id=video, after=position) as viewer,
        crew.owner.client.follow("VideoChanged", id=video, after=position) as owner,
    ):
        await crew.editor.client.do("EditVideo", input={"id": video, "title": "Fine cut"})
        heard, also_heard = await next_of(viewer), await next_of(owner)
    assert heard == also_heard
    change = heard["data"]["videoChanged"]
    assert (change["type"], change["video"]["title"], change["actor"]["id"]) == (
        "video.edited",
        "Fine cut",
        crew.editor.id,
    )
    assert heard["extensions"]["eventId"] > position


async def test_a_client_that_returns_has_missed_nothing(make: Factory) -> None:
    crew = await make.crew()
    video = gid(await make.video(crew))
    editor = crew.editor.client
    begun = await editor.run("Video", id=video)
    async with crew.viewer.client.follow("VideoChanged", id=video, after=begun["extensions"]["position"]) as events:
        await editor.do("EditVideo", input={"id": video, "title": "0"})
        last = (await next_of(events))["extensions"]["eventId"]
    for number in range(1, 6):
        await editor.do("EditVideo", input={"id": video, "title": str(number)})
    async with crew.viewer.client.follow("VideoChanged", id=video, after=last) as events:
        missed = [await next_of(events) for _ in range(5)]
        await editor.do("DeleteVideo", id=video)
        after = await next_of(events)
    positions = [event["extensions"]["eventId"] for event in (*missed, after)]
    assert positions == sorted(set(positions))
    assert positions[0] > last
    assert [event["data"]["videoChanged"]["type"] for event in (*missed, after)] == ["video.edited"] * 5 + [
        "video.deleted"
    ]


async def test_a_position_that_never_was_asks_for_a_fresh_start(make: Factory) -> None:
    crew = await make.crew()
    video = gid(await make.video(crew))
    async with crew.viewer.client.follow("VideoChanged", id=video, after=2**53) as events:
        told = await next_of(events)
        assert told["extensions"]["resync"] is True
        await crew.editor.client.do("EditVideo", input={"id": video, "title": "New"})
        assert (await next_of(events))["extensions"]["eventId"] > told["extensions"]["eventId"]


async def test_job_progress_begins_with_the_state_and_ends_with_the_job(make: Factory) -> None:
    crew = await make.crew()
    video = await make.video(crew)
    async with transaction():
        queued = await Job.enqueue(
            JobKind.INGEST, utc_now(), payload={"upload_id": str(video.id)}, team_id=crew.team.id, video_id=video.id
        )
        queued.available_at = utc_now().replace(year=2100)  # nobody takes it
        await queued.save()
    async with crew.viewer.client.follow("JobProgress", id=gid(queued)) as events:
        assert (await next_of(events))["data"]["jobProgress"]["state"] == "QUEUED"
        await crew.editor.client.do("CancelJob", id=gid(queued))
        told = [event["data"]["jobProgress"] async for event in events]
    assert told[-1]["state"] == told[-1]["job"]["state"] == "CANCELLED"
    async with crew.viewer.client.follow("JobProgress", id=gid(queued)) as events:
        assert [event["data"]["jobProgress"]["state"] async for event in events] == ["CANCELLED"]


@pytest.mark.parametrize("loss", ["membership", "session"])
async def test_whoever_loses_the_right_hears_no_more(make: Factory, loss: str) -> None:
    crew = await make.crew()
    video = gid(await make.video(crew))
    position = (await crew.viewer.client.run("Video", id=video))["extensions"]["position"]
    async with crew.viewer.client.follow("VideoChanged", id=video, after=position) as events:
        await crew.editor.client.do("EditVideo", input={"id": video, "title": "Seen"})
        await next_of(events)
        if loss == "membership":
            await Member.filter(user_id=crew.viewer.user.id).delete()
            await crew.editor.client.do("EditVideo", input={"id": video, "title": "Not for you"})
        else:  # nothing happens afterwards: the end comes by itself
            await Session.filter(user_id=crew.viewer.user.id).update(ended_at=utc_now())
        heard = await all_until_the_end(events)
        assert "Not for you" not in str(heard)


async def all_until_the_end(events: Subscription) -> list[dict[str, Any]]:
    """Everything up to the error or the close that ends the subscription; fails when nothing ends it."""
    heard = []
    try:
        async with asyncio.timeout(15):
            async for event in events:
                heard.append(event)  # noqa: PERF401 - what came before the error is wanted
    except (OperationFailed, ConnectionClosed):
        return heard
    raise AssertionError("the subscription completed as if all were well")
