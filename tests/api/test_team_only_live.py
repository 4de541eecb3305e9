"""Team-only comments, live: viewers hear nothing of them, now and when they come back, and lose what is hidden."""

import asyncio
from typing import Any

import pytest

from domain.clock import utc_now
from domain.jobs import JobKind
from domain.permissions import Role, Scope
from local.client import Client, Subscription
from models import EventRecord, Job, Upload, Version
from models.database import transaction
from plan import encode_id
from tests.api.test_comment_changes import a_room, said
from tests.api.test_images import begin
from tests.api.test_rights import AT_ONCE, change_role, end_of
from tests.api.test_rooms import following, told
from tests.api.test_team_only import OPEN, TEAM, a_thread, show_to
from tests.factories import Crew, Factory, gid, uuid_in
from tests.studio import Studio
from tests.waiting import until

WHAT = ("CommentEvents", "VideoChanged", "TeamActivity")
SHARED = "subscription ($id: ID!) { commentEvents(videoId: $id) { kind commentId comment { body visibility } } }"
"""It is the same for all who have a role; what `web/operations` asks for is personal."""
BARE = "subscription ($id: ID!) { commentEvents(videoId: $id) { kind commentId } }"
"""It is the same for everybody."""


def place(operation: str, crew: Crew, version: Version) -> dict[str, str]:
    video = encode_id("Video", version.video_id)
    return {"CommentEvents": {"videoId": video}, "VideoChanged": {"id": video}, "TeamActivity": {"teamId": crew.id}}[
        operation
    ]


async def position_of(client: Client, version: Version) -> int:
    answer = await client.run("Video", id=encode_id("Video", version.video_id))
    position: int = answer["extensions"]["position"]
    return position


async def next_of(events: Subscription) -> dict[str, Any]:
    event = await asyncio.wait_for(anext(events), 10)
    assert "errors" not in event, event
    happened: dict[str, Any] = next(iter(event["data"].values()))
    return happened


def about(happened: dict[str, Any]) -> tuple[str, str | None]:
    """What happened, and to which comment."""
    return happened.get("kind") or happened["type"], (happened.get("comment") or {}).get("id")


async def all_are_told(crew: Crew) -> None:
    await until(lambda: _none_waits(crew))


async def _none_waits(crew: Crew) -> bool:
    return not await EventRecord.filter(team_id=crew.team.id, position__isnull=True).exists()


@pytest.mark.parametrize("operation", WHAT)
@pytest.mark.parametrize("by_key", [False, True])
async def test_viewers_hear_nothing_of_what_is_team_only(make: Factory, operation: str, *, by_key: bool) -> None:
    """Neither of a comment and what becomes of it, nor of a file that is sent for it, and the job that draws it."""
    crew, version = await a_room(make)
    viewer = await make.key(crew.viewer, Scope.READ) if by_key else crew.viewer.client
    where, after = place(operation, crew, version), await position_of(crew.owner.client, version)
    async with (
        viewer.follow(operation, after=after, **where) as outside,
        crew.admin.client.follow(operation, after=after, **where) as inside,
    ):
        thread, _ = await a_thread(crew.editor.client, version, **TEAM)
        marker = await said(crew.owner.client, version, "To all")
        assert about(await next_of(outside)) in {("ADDED", marker["id"]), ("comment.created", marker["id"])}
        assert about(await next_of(inside)) in {("ADDED", thread["id"]), ("comment.created", thread["id"])}
    async with viewer.follow(operation, after=after, **where) as again:
        assert about(await next_of(again))[1] == marker["id"]


async def test_editors_hear_of_all_that_viewers_do_not(make: Factory) -> None:
    crew, version = await a_room(make)
    where, after = place("VideoChanged", crew, version), await position_of(crew.owner.client, version)
    thread, ids = await a_thread(crew.editor.client, version, **TEAM)
    await show_to(crew.editor.client, thread, "OPEN")
    heard = list[str]()
    async with crew.admin.client.follow("VideoChanged", after=after, **where) as events:
        while "comment.visibility_changed" not in heard:
            heard.append((await next_of(events))["type"])
    assert heard == [
        "comment.created", "comment.created", "comment.edited", "comment.reacted", "comment.resolved",
        "upload.started", "upload.completed", "comment.edited", "job.succeeded", "comment.visibility_changed",
    ]  # fmt: skip
    assert len(ids) == 5


async def test_what_is_hidden_leaves_the_screens_of_viewers_and_comes_back(make: Factory) -> None:
    crew, version = await a_room(make)
    thread = await said(crew.editor.client, version, "To all?")
    after = await position_of(crew.owner.client, version)
    where = place("CommentEvents", crew, version)
    async with (
        crew.viewer.client.follow("CommentEvents", after=after, **where) as outside,
        crew.admin.client.follow("CommentEvents", after=after, **where) as inside,
    ):
        await show_to(crew.editor.client, thread, "TEAM")
        for events, is_shown in ((outside, False), (inside, True)):
            change = await next_change(events)
            assert (change["commentId"], change["comment"] is not None) == (thread["id"], is_shown)
            assert ("To all?" in str(change)) is is_shown
        await said(crew.editor.client, version, "No", parentId=thread["id"])
        await crew.editor.client.do("EditComment", input={"id": thread["id"], "body": "To all!"})
        await show_to(crew.editor.client, thread, "OPEN")
        change = await next_of(outside)
        assert (change["kind"], change["comment"]["body"], change["comment"]["replyCount"]) == (
            "VISIBILITY_CHANGED", "To all!", 1,
        )  # fmt: skip
        await show_to(crew.editor.client, thread, "OPEN")  # which changes nothing, and is not told
        await crew.editor.client.do("AddReaction", input={"commentId": thread["id"], "kind": "EYES"})
        assert (await next_of(outside))["kind"] == "REACTED"


async def test_who_watches_how_an_image_is_drawn_hears_no_more_when_its_thread_is_hidden(make: Factory) -> None:
    """Progress has no position, and nothing else of the job comes by which its rights would be looked at."""
    crew, version = await a_room(make)
    thread = await said(crew.editor.client, version, "To all?")
    answer = await said(crew.editor.client, version, "See", parentId=thread["id"])
    drawing, ingesting = await a_job_for(crew, version, answer), await a_job_for(crew, version, None)
    async with (
        crew.viewer.client.follow("JobProgress", id=gid(drawing)) as outside,
        crew.viewer.client.follow("JobProgress", id=gid(ingesting)) as elsewhere,
        crew.admin.client.follow("JobProgress", id=gid(drawing)) as inside,
    ):
        for events in (outside, elsewhere, inside):
            assert (await next_of(events))["state"] == "QUEUED"
        hidden_at = asyncio.get_running_loop().time()
        await show_to(crew.editor.client, thread, "TEAM")
        code, _ = await end_of(outside)
        assert code == "NOT_FOUND"
        assert asyncio.get_running_loop().time() - hidden_at < AT_ONCE
        for job, events in ((ingesting, elsewhere), (drawing, inside)):
            await crew.owner.client.do("CancelJob", id=gid(job))
            assert (await next_of(events))["state"] == "CANCELLED"


async def a_job_for(crew: Crew, version: Version, comment: dict[str, Any] | None) -> Job:
    """A job of the video that nobody takes: for an image of the comment, or for something else."""
    upload = None if comment is None else await begin(crew.editor.client, comment, 8)
    kind = JobKind.IMAGE if upload else JobKind.INGEST
    async with transaction():
        job = await Job.enqueue(kind, utc_now(), payload={}, team_id=crew.team.id, video_id=version.video_id)
        job.available_at = utc_now().replace(year=2100)
        await job.save()
        if upload:
            await Upload.filter(id=uuid_in(upload["upload"]["id"])).update(job_id=job.id)
    return job


async def next_change(events: Subscription) -> dict[str, Any]:
    happened = await next_of(events)
    while happened["kind"] != "VISIBILITY_CHANGED":
        happened = await next_of(events)
    return happened


@pytest.mark.parametrize("operation", WHAT)
async def test_who_comes_back_hears_of_what_was_hidden_meanwhile_only_that_it_is(make: Factory, operation: str) -> None:
    """Also somebody who was never there before."""
    crew, version = await a_room(make)
    after = await position_of(crew.owner.client, version)
    thread, _ = await a_thread(crew.editor.client, version, **OPEN)
    await show_to(crew.editor.client, thread, "TEAM")
    marker = await said(crew.owner.client, version, "To all")
    await all_are_told(crew)
    newcomer = await make.member(crew.team, Role.VIEWER)
    for person in (crew.viewer, newcomer):
        async with person.client.follow(operation, after=after, **place(operation, crew, version)) as events:
            change, last = await next_of(events), await next_of(events)
        assert about(change)[0] in ("VISIBILITY_CHANGED", "comment.visibility_changed")
        assert change["comment"] is None
        assert "between us" not in str(change)
        assert about(last)[1] == marker["id"]


@pytest.mark.parametrize("query", [SHARED, BARE])
async def test_editors_and_viewers_sit_in_rooms_of_their_own(make: Factory, studio: Studio, query: str) -> None:
    crew, version = await a_room(make)
    video, after = encode_id("Video", version.video_id), await position_of(crew.owner.client, version)
    async with following(studio, [crew.viewer, crew.editor], query, video, after) as (outside, inside):
        hidden = await said(crew.admin.client, version, "Between us", **TEAM)
        shown = await said(crew.admin.client, version, "To all")
        assert (await told(inside))["data"]["commentEvents"]["commentId"] == hidden["id"]
        assert (await told(outside))["data"]["commentEvents"]["commentId"] == shown["id"]


@pytest.mark.parametrize("own", ["", "viewerCan"])
async def test_a_change_of_role_changes_what_is_heard_at_once(make: Factory, studio: Studio, own: str) -> None:
    """In what is shared by a role, and in what is personal."""
    crew, version = await a_room(make)
    video, after = encode_id("Video", version.video_id), await position_of(crew.owner.client, version)
    query = f"subscription ($id: ID!) {{ commentEvents(videoId: $id) {{ comment {{ body {own} }} }} }}"
    async with following(studio, [crew.editor], query, video, after) as (socket,):
        for role, body in ((Role.EDITOR, "Between us"), (Role.VIEWER, "To all"), (Role.ADMIN, "Between us")):
            await change_role(crew, crew.editor, role)
            await said(crew.owner.client, version, "Between us", **TEAM)
            if role is Role.VIEWER:
                await said(crew.owner.client, version, "To all")
            assert (await told(socket))["data"]["commentEvents"]["comment"]["body"] == body
