"""Who is looked at again when rights have changed: those concerned, at once; after a gap everybody."""

import asyncio
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest

from domain.events import EVENT_TYPES, RIGHTS
from domain.viewers import ANONYMOUS
from edge.operations import SocketOperations
from edge.rights import Rights, concerned
from live.message import Gap, Message
from models import EventRecord
from tests.waiting import until
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


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (told("t", user_id="u", member_id="m"), ("user:u",)),
        (told(user_id="u", session_id="s"), ("session:s",)),
        (told(user_id="u", api_key_id="k"), ("api_key:k",)),
        (told("t"), ("team:t",)),
        (told("t", video_id="v", comment_id="c"), ("video:v",)),
        (told(), ()),
        (told("t", user_id="u", heir_id="h"), ("user:u", "user:h")),
    ],
)
def test_an_event_concerns_the_narrowest_that_it_names(message: Message, names: tuple[str, ...]) -> None:
    assert concerned(message.body) == names


class Doubts:
    """In the place of the rooms: notes whose seats were doubted."""

    def __init__(self) -> None:
        self.raised: list[set[Any]] = []

    def doubt(self, seats: Collection[Any]) -> None:
        self.raised.append(set(seats))


def a_watch() -> tuple[Rights, Doubts]:
    doubts = Doubts()
    return Rights(doubts), doubts


class Chair:
    """A seat, as far as it can be tied."""

    def upon_leaving(self, then: Any) -> None:
        self.leave = lambda: then(self)


async def test_only_those_concerned_are_doubted() -> None:
    watch, doubts = a_watch()
    first, second = Chair(), Chair()
    watch.tie(first, ["user:1"], heard=0)
    watch.tie(second, ["user:2", "team:1"], heard=0)
    watch.hear(told("9", user_id="1"))
    watch.hear(told("1"))
    assert doubts.raised == [{first}, {second}]
    second.leave()
    watch.hear(told(user_id="2"))  # who has gone is nobody's concern
    assert doubts.raised[2:] == [set()]
    watch.hear(Gap())
    assert doubts.raised[3:] == [{first}]


async def test_who_hands_on_their_place_and_who_gets_it_are_both_concerned() -> None:
    watch, doubts = a_watch()
    giver, heir = Chair(), Chair()
    watch.tie(giver, ["user:1"], heard=0)
    watch.tie(heir, ["user:2"], heard=0)
    watch.hear(told("9", user_id="1", heir_id="2"))
    assert doubts.raised == [{giver, heir}]


async def test_what_was_told_while_the_right_was_looked_at_may_have_been_about_it() -> None:
    watch, doubts = a_watch()
    heard, chair = watch.heard, Chair()
    watch.hear(told("1"))
    watch.tie(chair, ["team:1"], heard=heard)
    assert doubts.raised == [set(), {chair}]


async def test_a_database_that_is_away_ends_no_watch(caplog: pytest.LogCaptureFixture) -> None:
    (watch, _), sessions = a_watch(), Sessions(failures=1)
    following = asyncio.create_task(watch.follow(sessions.end))
    watch.hear(told(user_id="1"))
    watch.hear(told(user_id="2"))
    watch.hear(Gap())
    await until(lambda: len(sessions.asked) == 3)
    assert sessions.asked == [("user:1",), ("user:2",), None]
    assert "sessions could not be looked at" in caplog.text
    following.cancel()
    await asyncio.wait({following})


async def test_a_session_that_ends_while_its_socket_connects_is_looked_at_again() -> None:
    (watch, _), looks = a_watch(), []

    async def caller(_connection: Any, token: str | None, **_more: Any) -> Any:
        looks.append(token)
        if len(looks) == 1:
            watch.hear(told(session_id="1"))
        return SimpleNamespace(viewer=ANONYMOUS)

    operations = SocketOperations(SimpleNamespace(caller=caller), watch, SimpleNamespace())
    with pytest.raises(Exception, match="The session has ended"):
        await operations.connect(SimpleNamespace(scope={}), {"token": "t"})
    assert looks == ["t", "t"]


def test_events_that_revoke_are_told_on_the_topic_that_every_process_listens_to() -> None:
    """Before its other topics: who loses a right by it is held before it is told to anybody."""
    for kind in EVENT_TYPES.values():
        topics = _topics(EventRecord(type=kind.type, subjects=["team:1"]))
        assert topics == ([RIGHTS, "team:1"] if kind.revokes else ["team:1"])
    assert _topics(EventRecord(type="of.tomorrow", subjects=["team:1"])) == ["team:1"]


@pytest.mark.parametrize("kind", [kind for kind in EVENT_TYPES.values() if kind.revokes], ids=lambda kind: kind.type)
def test_an_event_that_revokes_says_whom_it_concerns(kind: Any) -> None:
    fields = kind.__dataclass_fields__
    assert {"session_id", "api_key_id", "user_id", "video_id"} & fields.keys() or kind.type.startswith("team."), (
        "it would have everybody looked at again, or a whole team"
    )
