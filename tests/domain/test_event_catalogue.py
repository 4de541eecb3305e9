"""Events as others are told of them: what is offered, in which shape, and that the shape is what its schema says."""

import re
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import jsonschema_rs
import orjson
import pytest
from hypothesis import given, settings

import schema.root  # noqa: F401 - declares the types
from domain.events import EVENT_TYPES, CommentCreated, Event, SessionOpened, VideoDeleted
from domain.ids import global_id, new_id
from domain.webhooks.catalogue import EVENT_KINDS, OFFERED, UNHEARD, WITHHELD, Kind, version_of
from domain.webhooks.editions import EDITION, FORMER, Former
from domain.webhooks.envelope import NOT_IN_DATA, Names, envelope
from domain.webhooks.examples import AT, NAMES, example, example_event
from domain.webhooks.schemas import schema as schema_of
from domain.webhooks.wording import WORDING, named_by, wording
from plan import decode_id, encode_id
from plan.nodes import NODES
from tests.domain.test_events import events_of
from tests.house.test_layout import ROOT, tracked

APP, API = "https://app.example", "https://api.example"
OF_THE_PRODUCT = {
    "video.created", "video.published", "video.deleted", "user.subscribed", "user.cancelled", "payment.succeeded",
    "payment.failed",
}  # fmt: skip
NOT_YET = {"Folder"}
"""Types that the envelope is ready for, and the API has not."""
every_shape = pytest.mark.parametrize(
    ("kind", "version"),
    [(kind, version) for kind in EVENT_KINDS.values() for version in kind.shapes],
    ids=lambda of: of.type if isinstance(of, Kind) else f"v{of}",
)


def told(event: Event, **more: Any) -> Any:
    about = {"event_id": new_id(), "at": AT, "edition": EDITION, "names": NAMES, "app_url": APP, "api_url": API}
    return envelope(event, **about | more)


def validator(kind: Kind, version: int, *, strict: bool = True) -> jsonschema_rs.Validator:
    made = schema_of(kind, version, api_url=API, strict=strict)
    jsonschema_rs.meta.validate(made)
    return jsonschema_rs.Draft202012Validator(made, validate_formats=True)


def test_every_event_is_offered_or_says_why_not() -> None:
    assert {*OFFERED} | WITHHELD.keys() == EVENT_TYPES.keys()
    assert not {*OFFERED} & WITHHELD.keys()
    assert len({*OFFERED}) == len(OFFERED)
    assert all(WITHHELD.values())
    assert {*OFFERED} >= OF_THE_PRODUCT
    assert {*OFFERED} >= {name for name in EVENT_TYPES if name.endswith(".failed")} - {"sign_in.failed"}


def test_what_no_webhook_can_be_there_for_is_offered_to_none() -> None:
    assert UNHEARD.items() <= WITHHELD.items()
    assert "team.created" in UNHEARD
    assert "team.deleted" in UNHEARD


def test_what_is_not_recorded_yet_is_recorded_by_nothing() -> None:
    """Whoever records one takes its mark away."""
    marked = {kind.event.__name__ for kind in EVENT_KINDS.values() if not kind.recorded}
    assert len(marked) == 5
    rooms = [path for room in ("edge", "models", "resolvers", "schema", "workers") for path in tracked(f"{room}/*.py")]
    assert len(rooms) > 100
    pattern = re.compile(rf"\b({'|'.join(marked)})\b")
    assert [path.relative_to(ROOT) for path in rooms if pattern.search(path.read_text(encoding="utf-8"))] == []
    assert all(EVENT_TYPES[name].recorded for name in WITHHELD)


def test_what_a_field_means_is_said_where_there_is_such_a_field_and_nowhere_else() -> None:
    own = {(kind.type, field.name) for kind in EVENT_KINDS.values() for field in fields(kind.event)}
    of_its_own = {f"{type_}.{name}" for type_, name in own}
    by_name = {name for type_, name in own if f"{type_}.{name}" not in WORDING}
    assert WORDING.keys() - of_its_own == by_name - NOT_IN_DATA
    assert all(words.description.endswith(".") for words in WORDING.values())


def test_every_field_that_is_an_id_names_a_type_of_the_api() -> None:
    ids = [field.name for kind in EVENT_TYPES.values() for field in fields(kind) if field.name.endswith("_id")]
    assert {named_by(name) for name in ids} <= NODES.keys()
    assert (named_by("api_key_id"), named_by("heir_id"), named_by("title"), named_by("identity")) == (
        "ApiKey", "User", None, None,
    )  # fmt: skip


def test_there_is_one_form_of_an_id() -> None:
    for name in NODES:
        for row_id in (new_id(), UUID(int=0), UUID(int=2**128 - 1)):
            assert global_id(name, row_id) == encode_id(name, row_id)


@every_shape
def test_every_field_is_described(kind: Kind, version: int) -> None:
    described = [*_properties(schema_of(kind, version, api_url=API))]
    assert len(described) >= 30
    for where, each in described:
        assert re.fullmatch(r".*[^\s.]\.", each.get("description", "")), where
        if mentioned := re.search(r"Global id of a `(\w+)`", each["description"]):
            assert mentioned[1] in NODES.keys() | NOT_YET, where
            assert each["pattern"]


def _properties(part: dict[str, Any], where: str = ""):
    for name, each in part.get("properties", {}).items():
        yield f"{where}.{name}", each
        yield from _properties(each, f"{where}.{name}")


@every_shape
def test_the_example_is_what_the_schema_says(kind: Kind, version: int) -> None:
    shown = example(kind, version, app_url=APP, api_url=API)
    validator(kind, version).validate(shown)
    assert (shown["type"], shown["version"]) == (kind.type, version)
    assert shown["links"]["schema"] == schema_of(kind, version, api_url=API)["$id"]
    assert shown == example(kind, version, app_url=APP, api_url=API)
    for name, value in shown["data"].items():
        if name.endswith("_id") and value is not None:
            assert decode_id(value)[0] == named_by(name)


@every_shape
def test_what_is_not_so_is_no_event(kind: Kind, version: int) -> None:
    strict, served = validator(kind, version), validator(kind, version, strict=False)
    shown: Any = example(kind, version, app_url=APP, api_url=API)
    wrong = [{**shown, "type": "of.tomorrow"}, {**shown, "version": version + 1}, {**shown, "timestamp": "yesterday"}]
    wrong += [{**shown, "id": "1"}, {**shown, "links": {**shown["links"], "api": "/graphql"}}]
    for name in shown:
        wrong.append({each: value for each, value in shown.items() if each != name})
    for name in shown["data"]:
        wrong.append({**shown, "data": {each: value for each, value in shown["data"].items() if each != name}})
        wrong.append({**shown, "data": {**shown["data"], name: 0.5}})
    for each in wrong:
        assert not strict.is_valid(each)
        assert not served.is_valid(each)
    for beside in ({**shown, "colour": "red"}, {**shown, "data": {**shown["data"], "colour": "red"}}):
        assert not strict.is_valid(beside)
        assert served.is_valid(beside), "receivers take fields that they do not know"


def test_a_value_that_comes_to_be_is_nothing_that_a_receiver_refuses() -> None:
    kind = EVENT_KINDS["comment.reacted"]
    shown: Any = deepcopy(example(kind, 1, app_url=APP, api_url=API))
    shown["data"]["kind"] = "shrug"
    assert not validator(kind, 1).is_valid(shown)
    assert validator(kind, 1, strict=False).is_valid(shown)


FREE = [kind for kind in EVENT_KINDS.values() if kind.type != "user.cancelled"]
"""All types but the one in which a text is a moment."""


@pytest.mark.parametrize("kind", FREE, ids=lambda kind: kind.type)
def test_whatever_an_event_may_hold_fits_the_schema_that_is_served(kind: Kind) -> None:
    served = validator(kind, kind.version, strict=False)

    @settings(deadline=None)  # a busy machine is no fault of an event
    @given(event=events_of(kind.event))
    def fits(event: Event) -> None:
        event = replace(event, team_id=event.team_id or new_id())
        for names in (NAMES, Names()):
            served.validate(orjson.loads(orjson.dumps(told(event, names=names))))

    fits()


def test_the_envelope_tells_who_where_and_when() -> None:
    team, actor, video, version, comment = (new_id() for _ in range(5))
    event = CommentCreated(
        team_id=team, actor_id=actor, video_id=video, version_id=version, comment_id=comment, parent_id=None
    )
    event_id, at = new_id(), datetime(2026, 3, 1, 1, 2, 3, 4_999, tzinfo=timezone(timedelta(hours=2)))
    shown = told(event, event_id=event_id, at=at, test=True)
    assert (shown["id"], shown["type"], shown["version"], shown["test"]) == (str(event_id), "comment.created", 1, True)
    assert shown["timestamp"] == "2026-02-28T23:02:03.004Z"
    assert shown["team"] == shown["path"]["team"] == {"id": encode_id("Team", team), "name": "Northlight Films"}
    assert shown["actor"] == {"kind": "user", "id": encode_id("User", actor), "name": "Ada Example"}
    assert shown["path"]["video"] == {"id": encode_id("Video", video), "title": "Northern Lights, cut 3"}
    assert shown["path"]["version"] == {"id": encode_id("Version", version), "number": 3}
    assert shown["path"]["folder"] is None
    assert shown["data"]["comment_id"] == encode_id("Comment", comment)
    assert shown["data"]["parent_id"] is None
    assert not NOT_IN_DATA & shown["data"].keys()
    assert shown["data"]["comment"]["body"] == "Could this shot stay a *little* longer?"
    assert shown["links"] == {
        "api": f"{API}/graphql",
        "video": f"{APP}/videos/{encode_id('Video', video)}",
        "schema": f"{API}/events/comment.created.v1.json",
    }
    assert told(event)["test"] is False


def test_what_is_gone_has_the_name_that_it_told_or_none() -> None:
    gone = VideoDeleted(team_id=new_id(), actor_id=new_id(), video_id=new_id(), title="Cut")
    shown = told(gone, names=Names())
    assert (shown["team"]["name"], shown["actor"]["name"], shown["path"]["video"]["title"]) == (None, None, "Cut")
    assert told(gone)["path"]["video"]["title"] == "Northern Lights, cut 3"
    said = CommentCreated(team_id=new_id(), actor_id=None, video_id=new_id(), version_id=new_id(), comment_id=new_id())
    shown = told(said, names=Names())
    assert shown["actor"] == {"kind": "system", "id": None, "name": None}
    assert (shown["path"]["video"]["title"], shown["path"]["version"]["number"]) == (None, None)
    assert shown["data"]["comment"] is None
    validator(EVENT_KINDS["comment.created"], 1).validate(shown)


def test_what_is_about_no_video_has_none() -> None:
    shown = example(EVENT_KINDS["team.renamed"], 1, app_url=APP, api_url=API)
    assert (shown["path"]["video"], shown["path"]["version"], shown["links"]["video"]) == (None, None, None)
    assert shown["data"] == {"name": "Northlight Films", "former_name": "Northlight"}


def test_what_is_in_no_team_or_withheld_leaves_no_house() -> None:
    with pytest.raises(ValueError, match="in no team"):
        told(VideoDeleted(team_id=None, actor_id=None, video_id=new_id(), title="Cut"))
    with pytest.raises(KeyError, match=r"session\.opened"):
        told(SessionOpened(team_id=new_id(), actor_id=None, user_id=new_id(), session_id=new_id()))


def test_an_example_can_be_put_into_a_team_that_there_is() -> None:
    team, actor = new_id(), new_id()
    event = example_event(EVENT_KINDS["payment.failed"], team_id=team, actor_id=actor)
    assert (event.team_id, event.actor_id, event.payload()["amount"]) == (team, actor, 1900)
    one, other = (example_event(EVENT_KINDS["video.edited"]) for _ in range(2))
    one.changed.clear()
    assert other.changed == ["title"]


def test_every_type_is_at_its_newest_in_the_newest_edition() -> None:
    for name, kind in EVENT_KINDS.items():
        assert version_of(name, EDITION) == kind.version
        assert [*kind.shapes] == sorted({*kind.shapes})
        assert all(former.event.type == name and former.until < EDITION for former in kind.former)
        assert [former.until for former in kind.former] == sorted({former.until for former in kind.former})
        oldest = kind.former[0].event if kind.former else kind.event
        assert version_of(name, 1) == oldest.version
    assert FORMER.keys() <= {*OFFERED}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlateClapped1(Event):
    """A slate was clapped."""

    type = "slate.clapped"
    video_id: UUID
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlateClapped2(Event):
    """A slate was clapped for a scene."""

    type = "slate.clapped"
    version = 2
    video_id: UUID
    scene: int
    take: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlateClapped3(Event):
    """A slate was clapped for a take."""

    type = "slate.clapped"
    version = 3
    video_id: UUID
    scene: int
    take: int


@pytest.fixture
def clapped(monkeypatch: pytest.MonkeyPatch) -> Kind:
    """A type that has changed with editions 2 and 4."""
    monkeypatch.setitem(EVENT_TYPES, "slate.clapped", SlateClapped3)

    def first(payload: dict[str, Any]) -> dict[str, Any]:
        return {"video_id": payload["video_id"], "label": f"{payload['scene']}{payload['take']}"}

    former = [
        Former(SlateClapped1, until=1, downgrade=first),
        Former(SlateClapped2, until=3, downgrade=lambda payload: {**payload, "take": chr(64 + payload["take"])}),
    ]
    kind = Kind(SlateClapped3, former)
    monkeypatch.setitem(EVENT_KINDS, "slate.clapped", kind)
    for field, value in {"label": "12B", "scene": 12, "take": 2}.items():
        monkeypatch.setitem(WORDING, field, wording("video.deleted", "title")._replace(example=value))
    return kind


@pytest.mark.parametrize(
    ("edition", "version", "data"),
    [
        (1, 1, {"label": "12B"}),
        (2, 2, {"scene": 12, "take": "B"}),
        (3, 2, {"scene": 12, "take": "B"}),
        (4, 3, {"scene": 12, "take": 2}),
        (5, 3, {"scene": 12, "take": 2}),
    ],
)
def test_an_endpoint_is_told_what_it_was_made_with(clapped: Kind, edition: int, version: int, data: Any) -> None:
    video = new_id()
    event = SlateClapped3(team_id=new_id(), actor_id=None, video_id=video, scene=12, take=2)
    shown = told(event, edition=edition)
    assert version_of("slate.clapped", edition) == shown["version"] == version
    assert shown["data"] == {"video_id": encode_id("Video", video), **data}
    assert shown["links"]["schema"] == f"{API}/events/slate.clapped.v{version}.json"
    validator(clapped, version).validate(shown)
    validator(clapped, version).validate(example(clapped, version, app_url=APP, api_url=API))
    for other in {1, 2, 3} - {version}:
        assert not validator(clapped, other, strict=False).is_valid(shown)
    assert event.payload() == {"video_id": str(video), "scene": 12, "take": 2}


def test_each_version_is_described_as_it_was(clapped: Kind) -> None:
    titles = [schema_of(clapped, version, api_url=API)["description"] for version in clapped.shapes]
    assert titles == ["A slate was clapped.", "A slate was clapped for a scene.", "A slate was clapped for a take."]
