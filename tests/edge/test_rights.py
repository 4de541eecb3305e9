"""Who is looked at again when rights have changed: those concerned, at once; after a gap everybody, a few at a time."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from types import SimpleNamespace
from typing import Any

import pytest

from domain.events import EVENT_TYPES, RIGHTS
from domain.viewers import ANONYMOUS
from edge import rights
from edge.operations import SocketOperations, Subscription
from edge.rights import Rights, concerned
from live.message import Gap, Message
from models import EventRecord
from workers.consumers import _topics


def told(team_id: str | None = None, **payload: str) -> Message:
    return Message({"type": "some.thing", "team_id": team_id, "payload": payload}, 1, "id")


class Sessions:
    """Notes whose sessions were to be ended."""

    def __init__(self, failures: int = 0) -> None:
        self.asked: list[Collection[str] | None] = []
        self.failures = failures

    async def end(self, names: Collection[str] | None) -> None:
        self.asked.append(names)
        if len(self.asked) <= self.failures:
            raise OSError("the database is away")


async def stream(*messages: Message | Gap) -> AsyncIterator[Message | Gap]:
    for message in messages:
        yield message


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (told("t", user_id="u", member_id="m"), "user:u"),
        (told(user_id="u", session_id="s"), "session:s"),
        (told(user_id="u", api_key_id="k"), "api_key:k"),
        (told("t"), "team:t"),
        (told("t", video_id="v"), "team:t"),
        (told(), None),
    ],
)
def test_an_event_concerns_the_narrowest_that_it_names(message: Message, name: str | None) -> None:
    assert concerned(message.body) == name


async def test_only_those_concerned_are_doubted() -> None:
    watch, sessions = Rights(), Sessions()
    with watch.doubting("user:1") as first, watch.doubting("user:2") as second:
        watch.tie(second, "team:1", heard=0)
        await watch.follow(stream(told("9", user_id="1")), sessions.end)
        assert (first.raised.done(), second.raised.done()) == (True, False)
        first.settle()
        await watch.follow(stream(told("1")), sessions.end)
        assert (first.raised.done(), second.raised.done()) == (False, True)
    assert sessions.asked == [("user:1",), ("team:1",)]
    await watch.follow(stream(told(user_id="2")), sessions.end)  # who has gone is nobody's concern


async def test_what_was_told_while_the_team_was_found_out_may_have_been_about_it() -> None:
    watch = Rights()
    with watch.doubting("user:1") as doubt:
        heard = watch.heard
        await watch.follow(stream(told("1")), Sessions().end)
        assert not doubt.raised.done()
        watch.tie(doubt, "team:1", heard=heard)
        assert doubt.raised.done()


async def test_a_database_that_is_away_ends_no_watch(caplog: pytest.LogCaptureFixture) -> None:
    watch, sessions = Rights(), Sessions(failures=1)
    with watch.doubting("user:2") as doubt:
        await watch.follow(stream(told(user_id="1"), told(user_id="2")), sessions.end)
        assert doubt.raised.done()
    assert "sessions could not be looked at" in caplog.text


async def test_after_a_gap_everybody_is_doubted_but_not_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = 0
    turn = asyncio.Event()

    async def pause(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        await turn.wait()

    monkeypatch.setattr(rights.asyncio, "sleep", pause)
    watch, sessions = Rights(), Sessions()
    spans = [watch.doubting(f"user:{number}") for number in range(120)]
    doubts = [span.__enter__() for span in spans]
    await watch.follow(stream(Gap()), sessions.end)
    assert sessions.asked == [None]
    for _ in range(2):
        await asyncio.wait({asyncio.ensure_future(turn.wait())}, timeout=0.01)
    assert sum(doubt.raised.done() for doubt in doubts) == rights.LOOKS
    turn.set()
    await asyncio.wait({watch._everybody})
    assert all(doubt.raised.done() for doubt in doubts)
    assert pauses == 3
    for span in spans:
        span.__exit__(None, None, None)


async def test_a_session_that_ends_while_its_socket_connects_is_looked_at_again() -> None:
    watch, looks = Rights(), []

    async def caller(_connection: Any, token: str | None, **_more: Any) -> Any:
        looks.append(token)
        if len(looks) == 1:
            await watch.follow(stream(told(session_id="1")), Sessions().end)
        return SimpleNamespace(viewer=ANONYMOUS)

    operations = SocketOperations(SimpleNamespace(caller=caller), watch)
    with pytest.raises(Exception, match="The session has ended"):
        await operations.connect(SimpleNamespace(scope={}), {"token": "t"})
    assert looks == ["t", "t"]


def test_events_that_revoke_are_told_on_the_topic_that_every_process_listens_to() -> None:
    for kind in EVENT_TYPES.values():
        assert (RIGHTS in _topics(EventRecord(type=kind.type, subjects=["team:1"]))) is kind.revokes
    assert _topics(EventRecord(type="of.tomorrow", subjects=["team:1"])) == ["team:1"]


@pytest.mark.parametrize("kind", [kind for kind in EVENT_TYPES.values() if kind.revokes], ids=lambda kind: kind.type)
def test_an_event_that_revokes_says_whom_it_concerns(kind: Any) -> None:
    fields = kind.__dataclass_fields__
    assert {"session_id", "api_key_id", "user_id"} & fields.keys() or kind.type.startswith("team."), (
        "it would have everybody looked at again, or a whole team"
    )


@pytest.mark.parametrize(
    ("connected", "seconds", "silent", "overdue"),
    [
        (True, 4, True, False),
        (True, 29, True, False),
        (True, 31, True, True),
        (True, 31, False, True),
        (False, 4, False, False),
        (False, 6, False, True),
        (False, 5, True, True),
    ],
)
def test_without_a_doubt_it_is_looked_again_often_only_while_nothing_is_told(
    connected: bool, seconds: float, silent: bool, overdue: bool
) -> None:
    running = Subscription.__new__(Subscription)
    running._services = SimpleNamespace(hub=SimpleNamespace(connected=connected))
    running._checked = time.monotonic() - seconds
    assert running._is_overdue(silent=silent) is overdue
