"""A review over the wire: who reacts to what, which comments are asked for and counted, and who hears of all that."""

import asyncio
from typing import Any

import pytest

from local.client import Client, OperationFailed, Subscription
from models import EventRecord, Member, Reaction, Version
from plan import encode_id
from tests.api.test_comment_changes import DRAWING, a_room, said, told
from tests.factories import Crew, Factory, gid
from tests.waiting import until

FOUND = """query ($version: ID!, $filter: CommentFilter) { version(id: $version) {
    comments(filter: $filter) { totalCount nodes { body } }
    video { comments(filter: $filter) { totalCount nodes { body } } } } }"""
COUNTS = """query ($id: ID!) { video(id: $id) { commentCount openThreadCount resolvedThreadCount
    versions { nodes { number threadCount openThreadCount resolvedThreadCount } } } }"""


async def found(client: Client, version: Version, **filter_: Any) -> tuple[list[str], list[str]]:
    """What a version's threads and a video's comments are, narrowed."""
    answer = (await client.ask(FOUND, None, {"version": gid(version), "filter": filter_}))["data"]["version"]
    lists = [answer["comments"], answer["video"]["comments"]]
    assert [each["totalCount"] for each in lists] == [len(each["nodes"]) for each in lists]
    of_version, of_video = ([node["body"] for node in each["nodes"]] for each in lists)
    return of_version, of_video


async def test_everybody_reacts_once_in_each_way(make: Factory) -> None:
    crew, version = await a_room(make)
    thread = await said(crew.owner.client, version)
    for person, kinds in ((crew.viewer, ("HEART", "EYES")), (crew.editor, ("HEART", "HEART"))):
        for kind in kinds:
            reacted = await person.client.do("AddReaction", input={"commentId": thread["id"], "kind": kind})
            assert kind in [count["kind"] for count in reacted["reactions"] if count["viewerReacted"]]
    counted = {"HEART": ("❤️", 2), "EYES": ("👀", 1)}
    for person, own in ((crew.viewer, {"HEART", "EYES"}), (crew.editor, {"HEART"}), (crew.admin, set())):
        reactions = (await person.client.do("Comment", id=thread["id"]))["reactions"]
        assert [each["kind"] for each in reactions] == ["HEART", "EYES"]
        assert {each["kind"]: (each["emoji"], each["count"]) for each in reactions} == counted
        assert {each["kind"] for each in reactions if each["viewerReacted"]} == own
    for _ in range(2):
        left = await crew.viewer.client.do("RemoveReaction", input={"commentId": thread["id"], "kind": "HEART"})
        assert [(each["kind"], each["count"]) for each in left["reactions"]] == [("EYES", 1), ("HEART", 1)]
    events = await EventRecord.filter(type="comment.reacted", team_id=crew.team.id).order_by("recorded_at")
    added = [(event.payload["kind"], event.payload["added"]) for event in events]
    assert added == [("heart", True), ("eyes", True), ("heart", True), ("heart", False)]


async def test_one_person_at_once_reacts_once(make: Factory) -> None:
    crew, version = await a_room(make)
    thread = await said(crew.owner.client, version)
    asked = {"commentId": thread["id"], "kind": "PARTY"}
    await asyncio.gather(*(crew.viewer.client.do("AddReaction", input=asked) for _ in range(6)))
    assert await Reaction.filter(team_id=crew.team.id).count() == 1
    assert await EventRecord.filter(type="comment.reacted", team_id=crew.team.id).count() == 1


async def test_a_flood_of_reactions_is_held_up(make: Factory) -> None:
    crew, version = await a_room(make)
    asked = {"commentId": (await said(crew.owner.client, version))["id"], "kind": "LAUGH"}
    for _ in range(30):
        for operation in ("AddReaction", "RemoveReaction"):
            assert (await told(crew.viewer.client, operation, input=asked))[0] == "Comment"
    assert (await told(crew.viewer.client, "AddReaction", input=asked))[0] == "Throttled"
    assert (await told(crew.editor.client, "AddReaction", input=asked))[0] == "Comment"


async def test_comments_are_found_by_state_author_and_place(make: Factory) -> None:
    crew, version = await a_room(make, duration_ms=10_000)
    owner, viewer = crew.owner.client, crew.viewer.client
    await said(viewer, version, "early", startMs=0)
    await said(owner, version, "range", startMs=1000, endMs=4000)
    late = await said(owner, version, "late", startMs=5000)
    await said(viewer, version, "answer", parentId=late["id"])
    await owner.do("ResolveComment", id=late["id"])
    own = {"authorId": crew.owner.id}
    for filter_, threads, comments in (
        ({}, ["early", "range", "late"], ["answer", "late", "range", "early"]),
        ({"state": "OPEN"}, ["early", "range"], ["range", "early"]),
        ({"state": "RESOLVED"}, ["late"], ["late"]),
        ({"mine": True}, ["early"], ["answer", "early"]),
        ({"mine": False}, ["early", "range", "late"], ["answer", "late", "range", "early"]),
        (own, ["range", "late"], ["late", "range"]),
        ({"mine": True, **own}, [], []),
        ({"mine": True, "state": "OPEN"}, ["early"], ["early"]),
        ({"fromMs": 4000}, ["range", "late"], ["answer", "late", "range"]),
        ({"fromMs": 4001}, ["late"], ["answer", "late"]),
        ({"toMs": 1000}, ["early", "range"], ["range", "early"]),
        ({"fromMs": 2000, "toMs": 3000}, ["range"], ["range"]),
    ):
        assert await found(viewer, version, **filter_) == (threads, comments), filter_
    assert await found(owner, version, mine=True) == (["range", "late"], ["late", "range"])
    assert await found(crew.editor.client, version, mine=True) == ([], [])
    assert await found(viewer, version, **own) == (["range", "late"], ["late", "range"])
    for wrong in (gid(version), "nonsense"):
        answer = await viewer.ask(FOUND, None, {"version": gid(version), "filter": {"authorId": wrong}})
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"INVALID"}


async def test_open_and_resolved_threads_are_counted(make: Factory) -> None:
    crew, version = await a_room(make)
    client = crew.owner.client
    threads = [await said(client, version) for _ in range(3)]
    await said(client, version, "Answer", parentId=threads[0]["id"])
    await client.do("ResolveComment", id=threads[0]["id"])
    await client.do("DeleteComment", id=threads[1]["id"])
    counts = (await client.ask(COUNTS, None, {"id": encode_id("Video", version.video_id)}))["data"]["video"]
    of_threads = {"openThreadCount": 1, "resolvedThreadCount": 1}
    assert counts == {"commentCount": 3, **of_threads, "versions": {"nodes": [
        {"number": 1, "threadCount": 2, **of_threads}]}}  # fmt: skip


async def next_of(events: Subscription) -> dict[str, Any]:
    event = await asyncio.wait_for(anext(events), 10)
    return {**event["data"]["commentEvents"], "eventId": event["extensions"]["eventId"]}


async def all_that_can_happen(crew: Crew, version: Version) -> tuple[str, list[str]]:
    """Does all of it, and something that is no comment's; the thread's id, and what is told."""
    author, editor = crew.viewer.client, crew.editor.client
    thread = (await said(author, version, startMs=10, drawing=DRAWING))["id"]
    await editor.do("EditVideo", input={"id": encode_id("Video", version.video_id), "title": "Another"})
    await author.do("EditComment", input={"id": thread, "body": "Too bright"})
    await editor.do("AddReaction", input={"commentId": thread, "kind": "THUMBS_UP"})
    await editor.do("ResolveComment", id=thread)
    await editor.do("UnresolveComment", id=thread)
    await author.do("DeleteComment", id=thread)
    await author.do("RestoreComment", id=thread)
    return thread, ["ADDED", "EDITED", "REACTED", "RESOLVED", "UNRESOLVED", "DELETED", "RESTORED"]


async def test_whoever_follows_the_comments_hears_of_all_that_happens_to_them(make: Factory) -> None:
    crew, version = await a_room(make)
    video, owner = encode_id("Video", version.video_id), crew.owner.client
    position = (await owner.run("Video", id=video))["extensions"]["position"]
    async with owner.follow("CommentEvents", videoId=video, after=position) as events:
        thread, kinds = await all_that_can_happen(crew, version)
        heard = [await next_of(events) for _ in kinds]
    assert [event["kind"] for event in heard] == kinds
    assert {event["commentId"] for event in heard} == {thread}
    assert [event["actor"]["id"] for event in heard[:3]] == [crew.viewer.id, crew.viewer.id, crew.editor.id]
    assert heard[-1]["comment"]["body"] == "Too bright"
    positions = [event["eventId"] for event in heard]
    assert positions == sorted(set(positions))


async def test_whoever_comes_back_has_missed_nothing(make: Factory) -> None:
    crew, version = await a_room(make)
    video, owner = encode_id("Video", version.video_id), crew.owner.client
    position = (await owner.run("Video", id=video))["extensions"]["position"]
    _, kinds = await all_that_can_happen(crew, version)
    async with owner.follow("CommentEvents", videoId=video, after=position) as events:
        heard = [await next_of(events) for _ in range(3)]
    async with owner.follow("CommentEvents", videoId=video, after=heard[-1]["eventId"]) as events:
        heard += [await next_of(events) for _ in kinds[3:]]
    assert [event["kind"] for event in heard] == kinds


async def test_a_deleted_comment_is_told_without_its_words(make: Factory) -> None:
    crew, version = await a_room(make)
    video, owner = encode_id("Video", version.video_id), crew.owner.client
    made = await said(crew.viewer.client, version, "Secret")
    event = "comment.created"
    await until(lambda: EventRecord.exists(type=event, team_id=crew.team.id, position__isnull=False))
    position = (await owner.run("Video", id=video))["extensions"]["position"]
    async with owner.follow("CommentEvents", videoId=video, after=position) as events:
        await crew.viewer.client.do("DeleteComment", id=made["id"])
        heard = await next_of(events)
        while heard["kind"] != "DELETED":
            heard = await next_of(events)
    assert (heard["commentId"], heard["comment"]["body"]) == (made["id"], "")
    assert "Secret" not in str(heard)


async def test_whoever_is_removed_hears_nothing_more(make: Factory) -> None:
    crew, version = await a_room(make)
    video = encode_id("Video", version.video_id)
    member = await Member.get(team_id=crew.team.id, user_id=crew.viewer.user.id)
    position = (await crew.viewer.client.run("Video", id=video))["extensions"]["position"]
    async with crew.viewer.client.follow("CommentEvents", videoId=video, after=position) as events:
        await said(crew.owner.client, version, "Before")
        assert (await next_of(events))["comment"]["body"] == "Before"
        await crew.owner.client.do("RemoveMember", memberId=gid(member))
        await said(crew.owner.client, version, "After")
        with pytest.raises(OperationFailed, match="NOT_FOUND"):
            await next_of(events)


async def test_scripts_come_as_what_they_are(make: Factory) -> None:
    crew, version = await a_room(make)
    crew.viewer.user.name = "<img src=x onerror=alert(1)>"
    await crew.viewer.user.save(update_fields=["name"])
    body = "<script>alert(1)</script> [x](javascript:alert(1))"
    made = await said(crew.viewer.client, version, body)
    assert (made["body"], made["author"]["name"]) == (body, "<img src=x onerror=alert(1)>")
    assert made["bodyHtml"] == "<p>&lt;script&gt;alert(1)&lt;/script&gt; [x](javascript:alert(1))</p>"
