"""Subscriptions: what an event leads to is read by the plan, as of the time of telling."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from domain.viewers import AnyViewer
from live.message import Message
from models import Comment, CommentEdit, Job, Video
from plan import encode_id
from plan.planned import Planned
from plan.requests import Request
from schema.context import Context
from tests.plan.conftest import Asker, Desk
from tests.plan.test_fallbacks import aboom
from tests.plan.twice import errors_of, watched
from tests.plan.world import World, a_world, user
from tests.sent import sent

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHANGE = """subscription Change($id: ID!) { changed: videoChanged(id: $id) { __typename type occurredAt
    video { title team { name } versions(first: 1) { nodes { number } } } version { number } comment { body replyCount }
    job { state } actor { name } } }"""
PROGRESS = "subscription ($id: ID!) { jobProgress(id: $id) { state step percent job { id percent video { title } } } }"
"""Of a job's progress, which comes with the message, and what is stored of it."""
NOUNS = {"video": "Video", "version": "Version", "comment": "Comment", "job": "Job"}


@pytest.fixture
async def world(desk: Desk) -> World:
    return await a_world(2)


def change(world: World, **other: Any) -> Message:
    payload = {f"{noun}_id": str(world.ids[kind][0]) for noun, kind in NOUNS.items()} | other
    actor = str(world.viewer.user_id)
    return Message(
        {"type": "video.edited", "payload": payload, "actor_id": actor, "created_at": NOW.isoformat()}, 1, "e"
    )


async def told(asker: Asker, query: str, row_id: str, root: Any) -> dict[str, Any]:
    context = Context(asker.caller, asker.reader(), asker.fetch, "request-7", lambda *_: None)
    operation = asker.engine.operation(Request(query, None, {"id": row_id}))
    return sent(await asker.engine.run(operation, context, root, plain=asker.plain))


async def both(desk: Desk, viewer: AnyViewer, query: str, row_id: str, root: Any) -> tuple[dict[str, Any], Asker]:
    """What is told by the plan, which must be told plainly too."""
    asker = desk.asker(viewer)
    answer = await told(asker, query, row_id, root)
    plain = await told(desk.asker(viewer, plain=True), query, row_id, root)
    assert orjson.dumps(answer["data"]) == orjson.dumps(plain["data"])
    assert errors_of(answer) == errors_of(plain)
    return answer, asker


def video(world: World) -> str:
    return encode_id("Video", world.ids["Video"][0])


async def test_what_an_event_is_about_is_read_by_one_statement(desk, world):
    own, watch = watched(desk)
    answer, asker = await both(own, world.viewer, CHANGE, video(world), change(world))
    assert answer["data"]["changed"] == {
        "__typename": "VideoChange", "type": "video.edited", "occurredAt": "2026-01-01T00:00:00+00:00",
        "video": {"title": "Cut", "team": {"name": "Crew"}, "versions": {"nodes": [{"number": 2}]}},
        "version": {"number": 1}, "comment": {"body": "Nice", "replyCount": 2}, "job": {"state": "QUEUED"},
        "actor": {"name": "Ada"},
    }  # fmt: skip
    (text,) = asker.statements
    assert text.startswith("/* Change */ ")
    assert watch.runs["subscription", "planned"] == watch.runs["subscription", "asked"] == 1


@pytest.mark.parametrize("noun", NOUNS)
async def test_what_it_does_not_name_is_null(desk, world, noun):
    answer, _ = await both(desk, world.viewer, CHANGE, video(world), change(world, **{f"{noun}_id": None}))
    nulls = {name for name, value in answer["data"]["changed"].items() if value is None}
    assert nulls == {noun}


async def test_what_is_gone_is_null(desk, world):
    await CommentEdit.filter(comment_id=world.ids["Comment"][0]).delete()
    await Comment.filter(parent_id=world.ids["Comment"][0]).delete()
    await Comment.filter(id=world.ids["Comment"][0]).delete()
    await Job.filter(id=world.ids["Job"][0]).update(team_id=None, video_id=None, created_by_id=None)
    other = await user()
    message = change(world)
    message.body["actor_id"] = str(other.id)
    answer, asker = await both(desk, world.viewer, CHANGE, video(world), message)
    changed = answer["data"]["changed"]
    assert [changed[name] for name in ("comment", "job", "actor")] == [None] * 3
    assert changed["video"]["title"] == "Cut"
    assert "errors" not in answer
    assert asker.statements.total() == 1


async def test_what_is_told_is_todays(desk, world):
    await Video.filter(id=world.ids["Video"][0]).update(title="New")
    answer, _ = await both(desk, world.viewer, CHANGE, video(world), change(world))
    assert answer["data"]["changed"]["video"]["title"] == "New"


async def test_each_listener_is_told_what_they_may_see(desk, world):
    other = await a_world(1)
    answer, _ = await both(desk, other.viewer, CHANGE, video(world), change(world))
    changed = answer["data"]["changed"]
    assert changed["type"] == "video.edited"
    assert [changed[name] for name in (*NOUNS, "actor")] == [None] * 5


async def test_progress_comes_with_the_message_or_from_the_row(desk, world):
    job = encode_id("Job", world.ids["Job"][0])
    message = Message({"state": "running", "step": "PROBE", "percent": 7})
    for root, state in ((message, ("RUNNING", 7)), (None, ("QUEUED", 0))):
        answer, _ = await both(desk, world.viewer, PROGRESS, job, root)
        progress = answer["data"]["jobProgress"]
        assert (progress["state"], progress["percent"]) == state
        assert progress["job"] == {"id": job, "percent": 0, "video": {"title": "Cut"}}


async def test_progress_of_a_job_that_cannot_be_seen(desk, world):
    other = await a_world(1)
    answer, _ = await both(desk, other.viewer, PROGRESS, encode_id("Job", world.ids["Job"][0]), None)
    assert (answer["data"], [error["extensions"]["code"] for error in answer["errors"]]) == (None, ["NOT_FOUND"])


async def test_a_fault_of_the_plan_is_told_plainly(desk, world, monkeypatch, caplog):
    own, _ = watched(desk)
    expected = await told(own.asker(world.viewer), CHANGE, video(world), change(world))
    monkeypatch.setattr(Planned, "read", aboom)
    assert await told(own.asker(world.viewer), CHANGE, video(world), change(world)) == expected
    assert [record.getMessage() for record in caplog.records] == ["a plan failed"]


async def test_an_outage_is_told_where_something_was_to_be_read(desk, world):
    asker = desk.asker(world.viewer)

    async def away(_text: str, _values: Any) -> Any:
        raise ConnectionResetError

    asker.fetch = away
    answer = await told(asker, CHANGE, video(world), change(world))
    changed = answer["data"]["changed"]
    assert (changed["type"], changed["video"], changed["actor"]) == ("video.edited", None, None)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNAVAILABLE"}
    assert [error["path"] for error in answer["errors"]] == [["changed", name] for name in (*NOUNS, "actor")]
