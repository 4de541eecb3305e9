"""Events come back from the table as they were recorded, and name what they are about."""

import typing
from dataclasses import FrozenInstanceError, dataclass, fields
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import domain.events  # noqa: F401 - makes its events known
from domain.events import EVENT_TYPES, Event, VersionCreated, VideoCreated, register
from domain.ids import new_id

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
number = st.integers(-(2**53), 2**53)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    UUID: st.uuids(),
    UUID | None: st.none() | st.uuids(),
    str: text,
    str | None: st.none() | text,
    bool: st.booleans(),
    int: number,
    list[str]: st.lists(text, max_size=3),
    dict[str, Any]: st.dictionaries(text, text | number | st.booleans() | st.none(), max_size=3),
}
"""What each kind of field may hold: a new kind must be thought of here."""


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{field.name: VALUES[hints[field.name]] for field in fields(kind)})


def events() -> st.SearchStrategy[Event]:
    return st.one_of(map(events_of, EVENT_TYPES.values()))


@given(event=events())
def test_an_event_comes_back_from_json(event):
    stored = orjson.loads(orjson.dumps(event.payload()))
    loaded = EVENT_TYPES[event.type].load(team_id=event.team_id, actor_id=event.actor_id, payload=stored)
    assert loaded == event
    assert type(loaded) is type(event)


@given(event=events())
def test_the_payload_is_the_events_own(event):
    assert not {"team_id", "actor_id"} & event.payload().keys()
    before = orjson.dumps(event.payload())
    for value in event.payload().values():
        if isinstance(value, (list, dict)):
            value.clear()
    assert orjson.dumps(event.payload()) == before


@given(event=events())
def test_the_subjects_are_all_that_has_an_id_but_the_actor(event):
    named = {f.name: getattr(event, f.name) for f in fields(event) if f.name.endswith("_id") and f.name != "actor_id"}
    assert set(event.subjects()) == {f"{name[:-3]}:{value}" for name, value in named.items() if value is not None}


def test_the_subjects_of_a_version_are_its_team_its_video_itself_and_its_job():
    team, video, version, job = (new_id() for _ in range(4))
    about: dict[str, UUID] = {"team_id": team, "video_id": video, "version_id": version}
    made = VersionCreated(actor_id=new_id(), number=1, job_id=job, **about)
    assert made.subjects() == [f"team:{team}", f"video:{video}", f"version:{version}", f"job:{job}"]
    alone = VersionCreated(actor_id=None, number=1, team_id=None, video_id=video, version_id=version)
    assert alone.subjects() == [f"video:{video}", f"version:{version}"]


def test_fields_that_came_later_take_their_default_and_those_that_went_are_left_out():
    ids = {"video_id": str(new_id()), "version_id": str(new_id())}
    loaded = VersionCreated.load(team_id=None, actor_id=None, payload={**ids, "number": 2, "colour": "red"})
    assert (loaded.number, loaded.job_id) == (2, None)


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_an_event_is_named_noun_dot_verb(name):
    noun, verb = name.split(".")
    assert noun.isidentifier()
    assert verb.isidentifier()
    assert EVENT_TYPES[name].type == name
    assert EVENT_TYPES[name].version >= 1


def test_two_events_of_one_name_are_refused():
    with pytest.raises(TypeError, match=r"video\.created"):

        @register
        @dataclass(frozen=True, slots=True, kw_only=True)
        class Another(Event):
            type = "video.created"

    assert EVENT_TYPES["video.created"] is VideoCreated


def test_a_fact_does_not_change():
    made = VideoCreated(team_id=None, actor_id=None, video_id=new_id(), title="Cut")
    with pytest.raises(FrozenInstanceError):
        made.title = "Another"
