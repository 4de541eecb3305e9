"""Comments over the wire: threads on a version, who may write them, and who hears of it."""

import asyncio
import json
from typing import Any

import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.viewers import Viewer
from local.client import Client, document
from models import Comment, EventRecord, Version, Video
from models.database import raw_connection, transaction
from plan import encode_id
from tests.factories import Crew, Factory, gid, uuid_in
from tests.waiting import until

ROOM = """query ($version: ID!, $first: Int, $after: String) {
  version(id: $version) {
    threadCount
    comments(first: $first, after: $after) {
      totalCount nodes { body startMs replyCount replies { totalCount nodes { body } } } pageInfo { endCursor }
    }
    video { commentCount comments { nodes { body parent { body } } } }
  }
}"""
SOMEBODY_WAITS_FOR_US = "SELECT EXISTS (SELECT FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))"


async def a_version(make: Factory, crew: Crew | None = None, **values: Any) -> tuple[Crew, Version]:
    crew = crew or await make.crew()
    return crew, await make.version(await make.video(crew), **values)


async def problem(asking: Client, version: Version, **values: Any) -> tuple[str, list[str] | None]:
    """What a client is told by `addComment`: the kind of problem, and which part of the input is at fault."""
    answer = await asking.run("AddComment", input={"versionId": gid(version), "body": "Hm", **values})
    assert "errors" not in answer, answer
    told = answer["data"]["addComment"]
    return told["__typename"], told.get("path")


async def test_a_viewer_opens_a_thread_and_an_editor_answers(make: Factory) -> None:
    crew, version = await a_version(make)
    viewer, editor = crew.viewer.client, crew.editor.client
    opened = await viewer.do(
        "AddComment", input={"versionId": gid(version), "body": "  Too dark.\nHere, too. ", "startMs": 1500}
    )
    assert (opened["body"], opened["startMs"], opened["replyCount"]) == ("Too dark.\nHere, too.", 1500, 0)
    assert (opened["author"]["id"], opened["parent"]) == (crew.viewer.id, None)
    assert (opened["version"]["id"], opened["video"]["id"]) == (gid(version), encode_id("Video", version.video_id))

    answered = await editor.do(
        "AddComment", input={"versionId": gid(version), "body": "Brighter now", "parentId": opened["id"]}
    )
    assert (answered["parent"]["id"], answered["startMs"]) == (opened["id"], 1500)
    seen = await viewer.do("Comment", id=opened["id"])
    assert (seen["replyCount"], seen["replies"]["nodes"][0]["id"]) == (1, answered["id"])
    assert seen["createdAt"] <= answered["createdAt"]


async def test_an_answer_to_an_answer_joins_its_thread(make: Factory) -> None:
    crew, version = await a_version(make)
    thread = await make.comment(version, start_ms=700)
    answer = await make.comment(version, parent=thread)
    for more in ({}, {"startMs": 700}):
        asked = {"versionId": gid(version), "body": "And more", "parentId": gid(answer), **more}
        joined = await crew.viewer.client.do("AddComment", input=asked)
        assert (joined["parent"]["id"], joined["startMs"]) == (gid(thread), 700)
    assert await Comment.filter(parent_id=answer.id).count() == 0


async def test_a_room_shows_threads_by_their_moment_and_answers_by_their_age(make: Factory) -> None:
    crew, version = await a_version(make)
    late, early = [await make.comment(version, body=f"At {moment}", start_ms=moment) for moment in (900, 100)]
    for body in ("One", "Two"):
        await make.comment(version, parent=late, body=body)
    elsewhere = await make.version(await Video.get(id=version.video_id))
    await make.comment(elsewhere, body="Elsewhere")
    room = (await crew.viewer.client.ask(ROOM, None, {"version": gid(version)}))["data"]["version"]
    answers = {"totalCount": 2, "nodes": [{"body": "One"}, {"body": "Two"}]}
    nobody = {"totalCount": 0, "nodes": []}
    assert room["comments"]["nodes"] == [
        {"body": early.body, "startMs": 100, "replyCount": 0, "replies": nobody},
        {"body": late.body, "startMs": 900, "replyCount": 2, "replies": answers},
    ]
    assert (room["threadCount"], room["comments"]["totalCount"], room["video"]["commentCount"]) == (2, 2, 5)
    assert room["video"]["comments"]["nodes"] == [
        {"body": "Elsewhere", "parent": None},
        {"body": "Two", "parent": {"body": "At 900"}},
        {"body": "One", "parent": {"body": "At 900"}},
        {"body": "At 100", "parent": None},
        {"body": "At 900", "parent": None},
    ]


async def test_a_room_pages_through_its_threads_alone(make: Factory) -> None:
    crew, version = await a_version(make)
    for index in range(3):
        thread = await make.comment(version, body=f"{index}", start_ms=5)
        await make.comment(version, parent=thread)
    met, after = list[str](), None
    while len(met) < 3:
        variables = {"versionId": gid(version), "first": 1, "after": after}
        page = (await crew.viewer.client.do("ReviewRoom", **variables))["comments"]
        met += [node["body"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["hasNextPage"] is (len(met) < 3)
    assert met == ["0", "1", "2"], "what is said of the same moment stands in the order in which it was said"


async def test_whoever_watches_the_video_hears_of_a_comment(make: Factory) -> None:
    crew, version = await a_version(make)
    video = encode_id("Video", version.video_id)
    position = (await crew.owner.client.run("Video", id=video))["extensions"]["position"]
    async with crew.owner.client.follow("VideoChanged", id=video, after=position) as events:
        said = await crew.viewer.client.do("AddComment", input={"versionId": gid(version), "body": "Nice"})
        asked = {"versionId": gid(version), "body": "Thanks", "parentId": said["id"]}
        answered = await crew.editor.client.do("AddComment", input=asked)
        first, second = [await asyncio.wait_for(anext(events), 10) for _ in range(2)]
    heard = first["data"]["videoChanged"]
    assert (heard["type"], heard["actor"]["id"]) == ("comment.created", crew.viewer.id)
    assert (heard["comment"]["id"], heard["comment"]["body"]) == (said["id"], "Nice")
    assert (heard["version"]["id"], heard["video"]["id"]) == (gid(version), video)
    heard = second["data"]["videoChanged"]["comment"]
    assert (heard["id"], heard["parent"]["id"]) == (answered["id"], said["id"])
    assert second["extensions"]["eventId"] > first["extensions"]["eventId"] > position


async def test_the_event_is_recorded_with_the_comment(make: Factory) -> None:
    crew, version = await a_version(make)
    thread = await make.comment(version)
    asked = {"versionId": gid(version), "body": "Yes", "parentId": gid(thread)}
    made = await crew.viewer.client.do("AddComment", input=asked)
    event = await EventRecord.get(type="comment.created", team_id=crew.team.id)
    assert event.actor_id == crew.viewer.user.id
    assert event.payload == {
        "video_id": str(version.video_id),
        "version_id": str(version.id),
        "comment_id": str(uuid_in(made["id"])),
        "parent_id": str(thread.id),
        "visibility": "open",
    }


@pytest.mark.parametrize(
    "values",
    [
        {"body": ""},
        {"body": " \n\t\u2003"},
        {"body": "x" * 5001},
        {"body": "a\0b"},
        {"startMs": -1},
        {"startMs": 2001},
        {"startMs": 2**53 - 1},
        {"parentId": "nonsense"},
    ],
    ids=lambda values: str(values)[:40],
)
async def test_what_makes_no_comment_is_told_by_its_part(make: Factory, values: dict[str, Any]) -> None:
    crew, version = await a_version(make, duration_ms=2000)
    assert await problem(crew.viewer.client, version, **values) == ("Invalid", ["input", *values])
    assert not await Comment.exists(version_id=version.id)
    assert not await EventRecord.exists(type="comment.created", team_id=crew.team.id)


async def test_half_a_character_is_refused_before_anything_runs(make: Factory) -> None:
    crew, version = await a_version(make)
    client, about = crew.viewer.client, gid(version)
    written = f'mutation {{ addComment(input: {{versionId: "{about}", body: "BODY"}}) {{ __typename }} }}'
    given = {"query": document("AddComment"), "variables": {"input": {"versionId": about, "body": "a\ud800b"}}}
    headers = {**client.headers(), "Content-Type": "application/json"}
    for asked, told in (
        ({"query": written.replace("BODY", "a\\ud800b")}, "Invalid Unicode escape sequence"),
        (given, "no low surrogate"),
    ):
        sent = json.dumps(asked)  # in ASCII: it can hold what UTF-8 cannot
        answer = (await client.http.post(f"{client.url}/graphql", content=sent, headers=headers)).json()
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "BAD_REQUEST"
        assert told in error["message"]
    assert not await Comment.exists(version_id=version.id)


@pytest.mark.parametrize(
    "values", [{"body": "x" * 5000}, {"startMs": 0}, {"startMs": 2000}, {"startMs": None}, {"parentId": None}], ids=str
)
async def test_what_is_just_within_bounds_is_taken(make: Factory, values: dict[str, Any]) -> None:
    crew, version = await a_version(make, duration_ms=2000)
    assert await problem(crew.viewer.client, version, **values) == ("Comment", None)
    made = await Comment.get(version_id=version.id)
    assert (made.start_ms, made.parent_id) == (values.get("startMs") or 0, None)


async def test_a_moment_that_no_number_holds_is_refused_before_anything_runs(make: Factory) -> None:
    crew, version = await a_version(make)
    for moment in (2**53, 2**70, 1.5, "0", True):
        asked = {"versionId": gid(version), "body": "Hm", "startMs": moment}
        answer = await crew.viewer.client.run("AddComment", input=asked)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"], moment
    assert not await Comment.exists(version_id=version.id)


async def test_an_answer_stands_where_its_thread_stands(make: Factory) -> None:
    crew, version = await a_version(make)
    thread = await make.comment(version, start_ms=700)
    client = crew.viewer.client
    assert await problem(client, version, parentId=gid(thread), startMs=701) == ("Invalid", ["input", "startMs"])
    assert await problem(client, version, parentId=gid(thread), startMs=0) == ("Invalid", ["input", "startMs"])


async def test_only_a_comment_on_the_same_version_can_be_answered(make: Factory) -> None:
    crew, version = await a_version(make)
    client = crew.viewer.client
    _, elsewhere = await a_version(make, crew)
    next_one = await make.version(await Video.get(id=version.video_id))
    for other in (elsewhere, next_one):
        parent = gid(await make.comment(other))
        assert await problem(client, version, parentId=parent) == ("Invalid", ["input", "parentId"])
    assert (await problem(client, version, parentId=gid(version)))[0] == "NotFound"


async def test_a_comment_of_another_team_might_as_well_not_exist(make: Factory) -> None:
    crew, version = await a_version(make)
    _, theirs = await a_version(make)
    parent = gid(await make.comment(theirs))
    nowhere = encode_id("Comment", new_id())
    client = crew.owner.client
    assert await problem(client, version, parentId=parent) == await problem(client, version, parentId=nowhere)
    assert (await problem(client, version, parentId=parent))[0] == "NotFound"
    assert (await problem(client, theirs, parentId=parent))[0] == "NotFound"
    assert (await problem(client, theirs))[0] == "NotFound"
    assert await client.do("Comment", id=parent) is None
    assert await Comment.filter(version_id__in=[version.id, theirs.id]).count() == 1


async def test_whoever_is_not_signed_in_says_nothing(make: Factory) -> None:
    _, version = await a_version(make)
    assert (await problem(make.client(), version))[0] == "Unauthenticated"


async def test_every_member_may_comment(make: Factory) -> None:
    crew, version = await a_version(make)
    for person in crew.everybody().values():
        made = await person.client.do("AddComment", input={"versionId": gid(version), "body": "Me, too"})
        assert made["author"]["id"] == person.id


async def test_answers_at_once_are_all_kept_and_told(make: Factory) -> None:
    crew, version = await a_version(make)
    thread = await make.comment(version)
    clients = [person.client for person in crew.everybody().values()] * 5
    asked = {"versionId": gid(version), "parentId": gid(thread)}
    made = await asyncio.gather(
        *(client.do("AddComment", input={**asked, "body": f"{i}"}) for i, client in enumerate(clients))
    )
    seen = await crew.viewer.client.do("Comment", id=gid(thread))
    assert seen["replyCount"] == len(clients)
    assert {reply["id"] for reply in seen["replies"]["nodes"]} == {one["id"] for one in made}
    moments = [reply["createdAt"] for reply in seen["replies"]["nodes"]]
    assert moments == sorted(moments)
    assert await EventRecord.filter(type="comment.created", team_id=crew.team.id).count() == len(clients)


async def test_nobody_waits_for_another_who_comments_at_the_same_time(make: Factory) -> None:
    crew, version = await a_version(make)
    async with transaction():
        await make.comment(version)  # holds whatever a comment holds, until it is committed
        assert await problem(crew.viewer.client, version) == ("Comment", None)


async def test_a_video_in_the_trash_takes_no_comment(make: Factory) -> None:
    crew, version = await a_version(make)
    await Video.filter(id=version.video_id).update(deleted_at=utc_now())
    assert (await problem(crew.viewer.client, version))[0] == "Conflict"
    assert not await Comment.exists(version_id=version.id)


async def test_a_video_that_goes_to_the_trash_just_now_takes_none_either(make: Factory) -> None:
    crew, version = await a_version(make)
    async with transaction():
        video = await Video.lock(version.video_id, Viewer(crew.owner.user.id, new_id()))
        video.delete_softly(utc_now())
        await video.save()
        asked = asyncio.create_task(problem(crew.viewer.client, version))
        await until(somebody_waits_for_us)
    assert (await asked)[0] == "Conflict"
    assert not await Comment.exists(version_id=version.id)


async def somebody_waits_for_us() -> bool:
    async with raw_connection() as connection:
        return bool(await connection.fetchval(SOMEBODY_WAITS_FOR_US))
