"""Presence: as whom somebody is in a room, if at all."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from domain.ids import new_id
from live.presence import Presence
from resolvers.presence import attend


@pytest.mark.parametrize(("watch_only", "api_key_id"), [(True, None), (False, new_id())])
def test_who_only_looks_on_is_not_there_and_has_the_room_asked_for(watch_only: bool, api_key_id: Any) -> None:
    presence = Presence(Redis.from_url("redis://127.0.0.1:1"), "alone")
    person = new_id()
    caller = SimpleNamespace(presence=presence, api_key_id=api_key_id, viewer=SimpleNamespace(user_id=person))
    video_id = new_id()
    with attend(cast("Any", caller), video_id=video_id, watch_only=watch_only):
        assert len(presence) == 1
        assert not presence.is_here(f"presence:{video_id}", str(person))
