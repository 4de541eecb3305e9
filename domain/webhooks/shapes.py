"""The envelope, which is the same for all events. Its schema is made of what stands here.

It is written once, as a rule moments after the event, and every attempt sends the same.

Names are in snake_case, as those of the events' own fields. Every id but the event's own is the one that the API knows
a thing by: it can be asked for with `node(id:)`.
"""

from typing import Annotated, Any, Literal, NamedTuple, TypedDict


class Said(NamedTuple):
    """What a field is, beside its type: in words, and in terms of JSON Schema."""

    description: str
    more: dict[str, Any] = {}


def _id(of: str) -> Said:
    return Said(f"Global id of a `{of}`.", ID)


ID = {"pattern": "^[A-Za-z0-9_-]+$"}
"""How global ids look. They are opaque all the same."""
_ADDRESS = {"format": "uri"}


class Team(TypedDict):
    """The team that it happened in."""

    id: Annotated[str, _id("Team")]
    name: Annotated[str | None, Said("What it is called when this is written; null if it is gone.")]


class Actor(TypedDict):
    """Who did it."""

    kind: Annotated[
        Literal["user", "system"], Said("`system` if nobody with an account did it; then nothing is named.")
    ]
    id: Annotated[str | None, _id("User")]
    name: Annotated[str | None, Said("What they are called when this is written; null if they are gone.")]


class Folder(TypedDict):
    """The folder that the video is in. There are none yet: null."""

    id: Annotated[str, _id("Folder")]
    name: Annotated[str, Said("What it is called when this is written.")]


class Video(TypedDict):
    """The video that it is about, or about a part of."""

    id: Annotated[str, _id("Video")]
    title: Annotated[str | None, Said("Its title when this is written; null if it is gone.")]


class Version(TypedDict):
    """The version that it is about, or about a part of."""

    id: Annotated[str, _id("Version")]
    number: Annotated[int | None, Said("Its number; null if it is gone.")]


class Path(TypedDict):
    """Where it happened."""

    team: Team
    folder: Folder | None
    video: Video | None
    version: Version | None


class Author(TypedDict):
    """Who wrote it."""

    id: Annotated[str, _id("User")]
    name: Annotated[str | None, Said("What they are called when this is written; null if they are gone.")]


class Comment(TypedDict):
    """The comment when this is written, which may be later than what it tells of; null if it has been deleted."""

    id: Annotated[str, _id("Comment")]
    body: Annotated[str, Said("What it says, as it was written: Markdown, of which docs/review.md tells.")]
    start_ms: Annotated[int, Said("The moment that it is about: milliseconds from the version's beginning.")]
    end_ms: Annotated[int | None, Said("The end of the range that it is about; null if it is about a moment.")]
    timecode: Annotated[str | None, Said("The moment as SMPTE time code; null where the version has none.")]
    resolved: Annotated[bool, Said("Whether its thread is dealt with.")]
    author: Author


class Links(TypedDict):
    """Where to go on from here."""

    api: Annotated[str, Said("The GraphQL API, to ask for more.", _ADDRESS)]
    video: Annotated[str | None, Said("Where people see the video; null where there is none.", _ADDRESS)]
    schema: Annotated[str, Said("The JSON Schema of this event, in this version.", _ADDRESS)]


class Envelope(TypedDict):
    """An event."""

    id: Annotated[str, Said("The event's own, a UUID: whoever hears of it twice has heard of one.", {"format": "uuid"})]
    type: Annotated[str, Said("What happened.")]
    version: Annotated[int, Said("Of the type: an endpoint is told the one that was the newest when it was made.")]
    timestamp: Annotated[str, Said("When it happened, in UTC, with milliseconds.", {"format": "date-time"})]
    test: Annotated[bool, Said("Whether somebody asked for it to try their endpoint: then nothing has happened.")]
    team: Team
    actor: Actor
    path: Path
    data: dict[str, Any]
    links: Links
