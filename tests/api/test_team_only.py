"""Team-only comments over the wire: to viewers they do not exist, by whatever door they are looked for."""

import asyncio
from typing import Any

import pytest

from domain.ids import new_id
from domain.permissions import Role, Scope
from local.client import Client
from models import Comment, CommentEdit, EventRecord, Job, Upload, Version
from plan import encode_id
from tests.api.test_comment_changes import DRAWING, a_room, said, told
from tests.api.test_images import attach, begin
from tests.api.test_mentions import named, offered, settled, told_of
from tests.api.test_reviewing import found
from tests.api.test_rights import change_role
from tests.factories import Factory, gid, uuid_in
from tests.pictures import png
from tests.repeating import new_key, run

SEEN = """query ($version: ID!) { version(id: $version) {
    threadCount openThreadCount resolvedThreadCount comments { totalCount nodes { body replyCount } }
    video {
        commentCount openThreadCount resolvedThreadCount lastCommentedAt jobCount
        jobs { totalCount nodes { kind } } comments { totalCount nodes { body visibility } }
    } } }"""
NODE = "query ($id: ID!) { node(id: $id) { __typename } }"
TEAM, OPEN = {"visibility": "TEAM"}, {"visibility": "OPEN"}


async def seen(client: Client, version: Version) -> Any:
    answer = await client.ask(SEEN, None, {"version": gid(version)})
    assert "errors" not in answer, answer
    return answer["data"]["version"]


async def is_there(client: Client, global_id: str) -> bool:
    return (await client.ask(NODE, None, {"id": global_id}))["data"]["node"] is not None


async def show_to(client: Client, comment: dict[str, Any], visibility: str) -> Any:
    return await client.do("SetCommentVisibility", input={"id": comment["id"], "visibility": visibility})


async def a_thread(client: Client, version: Version, **values: Any) -> tuple[dict[str, Any], list[str]]:
    """A thread with all that can hang on one, and the ids of all of that."""
    thread = await said(client, version, "Between us", drawing=DRAWING, **values)
    answer = await said(client, version, "Yes, between us", parentId=thread["id"])
    await client.do("EditComment", input={"id": thread["id"], "body": "Just between us"})
    await client.do("AddReaction", input={"commentId": thread["id"], "kind": "EYES"})
    await client.do("ResolveComment", id=thread["id"])
    await attach(client, answer, png(8, 8))
    (edit,) = await CommentEdit.filter(comment_id=uuid_in(thread["id"]))
    (upload,) = await Upload.filter(comment_id=uuid_in(answer["id"]))
    return thread, [thread["id"], answer["id"], gid(edit), gid(upload), encode_id("Job", upload.job_id)]


async def test_what_is_team_only_does_not_exist_for_viewers(make: Factory) -> None:
    crew, version = await a_room(make)
    nothing = await seen(crew.viewer.client, version)
    thread, ids = await a_thread(crew.editor.client, version, **TEAM)
    for person in (crew.owner, crew.admin, crew.editor):
        there = await seen(person.client, version)
        assert (there["threadCount"], there["resolvedThreadCount"], there["video"]["commentCount"]) == (1, 1, 2)
        assert there["comments"]["nodes"] == [{"body": "Just between us", "replyCount": 1}]
        assert [node["visibility"] for node in there["video"]["comments"]["nodes"]] == ["TEAM", "TEAM"]
        assert there["video"]["lastCommentedAt"] is not None
        assert there["video"]["jobCount"] == nothing["video"]["jobCount"] + 1
        assert [await is_there(person.client, each) for each in ids] == [True] * 5
    outside = (crew.viewer.client, await make.key(crew.viewer, Scope.READ), make.client())
    assert await seen(crew.viewer.client, version) == nothing
    assert await seen(outside[1], version) == nothing
    for client in outside:
        assert [await is_there(client, each) for each in ids] == [False] * 5
        assert (await client.run("Comment", id=thread["id"]))["data"]["comment"] is None
    for filter_ in ({}, {"visibility": "TEAM"}, {"state": "RESOLVED"}, {"authorId": crew.editor.id}, {"fromMs": 0}):
        assert await found(crew.viewer.client, version, **filter_) == ([], []), filter_


async def test_threads_are_found_by_for_whom_they_are(make: Factory) -> None:
    crew, version = await a_room(make)
    await said(crew.owner.client, version, "To all")
    thread = await said(crew.editor.client, version, "To us", startMs=5, **TEAM)
    await said(crew.editor.client, version, "We agree", parentId=thread["id"])
    for filter_, threads, comments in (
        (TEAM, ["To us"], ["We agree", "To us"]),
        (OPEN, ["To all"], ["To all"]),
        ({"visibility": None}, ["To all", "To us"], ["We agree", "To us", "To all"]),
        ({"mine": True, **TEAM}, [], []),
    ):
        assert await found(crew.admin.client, version, **filter_) == (threads, comments), filter_
    assert await found(crew.viewer.client, version, **OPEN) == (["To all"], ["To all"])


def of_comment(operation: str, comment_id: str, version: Version) -> dict[str, Any]:
    """The variables of each mutation that names a comment."""
    return {
        "AddComment": {"input": {"versionId": gid(version), "body": "Hm", "parentId": comment_id}},
        "EditComment": {"input": {"id": comment_id, "body": "Hm"}},
        "StartCommentImage": {"input": {"commentId": comment_id, "fileName": "a.png", "size": 3}},
        "AddReaction": {"input": {"commentId": comment_id, "kind": "HEART"}},
        "RemoveReaction": {"input": {"commentId": comment_id, "kind": "HEART"}},
        "SetCommentVisibility": {"input": {"id": comment_id, "visibility": "OPEN"}},
    }.get(operation, {"id": comment_id})


MUTATIONS = (
    "AddComment", "EditComment", "DeleteComment", "RestoreComment", "StartCommentImage", "RemoveCommentImage",
    "ResolveComment", "UnresolveComment", "AddReaction", "RemoveReaction", "SetCommentVisibility",
)  # fmt: skip


async def test_a_viewer_who_guesses_an_id_is_told_as_of_one_that_was_never_there(make: Factory) -> None:
    """Also of a comment of their own, from before they became a viewer."""
    crew, version = await a_room(make)
    await change_role(crew, crew.viewer, Role.EDITOR)
    own = await said(crew.viewer.client, version, **TEAM)
    await change_role(crew, crew.viewer, Role.VIEWER)
    answer = await said(crew.editor.client, version, parentId=own["id"])
    for operation in MUTATIONS:
        answers = [
            await crew.viewer.client.run(operation, **of_comment(operation, comment_id, version))
            for comment_id in (own["id"], answer["id"], encode_id("Comment", new_id()))
        ]
        assert answers[0]["data"] == answers[1]["data"] == answers[2]["data"], operation
        value = next(iter(answers[0]["data"].values()))
        assert value["__typename"] == "NotFound", operation
    assert await Comment.filter(version_id=version.id, edited_at=None, deleted_at=None, resolved_at=None).count() == 2


async def test_a_viewer_makes_nothing_team_only(make: Factory) -> None:
    crew, version = await a_room(make)
    viewer, editor = crew.viewer.client, crew.editor.client
    asked = {"versionId": gid(version), "body": "Hm", **TEAM}
    assert await told(viewer, "AddComment", input=asked) == ("Forbidden", ["input", "visibility"])
    own = await said(viewer, version, **OPEN)
    assert (own["visibility"], "COMMENT_SET_VISIBILITY" in own["viewerCan"]) == ("OPEN", False)
    for visibility in ("TEAM", "OPEN"):
        change = {"id": own["id"], "visibility": visibility}
        assert (await told(viewer, "SetCommentVisibility", input=change))[0] == "Forbidden"
    for change in (TEAM, OPEN):
        outcome = await told(viewer, "AddComment", input={**asked, **change, "parentId": own["id"]})
        assert outcome == (("Invalid", ["input", "visibility"]) if change is TEAM else ("Comment", None))
    assert "COMMENT_SET_VISIBILITY" in (await editor.do("Comment", id=own["id"]))["viewerCan"]
    assert not await Comment.filter(version_id=version.id).exclude(visibility="open").exists()


async def test_an_answer_is_for_whom_its_thread_is(make: Factory) -> None:
    crew, version = await a_room(make)
    editor, admin = crew.editor.client, crew.admin.client
    thread = await said(editor, version, **TEAM)
    for more in ({}, {"visibility": None}, TEAM):
        assert (await said(admin, version, parentId=thread["id"], **more))["visibility"] == "TEAM"
    answer = await said(admin, version, parentId=thread["id"])
    for parent in (thread, answer):
        asked = {"versionId": gid(version), "body": "Hm", "parentId": parent["id"], **OPEN}
        assert await told(admin, "AddComment", input=asked) == ("Invalid", ["input", "visibility"])
    change = {"id": answer["id"], "visibility": "OPEN"}
    assert await told(admin, "SetCommentVisibility", input=change) == ("Invalid", ["input", "id"])


async def test_a_thread_is_hidden_and_shown_with_all_that_hangs_on_it(make: Factory) -> None:
    crew, version = await a_room(make)
    editor, viewer = crew.editor.client, crew.viewer.client
    nothing = await seen(viewer, version)
    thread, ids = await a_thread(editor, version)
    everything = await seen(viewer, version)
    assert everything["threadCount"] == 1
    for _ in range(2):
        hidden = await show_to(crew.admin.client, thread, "TEAM")
        assert hidden["visibility"] == "TEAM"
        assert await seen(viewer, version) == nothing
        assert [await is_there(viewer, each) for each in ids] == [False] * 5
        assert [await is_there(editor, each) for each in ids] == [True] * 5
        shown = await show_to(editor, thread, "OPEN")
        assert shown["visibility"] == "OPEN"
        assert await seen(viewer, version) == everything
        assert [await is_there(viewer, each) for each in ids] == [True] * 5
    await editor.do("UnresolveComment", id=thread["id"])
    await editor.do("DeleteComment", id=ids[1])
    await editor.do("DeleteComment", id=thread["id"])
    gone = {"id": thread["id"], "visibility": "TEAM"}
    assert (await told(editor, "SetCommentVisibility", input=gone))[0] == "Conflict"


async def test_what_is_brought_back_is_for_whom_the_thread_has_become(make: Factory) -> None:
    """What a deleted comment says is set aside meanwhile, with what it has said before."""
    crew, version = await a_room(make)
    editor = crew.editor.client
    thread = await said(editor, version)
    answer = await said(editor, version, "First", parentId=thread["id"])
    await editor.do("EditComment", input={"id": answer["id"], "body": "Second"})
    await editor.do("DeleteComment", id=answer["id"])
    await show_to(editor, thread, "TEAM")
    restored = await editor.do("RestoreComment", id=answer["id"])
    assert (restored["body"], restored["visibility"], restored["edits"]["totalCount"]) == ("Second", "TEAM", 1)
    ids = [answer["id"], encode_id("CommentEdit", (await CommentEdit.get(comment_id=uuid_in(answer["id"]))).id)]
    assert [await is_there(editor, each) for each in ids] == [True, True]
    assert [await is_there(crew.viewer.client, each) for each in ids] == [False, False]


async def test_what_was_sent_under_a_key_is_not_told_again_to_who_has_become_a_viewer(make: Factory) -> None:
    crew, version = await a_room(make)
    client, key = crew.editor.client, new_key()
    asked = {"input": {"versionId": gid(version), "body": "Between us", **TEAM}}
    assert (await run(client, key, "AddComment", **asked)).kind == "Comment"
    await change_role(crew, crew.editor, Role.VIEWER)
    again = await run(client, key, "AddComment", **asked)
    assert (again.kind, again.replayed) == ("NotFound", True)
    assert "Between us" not in str(again.answer)


async def test_who_takes_part_is_not_told_by_who_is_offered(make: Factory) -> None:
    crew, version = await a_room(make)
    zoe = await named(make, crew, "Zoë", Role.EDITOR)
    before = await offered(crew.viewer.client, version)
    thread = await said(zoe.client, version, **TEAM)
    assert await offered(crew.viewer.client, version) == before
    assert (await offered(crew.admin.client, version) or [])[:2] == ["Owner", "Zoë"]
    offered_inside = await crew.admin.client.do(
        "Mentionable", videoId=encode_id("Video", version.video_id), prefix="", first=10, visibility="TEAM"
    )
    assert [each["handle"] for each in offered_inside] == ["Owner", "Zoë", "Editor"]
    asked = {"videoId": encode_id("Video", version.video_id), "prefix": "", "first": 10, "visibility": "TEAM"}
    assert (await crew.viewer.client.run("Mentionable", **asked))["data"]["mentionable"] is None
    await show_to(crew.admin.client, thread, "OPEN")
    assert (await offered(crew.viewer.client, version) or [])[:2] == ["Owner", "Zoë"]


async def test_a_viewer_hears_of_a_mention_when_the_thread_is_opened(make: Factory) -> None:
    crew, version = await a_room(make)
    thread = await said(crew.editor.client, version, "@Viewer and @Admin, look", **TEAM)
    await said(crew.editor.client, version, "@Viewer, too", parentId=thread["id"])
    await settled()
    assert await told_of(crew.viewer) == []
    assert await told_of(crew.admin) == [("mention", 1)]
    assert await found(crew.viewer.client, version, mentioningMe=True) == ([], [])
    await show_to(crew.editor.client, thread, "OPEN")
    await settled()
    assert await told_of(crew.viewer) == [("mention", 2)]
    assert await told_of(crew.admin) == [("mention", 1)], "once is enough"
    assert len((await found(crew.viewer.client, version, mentioningMe=True))[1]) == 2
    for visibility in ("TEAM", "OPEN"):
        await show_to(crew.editor.client, thread, visibility)
        await settled()
    assert [count for _, count in await told_of(crew.viewer)] == [2]


UNREAD = "query { viewer { unreadNotificationCount notifications { totalCount nodes { text comment { body } } } } }"


async def test_who_becomes_a_viewer_has_no_notifications_of_it_any_more(make: Factory) -> None:
    crew, version = await a_room(make)
    thread = await said(crew.editor.client, version, "To us", **TEAM)
    await said(crew.admin.client, version, "Yes, to us", parentId=thread["id"])
    await said(crew.admin.client, version, "To all, @Editor")
    await settled()

    async def listed() -> Any:
        return (await crew.editor.client.ask(UNREAD))["data"]["viewer"]

    assert (await listed())["unreadNotificationCount"] == 2
    await change_role(crew, crew.editor, Role.VIEWER)
    left = await listed()
    assert (left["unreadNotificationCount"], left["notifications"]["totalCount"]) == (1, 1)
    assert [node["comment"]["body"] for node in left["notifications"]["nodes"]] == ["To all, @Editor"]
    await change_role(crew, crew.editor, Role.EDITOR)
    assert (await listed())["unreadNotificationCount"] == 2


@pytest.mark.parametrize("flip", ["before", "after"])
async def test_an_image_is_for_whom_its_thread_is_however_far_it_has_come(make: Factory, flip: str) -> None:
    """A thread that is hidden before or after the file has come, or whose job waits."""
    crew, version = await a_room(make)
    editor = crew.editor.client
    comment = await said(editor, version)
    begun = await editor.do(
        "StartCommentImage", input={"commentId": comment["id"], "fileName": "secret.png", "size": 67}
    )
    if flip == "before":
        await show_to(editor, comment, "TEAM")
    checksum = await editor.put(begun["missing"][0]["url"], b"0" * 67)
    parts = [{"number": 1, "checksum": checksum}]
    job = await editor.do("CompleteUpload", input={"id": begun["upload"]["id"], "parts": parts})
    if flip == "after":
        await show_to(editor, comment, "TEAM")
    for each in (begun["upload"]["id"], job["id"]):
        assert not await is_there(crew.viewer.client, each)
        assert await is_there(editor, each)
    assert (await Job.get(id=uuid_in(job["id"]))).visibility == "team"


async def test_whatever_is_done_at_once_is_for_the_same_people(make: Factory) -> None:
    """Each event says for whom the thread was when it happened, and each row for whom it is in the end."""
    crew, version = await a_room(make)
    editor, admin = crew.editor.client, crew.admin.client
    thread = await said(editor, version)
    answer = await said(admin, version, parentId=thread["id"])

    async def answered(number: int) -> None:
        await said((editor, admin)[number % 2], version, f"Answer {number}", parentId=thread["id"])

    async def changed(number: int) -> None:
        await admin.do("EditComment", input={"id": answer["id"], "body": f"Edit {number}"})
        await editor.do("AddReaction", input={"commentId": answer["id"], "kind": ("HEART", "EYES", "SAD")[number % 3]})
        await told(admin, "ResolveComment" if number % 2 else "UnresolveComment", id=thread["id"])
        await begin(editor, thread, 67)

    async def flipped(number: int) -> None:
        await show_to(crew.owner.client, thread, ("TEAM", "OPEN")[number % 2])

    acts = [act(number) for number in range(7) for act in (answered, flipped, changed)]
    await asyncio.gather(*acts)
    visibility = (await Comment.get(id=uuid_in(thread["id"]))).visibility
    for model in (Comment, CommentEdit, Upload):
        assert {row.visibility for row in await model.filter(team_id=crew.team.id)} == {visibility}, model
    now_for, flips = "open", 0
    for event in await EventRecord.filter(team_id=crew.team.id, type__startswith="comment.").order_by("recorded_at"):
        if event.type == "comment.visibility_changed":
            now_for, flips = event.payload["became"], flips + 1
        else:
            assert event.payload["visibility"] == now_for, event.type
    assert (now_for, flips > 0) == (visibility, True)
