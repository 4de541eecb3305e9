"""An example of each type and version of event, in the exact shape of real ones, of a team that never was."""

from copy import deepcopy
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from domain.events import Event
from domain.webhooks.catalogue import Kind
from domain.webhooks.envelope import NOT_IN_DATA, CommentSnapshot, Names, in_version
from domain.webhooks.shapes import Envelope
from domain.webhooks.wording import EXAMPLE, wording


def made_up_id(field: str) -> UUID:
    """Always the same for a field, and nothing's."""
    return uuid5(NAMESPACE_URL, f"example:{field}")


AT = datetime(2026, 1, 15, 9, 30, 0, 250_000, tzinfo=UTC)
NAMES = Names(
    team="Northlight Films",
    actor="Ada Example",
    video="Northern Lights, cut 3",
    version=3,
    comment=CommentSnapshot(
        id=made_up_id("comment_id"),
        body="Could this shot stay a *little* longer?",
        start_ms=12_480,
        end_ms=15_000,
        timecode="00:00:12:12",
        resolved=False,
        author_id=made_up_id("actor_id"),
        author_name="Ada Example",
    ),
)


def example_event(kind: Kind, *, team_id: UUID | None = None, actor_id: UUID | None = None) -> Event:
    """One of the type, of today's version; in a team that never was, by nobody there is, unless they are given."""
    own = [field.name for field in fields(kind.event) if field.name not in NOT_IN_DATA]
    return kind.event(
        team_id=team_id or made_up_id("team_id"),
        actor_id=actor_id or made_up_id("actor_id"),
        **{name: _value(kind.type, name) for name in own},
    )


def example(kind: Kind, version: int, *, app_url: str, api_url: str) -> Envelope:
    """What an endpoint would be told of it."""
    event_id = made_up_id(kind.type)
    return in_version(
        kind, version, example_event(kind), event_id=event_id, at=AT, names=NAMES, app_url=app_url, api_url=api_url
    )


def _value(type_: str, field: str) -> Any:
    value = wording(type_, field).example
    return made_up_id(field) if value == EXAMPLE else deepcopy(value)
