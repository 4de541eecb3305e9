"""An event as others are told of it.

Events hold ids and no text of people; what a receiver wants to read is looked up when the envelope is made (`Names`),
and is as of then, whenever it is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from domain.events import Event
from domain.ids import global_id
from domain.links import page_of_video
from domain.webhooks.catalogue import EVENT_KINDS, Kind
from domain.webhooks.editions import Shape
from domain.webhooks.shapes import Actor, Comment, Envelope, Links, Path, Team, Version, Video
from domain.webhooks.wording import named_by

NOT_IN_DATA = frozenset({"team_id", "actor_id"})
"""Fields of every event, which the envelope tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentSnapshot:
    """A comment as it is when it is told of; in milliseconds from its version's beginning."""

    id: UUID
    body: str
    start_ms: int
    end_ms: int | None
    timecode: str | None
    resolved: bool
    author_id: UUID
    author_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What has been looked up about an event's subjects; None for what it has none of, or what is gone by now."""

    team: str | None = None
    actor: str | None = None
    video: str | None = None
    """The video's title."""
    version: int | None = None
    """The version's number."""
    comment: CommentSnapshot | None = None


def envelope(
    event: Event,
    *,
    event_id: UUID,
    at: datetime,
    edition: int,
    names: Names,
    app_url: str,
    api_url: str,
    test: bool = False,
) -> Envelope:
    """The event as an endpoint of that edition is told of it, ready for JSON.

    `app_url` and `api_url` are where people and programs use the product, without a slash at the end. KeyError for what
    is not offered, ValueError for what is in no team.
    """
    kind = EVENT_KINDS[event.type]
    version = kind.version_of(edition)
    return in_version(
        kind, version, event, event_id=event_id, at=at, names=names, app_url=app_url, api_url=api_url, test=test
    )


def in_version(
    kind: Kind,
    version: int,
    event: Event,
    *,
    event_id: UUID,
    at: datetime,
    names: Names,
    app_url: str,
    api_url: str,
    test: bool = False,
) -> Envelope:
    """The same in a version of one's choice."""
    payload = event.payload()
    video_id = _named(payload, "video_id")
    path = _path(event, payload, names)
    return Envelope(
        id=str(event_id),
        type=event.type,
        version=version,
        timestamp=moment(at),
        test=test,
        team=path["team"],
        actor=_actor(event, names),
        path=path,
        data=_data(kind, version, payload, names),
        links=Links(
            api=f"{api_url}/graphql",
            video=page_of_video(app_url, video_id) if video_id else None,
            schema=schema_address(api_url, event.type, version),
        ),
    )


def schema_address(api_url: str, type_: str, version: int) -> str:
    """Where the schema of a version lies, for good."""
    return f"{api_url}/events/{type_}.v{version}.json"


def moment(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: `2026-01-15T09:30:00.250Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _path(event: Event, payload: Mapping[str, Any], names: Names) -> Path:
    if event.team_id is None:
        raise ValueError(f"{event.type} has happened in no team")
    video_id, version_id = _named(payload, "video_id"), _named(payload, "version_id")
    # What is gone may have told its name when it went.
    title, number = payload.get("title"), payload.get("number")
    return Path(
        team=Team(id=global_id("Team", event.team_id), name=names.team),
        folder=None,
        video=Video(id=global_id("Video", video_id), title=names.video or title) if video_id else None,
        version=Version(id=global_id("Version", version_id), number=names.version or number) if version_id else None,
    )


def _actor(event: Event, names: Names) -> Actor:
    if event.actor_id is None:
        return Actor(kind="system", id=None, name=None)
    return Actor(kind="user", id=global_id("User", event.actor_id), name=names.actor)


def _data(kind: Kind, version: int, payload: dict[str, Any], names: Names) -> dict[str, Any]:
    shape: Any = kind.shapes[version]
    payload = kind.downgraded(payload, version)
    data = {name: _outside(of, payload[name]) for name, of in _own(shape)}
    return {**data, "comment": _comment(names.comment)} if "comment_id" in data else data


@cache
def _own(shape: Any) -> tuple[tuple[str, str | None], ...]:
    names = [field.name for field in fields(shape) if field.name not in NOT_IN_DATA]
    return tuple((name, named_by(name)) for name in names)


def tells_comment(shape: Shape) -> bool:
    """Whether what an event of the kind is about is a comment: then it is told what that says."""
    return any(field.name == "comment_id" for field in fields(shape))


def _outside(of: str | None, value: Any) -> Any:
    return global_id(of, UUID(value)) if of and value is not None else value


def _comment(found: CommentSnapshot | None) -> Comment | None:
    if found is None:
        return None
    return Comment(
        id=global_id("Comment", found.id),
        body=found.body,
        start_ms=found.start_ms,
        end_ms=found.end_ms,
        timecode=found.timecode,
        resolved=found.resolved,
        author={"id": global_id("User", found.author_id), "name": found.author_name},
    )


def _named(payload: Mapping[str, Any], field: str) -> UUID | None:
    value = payload.get(field)
    return UUID(value) if value else None
