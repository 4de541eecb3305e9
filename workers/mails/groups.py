"""What a mail lists: sentences in groups, each group with a title that leads somewhere."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypedDict

from i18n import translate
from i18n.directions import Direction
from i18n.formatting import written
from workers.mails.values import harmless


@dataclass(frozen=True, slots=True)
class Line:
    """A message of the catalogs with what fills its braces, when that was (there, where the reader is), and words."""

    key: str
    params: Mapping[str, Any]
    at: datetime
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines about one thing. Title, quotes and the texts in lines are anybody's."""

    title: str
    link: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Listing:
    """What a mail lists, and how many lines it leaves out."""

    groups: Sequence[Group] = ()
    more: int = 0


class ShownLine(TypedDict):
    """A line, written."""

    text: str
    at: str
    quote: str


class ShownGroup(TypedDict):
    """A group, written."""

    title: str
    link: str
    lines: list[ShownLine]


class ShownListing(NamedTuple):
    """A listing, written."""

    groups: Sequence[ShownGroup]
    more: str | None


def shown(listing: Listing, locale: str, turn: Direction) -> ShownListing:
    """The listing in a language whose direction is `turn`, with nothing in it that could do harm."""
    more = translate(locale, "mail.more", count=listing.more) if listing.more else None
    return ShownListing([_group(each, locale, turn) for each in listing.groups], more)


def as_text(listing: ShownListing) -> Iterator[str]:
    """A paragraph for each group, and one for what is left out."""
    for group in listing.groups:
        yield "\n".join([group["title"], *(text for line in group["lines"] for text in _texts(line)), group["link"]])
    if listing.more:
        yield listing.more


def _group(group: Group, locale: str, turn: Direction) -> ShownGroup:
    lines = [_line(each, locale, turn) for each in group.lines]
    return {"title": harmless(group.title, turn), "link": group.link, "lines": lines}


def _line(line: Line, locale: str, turn: Direction) -> ShownLine:
    params = {name: harmless(value, turn) if isinstance(value, str) else value for name, value in line.params.items()}
    at = written(locale, line.at)
    return {"text": translate(locale, line.key, **params), "at": at, "quote": harmless(line.quote, turn)}


def _texts(line: ShownLine) -> Iterator[str]:
    yield f"* {line['text']} {line['at']}"
    if line["quote"]:
        yield f"  > {line['quote']}"
