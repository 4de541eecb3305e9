"""Facts that happened, recorded in the transaction of the change itself.

An event is a frozen dataclass with a `type` and a `version`; its fields are its payload. Every field named `<noun>_id`
is a subject: who watches `video:<id>` hears of each event with that `video_id`.
"""

from copy import deepcopy
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

E = TypeVar("E", bound="Event")

EVENT_TYPES: dict[str, type["Event"]] = {}

RIGHTS = "rights"
"""The topic on which every event that `revokes` is told besides: each API process listens to it."""
CONCERNED = ("session", "api_key", "user", "video", "team")
"""Whom an event that revokes may name, the narrowest first: it concerns the first of these that it names. Of a video
those who follow what may be hidden alone, such as a job: see `Following`."""
BESIDES = {"user": ("heir_id",)}
"""What else of the kind it may name: it concerns these, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has. `team_id` is None for the few that happen before there is a team."""

    type: ClassVar[str]
    version: ClassVar[int] = 1
    revokes: ClassVar[bool] = False
    """Whether somebody may have lost a right by it, or have another: every API process then looks again at them."""
    recorded: ClassVar[bool] = True
    """Whether anything records it by now. What is promised to others is declared before there is what records it."""

    team_id: UUID | None
    actor_id: UUID | None

    def subjects(self) -> list[str]:
        """What the event is about, as `noun:id`, the team included, the actor not."""
        named = [(noun, getattr(self, name)) for name, noun in _nouns(self.type)]
        return [f"{noun}:{value}" for noun, value in named if isinstance(value, UUID)]

    def payload(self) -> dict[str, Any]:
        """The event's own fields, ready for JSON."""
        return {name: _for_json(getattr(self, name)) for name in _own(self.type)}

    @classmethod
    def load(cls, *, team_id: UUID | None, actor_id: UUID | None, payload: dict[str, Any]) -> Self:
        """The inverse of `payload`."""
        known = {
            field.name: UUID(value) if field.name.endswith("_id") and isinstance(value, str) else value
            for field in fields(cls)
            if (value := payload.get(field.name, _ABSENT)) is not _ABSENT
        }
        return cls(team_id=team_id, actor_id=actor_id, **known)


_ABSENT = object()
_NOT_ITS_OWN = {"team_id", "actor_id"}


@cache
def _nouns(type_: str) -> tuple[tuple[str, str], ...]:
    """The fields by which events of a type may name what they are about, and the nouns of it."""
    names = [field.name for field in fields(EVENT_TYPES[type_]) if field.name != "actor_id"]
    return tuple((name, name.removesuffix("_id")) for name in names)


@cache
def _own(type_: str) -> tuple[str, ...]:
    """The fields that only events of this type have."""
    return tuple(field.name for field in fields(EVENT_TYPES[type_]) if field.name not in _NOT_ITS_OWN)


def _for_json(value: Any) -> Any:
    """The value itself or, of what could be changed, a copy."""
    if isinstance(value, UUID):
        return str(value)
    return deepcopy(value) if isinstance(value, (list, dict)) else value


def register(cls: type[E]) -> type[E]:
    """Makes an event class known by its type, so that the relay can load it."""
    if cls.type in EVENT_TYPES:
        raise TypeError(f"two events are called {cls.type}")
    EVENT_TYPES[cls.type] = cls
    return cls
