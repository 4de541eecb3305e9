"""What counts as named by an answer, where it is one to an event."""

from typing import Any
from uuid import UUID

from domain.ids import new_id
from plan import encode_id
from tests.fuzz.seen import ids_told

ABOUT, OTHER = new_id(), new_id()


def told(payload: Any, *, about: UUID = ABOUT) -> list[UUID]:
    data = payload if payload is None else {"done": payload}
    return [row_id for _, row_id in ids_told(data, {"payload": {"comment_id": str(about)}})]


def test_what_an_event_names_by_itself_is_not_read() -> None:
    assert told({"commentId": encode_id("Comment", ABOUT), "comment": None, "kind": "EDITED"}) == []
    assert told(None) == []


def test_a_row_is_read_whatever_the_event_names() -> None:
    assert told({"commentId": encode_id("Comment", ABOUT), "comment": {"id": encode_id("Comment", ABOUT)}}) == [ABOUT]
    assert told({"comment": {"answers": [{"id": encode_id("Comment", OTHER)}]}}) == [OTHER]


def test_what_the_event_does_not_name_is_read_from_somewhere() -> None:
    assert told({"commentId": encode_id("Comment", OTHER)}) == [OTHER]


def test_who_is_in_a_room_is_no_row_either() -> None:
    entry = {"userId": encode_id("User", ABOUT), "user": None}
    assert told({"count": 2, "people": [entry, {"user": {"id": encode_id("User", ABOUT)}}]}) == [ABOUT]
