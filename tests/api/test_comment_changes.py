"""What becomes of comments over the wire: edited, deleted, brought back, resolved; by whom, and who sees what."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.clock import utc_now
from domain.comments import RESTORABLE
from domain.ids import new_id
from domain.permissions import Role
from domain.viewers import Viewer
from local.client import Client
from models import Comment, CommentEdit, EventRecord, Version, Video
from models.database import raw_connection, transaction
from tests.api.test_comments import somebody_waits_for_us
from tests.factories import Crew, Factory, gid
from tests.waiting import until

STROKE = {"kind": "stroke", "points": [[0, 0], [0.5, 1]], "color": "#ff0000", "width": 0.01}
DRAWING = {"version": 1, "items": [STROKE]}
LISTS = """query ($version: ID!) { version(id: $version) { threadCount comments { nodes { id body replyCount deletedAt
    replies { nodes { body } } } } video { commentCount comments { nodes { body } } } } }"""


async def a_room(make: Factory, **values: Any) -> tuple[Crew, Version]:
    crew = await make.crew()
    return crew, await make.version(await make.video(crew), **values)


async def said(client: Client, version: Version, body: str = "Too dark", **values: Any) -> dict[str, Any]:
    return await client.do("AddComment", input={"versionId": gid(version), "body": body, **values})


async def told(client: Client, operation: str, **variables: Any) -> tuple[str, list[str] | None]:
    """The kind of what a mutation answers, and which part of the input is at fault."""
    answer = await client.run(operation, **variables)
    assert "errors" not in answer, answer
    value = next(iter(answer["data"].values()))
    return value["__typename"], value.get("path")


async def lists(client: Client, version: Version) -> Any:
    return (await client.ask(LISTS, None, {"version": gid(version)}))["data"]["version"]


async def test_a_comment_may_be_about_a_range_and_have_a_drawing(make: Factory) -> None:
    crew, version = await a_room(make, duration_ms=2000)  # 25 frames a second
    made = await said(crew.viewer.client, version, "**Here**", startMs=500, endMs=1500, drawing=DRAWING)
    assert (made["startMs"], made["endMs"], made["drawing"]) == (500, 1500, DRAWING)
    assert (made["startFrame"], made["endFrame"]) == (12, 37)
    assert (made["startTimecode"], made["endTimecode"]) == ("00:00:00:12", "00:00:01:12")
    assert (made["body"], made["bodyHtml"]) == ("**Here**", "<p><strong>Here</strong></p>")
    answer = await said(crew.owner.client, version, "Yes", parentId=made["id"])
    assert (answer["startMs"], answer["endMs"], answer["drawing"]) == (500, 1500, None)


async def test_a_place_may_be_said_by_time_codes(make: Factory) -> None:
    crew, version = await a_room(make, duration_ms=120_000, frame_count=3596, frame_rate_numerator=30_000,
                                 frame_rate_denominator=1001)  # fmt: skip
    place = {"startTimecode": "00:00:59;29", "endTimecode": "00:01:00;02"}
    made = await said(crew.viewer.client, version, **place)
    assert (made["startFrame"], made["endFrame"]) == (1799, 1800)
    assert {name: made[name] for name in place} == place
    again = await said(crew.viewer.client, version, startMs=made["startMs"], endMs=made["endMs"])
    assert {name: again[name] for name in place} == place


async def test_a_place_may_be_said_by_frames(make: Factory) -> None:
    crew, version = await a_room(make, duration_ms=2000)  # 25 frames a second
    made = await said(crew.viewer.client, version, startFrame=12, endFrame=37)
    assert (made["startMs"], made["endMs"], made["startFrame"], made["endFrame"]) == (480, 1480, 12, 37)
    moved = await crew.viewer.client.do("EditComment", input={"id": made["id"], "startFrame": 0, "endMs": None})
    assert (moved["startMs"], moved["endMs"], moved["startFrame"], moved["endFrame"]) == (0, None, 0, None)


NAMES = ("startMs", "startFrame", "startTimecode", "endMs", "endFrame", "endTimecode")
FRAMES_KNOWN = "query ($id: ID!) { version(id: $id) { framesKnown variableFrameRate frameCount } }"


async def test_where_frames_come_unevenly_they_are_looked_up(make: Factory) -> None:
    crew = await make.crew()
    version = await make.uneven_version(await make.video(crew), [0, 40, 900, 1200])
    client = crew.viewer.client
    for place in ({"startMs": 899, "endMs": 1300}, {"startFrame": 1, "endFrame": 3}):
        made = await said(client, version, **place)
        start, end = (899, 1300) if "startMs" in place else (40, 1200)
        assert [made[name] for name in NAMES] == [start, 1, None, end, 3, None]
    found = await client.ask(FRAMES_KNOWN, None, {"id": gid(version)})
    assert found["data"]["version"] == {"framesKnown": True, "variableFrameRate": True, "frameCount": 4}
    for place, at_fault in (({"startFrame": 4}, "startFrame"), ({"endTimecode": "00:00:00:01"}, "endTimecode")):
        asked = {"versionId": gid(version), "body": "Hm", **place}
        assert await told(client, "AddComment", input=asked) == ("Invalid", ["input", at_fault])


async def test_where_no_table_was_kept_nobody_can_name_them(make: Factory) -> None:
    crew, version = await a_room(make, duration_ms=2000, variable_frame_rate=True)
    made = await said(crew.viewer.client, version, startMs=500, endMs=900)
    assert [made[name] for name in NAMES] == [500, None, None, 900, None, None]
    found = await crew.viewer.client.ask(FRAMES_KNOWN, None, {"id": gid(version)})
    assert found["data"]["version"]["framesKnown"] is False
    asked = {"versionId": gid(version), "body": "Hm", "startFrame": 0}
    assert await told(crew.viewer.client, "AddComment", input=asked) == ("Invalid", ["input", "startFrame"])


NO_PLACES: list[tuple[dict[str, Any], str]] = [
    ({"startMs": 500, "endMs": 500}, "endMs"),
    ({"startMs": 500, "endMs": 499}, "endMs"),
    ({"endMs": 0}, "endMs"),
    ({"endMs": 2001}, "endMs"),
    ({"endMs": -1}, "endMs"),
    ({"startTimecode": "1:2:3"}, "startTimecode"),
    ({"startTimecode": "00:00:09:00"}, "startTimecode"),
    ({"endTimecode": "00:00:00:25"}, "endTimecode"),
    ({"startMs": 0, "startTimecode": "00:00:00:00"}, "startTimecode"),
    ({"endMs": 10, "endTimecode": "00:00:00:10"}, "endTimecode"),
    ({"startFrame": 50}, "startFrame"),
    ({"startFrame": -1}, "startFrame"),
    ({"endFrame": 0}, "endMs"),
    ({"startMs": 0, "startFrame": 0}, "startFrame"),
    ({"endFrame": 10, "endTimecode": "00:00:00:10"}, "endTimecode"),
    ({"drawing": {"version": 1, "items": [{**STROKE, "points": [[0, 2]]}]}}, "drawing.items.0.points.0.1"),
    ({"drawing": {"version": 1, "items": [STROKE] * 201}}, "drawing.items"),
    ({"drawing": "a cat"}, "drawing"),
]
"""What is neither a place on the version nor a drawing, and which part of it is at fault."""


async def test_a_place_or_drawing_that_is_none_is_told_by_its_part(make: Factory) -> None:
    crew, version = await a_room(make, duration_ms=2000)
    thread = await said(crew.viewer.client, version)
    for given, at_fault in NO_PLACES:
        expected = ("Invalid", ["input", *at_fault.split(".")])
        asked = {"versionId": gid(version), "body": "Hm", **given}
        assert await told(crew.viewer.client, "AddComment", input=asked) == expected, given
        assert await told(crew.viewer.client, "EditComment", input={"id": thread["id"], **given}) == expected, given
    assert await Comment.filter(version_id=version.id).count() == 1
    assert not await CommentEdit.exists(team_id=crew.team.id)


async def test_an_edit_changes_what_is_said_and_keeps_what_was(make: Factory) -> None:
    crew, version = await a_room(make, duration_ms=2000)
    author = crew.viewer.client
    made = await said(author, version, "Too drak", startMs=100, endMs=200, drawing=DRAWING)
    assert made["editedAt"] is None
    edited = await author.do("EditComment", input={"id": made["id"], "body": "Too dark", "startMs": 50})
    assert (edited["body"], edited["startMs"], edited["endMs"], edited["drawing"]) == ("Too dark", 50, 200, DRAWING)
    assert edited["editedAt"] >= made["createdAt"] == edited["createdAt"]
    edited = await author.do("EditComment", input={"id": made["id"], "drawing": None, "endMs": None})
    assert (edited["body"], edited["startMs"], edited["endMs"], edited["drawing"]) == ("Too dark", 50, None, None)
    seen = "query ($id: ID!) {comment(id: $id) {editCount edits {nodes {body startMs endMs drawing}}}}"
    history = (await crew.editor.client.ask(seen, None, {"id": made["id"]}))["data"]["comment"]
    of = {"endMs": 200, "drawing": DRAWING}
    assert history["edits"]["nodes"] == [
        {"body": "Too drak", "startMs": 100, **of},
        {"body": "Too dark", "startMs": 50, **of},
    ]
    assert history["editCount"] == 2
    events = await EventRecord.filter(type="comment.edited", team_id=crew.team.id).order_by("recorded_at")
    assert [event.payload["changed"] for event in events] == [["body", "range"], ["drawing", "range"]]
    assert "Too dark" not in str([event.payload for event in events])


async def test_an_edit_that_changes_nothing_is_none(make: Factory) -> None:
    crew, version = await a_room(make)
    made = await said(crew.viewer.client, version)
    same = await crew.viewer.client.do("EditComment", input={"id": made["id"], "body": " Too dark", "startMs": None})
    assert (same["editedAt"], same["edits"]["totalCount"]) == (None, 0)
    assert not await EventRecord.exists(type="comment.edited", team_id=crew.team.id)


async def test_only_its_author_edits_a_comment(make: Factory) -> None:
    crew, version = await a_room(make)
    made = await said(crew.editor.client, version)
    for person in (crew.owner, crew.admin, crew.viewer):
        asked = {"id": made["id"], "body": "Mine now"}
        assert await told(person.client, "EditComment", input=asked) == ("Forbidden", None)
    assert (await crew.owner.client.do("Comment", id=made["id"]))["body"] == "Too dark"


async def test_a_thread_moves_with_its_answers_and_they_do_not_move_alone(make: Factory) -> None:
    crew, version = await a_room(make, duration_ms=2000)
    thread = await said(crew.viewer.client, version, startMs=100)
    answer = await said(crew.viewer.client, version, "And here", parentId=thread["id"])
    asked = {"id": answer["id"], "startMs": 200}
    assert await told(crew.viewer.client, "EditComment", input=asked) == ("Invalid", ["input", "startMs"])
    await crew.viewer.client.do("EditComment", input={"id": thread["id"], "startMs": 300, "endMs": 400})
    seen = await crew.viewer.client.do("Comment", id=answer["id"])
    assert (seen["startMs"], seen["endMs"], seen["editedAt"]) == (300, 400, None)


async def test_a_deleted_comment_without_answers_leaves_all_lists(make: Factory) -> None:
    crew, version = await a_room(make)
    kept, gone = await said(crew.viewer.client, version, "Kept"), await said(crew.viewer.client, version, "Gone")
    answer = await said(crew.viewer.client, version, "An answer", parentId=kept["id"])
    deleted = await crew.viewer.client.do("DeleteComment", id=gone["id"])
    assert (deleted["body"], deleted["bodyHtml"], deleted["deletedAt"] is None) == ("", "", False)
    await crew.viewer.client.do("DeleteComment", id=answer["id"])
    assert await lists(crew.owner.client, version) == {
        "threadCount": 1,
        "comments": {
            "nodes": [{"id": kept["id"], "body": "Kept", "replyCount": 0, "deletedAt": None, "replies": {"nodes": []}}]
        },
        "video": {"commentCount": 1, "comments": {"nodes": [{"body": "Kept"}]}},
    }


async def test_a_deleted_comment_with_answers_stays_without_words(make: Factory) -> None:
    crew, version = await a_room(make)
    thread = await said(crew.viewer.client, version, "Secret", drawing=DRAWING)
    await crew.viewer.client.do("EditComment", input={"id": thread["id"], "body": "Still secret"})
    answers = [await said(crew.owner.client, version, body, parentId=thread["id"]) for body in ("One", "Two")]
    await crew.viewer.client.do("AddReaction", input={"commentId": thread["id"], "kind": "EYES"})
    await crew.viewer.client.do("DeleteComment", id=thread["id"])
    seen = await crew.owner.client.do("Comment", id=thread["id"])
    assert (seen["body"], seen["drawing"], seen["reactions"]) == ("", None, [])
    assert seen["edits"] == {"totalCount": 0, "nodes": []}
    assert [reply["body"] for reply in seen["replies"]["nodes"]] == ["One", "Two"]
    edit = (await CommentEdit.filter(team_id=crew.team.id).first()) or pytest.fail("its words are kept for an hour")
    assert (await crew.owner.client.run("AnyNode", id=gid(edit)))["data"]["node"] is None
    assert (await lists(crew.owner.client, version))["threadCount"] == 1
    for answer in answers:
        assert (await lists(crew.owner.client, version))["threadCount"] == 1
        await crew.owner.client.do("DeleteComment", id=answer["id"])
    assert (await lists(crew.owner.client, version))["comments"]["nodes"] == []


async def test_who_may_delete_what(make: Factory) -> None:
    crew, version = await a_room(make)
    for author, deleter, outcome in (
        (crew.viewer, crew.viewer, "Comment"),
        (crew.viewer, crew.editor, "Comment"),
        (crew.editor, crew.viewer, "Forbidden"),
        (crew.owner, crew.editor, "Comment"),
    ):
        made = await said(author.client, version)
        assert (await told(deleter.client, "DeleteComment", id=made["id"]))[0] == outcome


async def test_a_deleted_comment_takes_nothing_more(make: Factory) -> None:
    crew, version = await a_room(make)
    client = crew.viewer.client
    made = await said(client, version)
    await client.do("DeleteComment", id=made["id"])
    assert (await told(client, "DeleteComment", id=made["id"]))[0] == "Conflict"
    assert (await told(client, "EditComment", input={"id": made["id"], "body": "Back"}))[0] == "Conflict"
    assert (await told(client, "ResolveComment", id=made["id"]))[0] == "Conflict"
    reaction = {"commentId": made["id"], "kind": "HEART"}
    assert (await told(client, "AddReaction", input=reaction))[0] == "Conflict"
    answer = {"versionId": gid(version), "body": "Hm", "parentId": made["id"]}
    assert (await told(client, "AddComment", input=answer))[0] == "Conflict"


async def test_what_was_deleted_comes_back_with_all_it_said(make: Factory) -> None:
    crew, version = await a_room(make)
    client = crew.viewer.client
    thread = await said(client, version, "First", drawing=DRAWING)
    await client.do("EditComment", input={"id": thread["id"], "body": "Second"})
    answer = await said(client, version, "Answer", parentId=thread["id"])
    before = await client.do("Comment", id=thread["id"])
    for one in (answer, thread):
        await client.do("DeleteComment", id=one["id"])
    assert (await lists(client, version))["threadCount"] == 0
    await client.do("RestoreComment", id=answer["id"])
    assert (await lists(client, version))["comments"]["nodes"][0]["body"] == ""
    await client.do("RestoreComment", id=thread["id"])
    assert await client.do("Comment", id=thread["id"]) == before
    assert (await told(client, "RestoreComment", id=thread["id"]))[0] == "Conflict"


async def test_what_somebody_else_has_deleted_its_author_cannot_bring_back(make: Factory) -> None:
    crew, version = await a_room(make)
    made = await said(crew.viewer.client, version)
    await crew.editor.client.do("DeleteComment", id=made["id"])
    assert (await told(crew.viewer.client, "RestoreComment", id=made["id"]))[0] == "Forbidden"
    assert (await crew.admin.client.do("RestoreComment", id=made["id"]))["body"] == "Too dark"


async def test_after_an_hour_it_is_gone(make: Factory) -> None:
    crew, version = await a_room(make)
    made = await said(crew.viewer.client, version)
    await crew.viewer.client.do("DeleteComment", id=made["id"])
    long_ago = utc_now() - RESTORABLE - timedelta(seconds=1)
    await Comment.filter(team_id=crew.team.id).update(deleted_at=long_ago)
    await CommentEdit.filter(team_id=crew.team.id).update(created_at=long_ago)
    assert (await told(crew.viewer.client, "RestoreComment", id=made["id"]))[0] == "Conflict"


async def test_the_last_words_come_back_whatever_other_machines_clocks_said(make: Factory) -> None:
    crew, version = await a_room(make)
    made = await said(crew.viewer.client, version, "First")
    await crew.viewer.client.do("EditComment", input={"id": made["id"], "body": "Last"})
    await CommentEdit.filter(team_id=crew.team.id).update(created_at=utc_now() + timedelta(minutes=1))
    await crew.viewer.client.do("DeleteComment", id=made["id"])
    again = await crew.viewer.client.do("RestoreComment", id=made["id"])
    assert (again["body"], [edit["body"] for edit in again["edits"]["nodes"]]) == ("Last", ["First"])


async def test_editors_and_its_author_resolve_a_thread(make: Factory) -> None:
    crew, version = await a_room(make)
    for role, person in crew.everybody().items():
        of_others, own = await said(crew.owner.client, version), await said(person.client, version)
        resolved = await person.client.do("ResolveComment", id=own["id"])
        assert (resolved["resolvedBy"]["id"], resolved["resolvedAt"] is None) == (person.id, False)
        outcome = "Forbidden" if role is Role.VIEWER else "Comment"
        assert (await told(person.client, "ResolveComment", id=of_others["id"]))[0] == outcome
        again = await person.client.do("UnresolveComment", id=own["id"])
        assert (again["resolvedBy"], again["resolvedAt"]) == (None, None)


async def test_a_thread_is_resolved_once_and_an_answer_never(make: Factory) -> None:
    crew, version = await a_room(make)
    client = crew.editor.client
    thread = await said(client, version)
    answer = await said(client, version, "Yes", parentId=thread["id"])
    assert await told(client, "ResolveComment", id=answer["id"]) == ("Invalid", ["id"])
    assert (await told(client, "UnresolveComment", id=thread["id"]))[0] == "Conflict"
    outcomes = await asyncio.gather(*(told(client, "ResolveComment", id=thread["id"]) for _ in range(4)))
    assert sorted(outcome for outcome, _ in outcomes) == ["Comment", *["Conflict"] * 3]
    assert await EventRecord.filter(type="comment.resolved", team_id=crew.team.id).count() == 1


async def test_whoever_answers_an_answer_that_is_being_deleted_stands_in_nobodys_way(make: Factory) -> None:
    """The thread is held, then the answer, as whoever deletes it does; the other way they would wait for each other."""
    crew, version = await a_room(make)
    thread = await make.comment(version)
    answer = await make.comment(version, parent=thread)
    deleter = Viewer(crew.owner.user.id, new_id())
    async with transaction():
        async with raw_connection() as connection:
            await connection.execute("SET LOCAL deadlock_timeout = '1ms'")  # so that it is this one that is undone
        await Comment.lock(thread.id, deleter)
        answering = asyncio.create_task(said(crew.viewer.client, version, parentId=gid(answer)))
        await until(somebody_waits_for_us)
        await Comment.lock(answer.id, deleter)
    assert (await answering)["parent"]["id"] == gid(thread)


async def test_a_thread_that_is_deleted_while_it_is_answered_is_not_lost(make: Factory) -> None:
    """Either the answer comes first, and the thread stays in its place; or it is refused."""
    crew, version = await a_room(make)
    for _ in range(5):
        thread = await said(crew.editor.client, version)
        asked = {"versionId": gid(version), "body": "Wait", "parentId": thread["id"]}
        outcomes = await asyncio.gather(
            told(crew.editor.client, "DeleteComment", id=thread["id"]),
            told(crew.viewer.client, "AddComment", input=asked),
        )
        assert outcomes[0][0] == "Comment"
        assert outcomes[1][0] in ("Comment", "Conflict")
        answered = outcomes[1][0] == "Comment"
        seen = await crew.owner.client.do("Comment", id=thread["id"])
        assert (seen["replyCount"], seen["body"]) == (int(answered), "")
        shown = {node["id"] for node in (await lists(crew.owner.client, version))["comments"]["nodes"]}
        assert (thread["id"] in shown) is answered


async def test_in_the_trash_nothing_changes(make: Factory) -> None:
    crew, version = await a_room(make)
    client = crew.owner.client
    thread, resolved, deleted = [await said(client, version) for _ in range(3)]
    await client.do("ResolveComment", id=resolved["id"])
    await client.do("DeleteComment", id=deleted["id"])
    await Video.filter(id=version.video_id).update(deleted_at=utc_now())
    before = await EventRecord.filter(team_id=crew.team.id).count()
    for operation, variables in {
        "EditComment": {"input": {"id": thread["id"], "body": "No"}},
        "DeleteComment": {"id": thread["id"]},
        "ResolveComment": {"id": thread["id"]},
        "UnresolveComment": {"id": resolved["id"]},
        "RestoreComment": {"id": deleted["id"]},
        "AddReaction": {"input": {"commentId": thread["id"], "kind": "SAD"}},
    }.items():
        assert (await told(client, operation, **variables))[0] == "Conflict", operation
    assert await EventRecord.filter(team_id=crew.team.id).count() == before


async def test_fifty_thousand_characters_are_refused(make: Factory) -> None:
    crew, version = await a_room(make)
    asked = {"versionId": gid(version), "body": "<script>" * 6250}
    assert await told(crew.viewer.client, "AddComment", input=asked) == ("Invalid", ["input", "body"])


async def test_a_drawing_too_large_to_be_sent_is_refused_before_anything_runs(make: Factory) -> None:
    crew, version = await a_room(make)
    bomb = {"version": 1, "items": [STROKE] * 20_000}  # 2 MB
    asked = {"versionId": gid(version), "body": "Hm", "drawing": bomb}
    answer = await crew.viewer.client.run("AddComment", input=asked)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"]
    assert not await Comment.exists(version_id=version.id)


async def test_edits_are_held_up_when_there_are_many(make: Factory) -> None:
    crew, version = await a_room(make)
    made = await said(crew.viewer.client, version)
    asked = [{"id": made["id"], "body": f"{number}"} for number in range(31)]
    outcomes = [(await told(crew.viewer.client, "EditComment", input=each))[0] for each in asked]
    assert (outcomes[:30], outcomes[30]) == (["Comment"] * 30, "Throttled")
