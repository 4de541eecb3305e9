"""What people are told of: in which words, when they are mailed about it, and how one stops that."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.sealing import Keys

KEPT = timedelta(days=90)
"""How long a notification is kept once it has been read."""
MOST_PEOPLE = 100
"""Of those who are behind one notification, the latest so many are counted."""
MOST_MARKED = 100
"""Notifications that are marked as read by their ids at once."""
MOST_MAILED = 20
"""Notifications that one mail tells of; of the others it says how many they are."""
QUOTED = 200
"""Characters of a comment that a mail shows."""
QUIET = timedelta(minutes=10)
"""What happens within so long after a mail waits for the next, also for who wants to hear of it immediately."""
MORNING = time(8)
"""When a digest is mailed, where its reader is."""
_UNSUBSCRIBE = "unsubscribe"


class NotificationKind(StrEnum):
    """Why somebody is told, the more telling first: of one event nobody is told for two reasons."""

    MENTION = "mention"
    """A comment that mentions them."""
    REPLY = "reply"
    """A reply in a thread that they have said something in."""
    COMMENT = "comment"
    """A comment on a video that they have made."""


class EmailNotifications(StrEnum):
    """When somebody is mailed what is new."""

    IMMEDIATELY = "immediately"
    DAILY = "daily"
    NEVER = "never"


class Sentence(NamedTuple):
    """A message of the catalogs, and what fills its braces."""

    key: str
    params: dict[str, Any]


def sentence(kind: str, *, person: str | None, people: int, count: int, video: str) -> Sentence:
    """What a notification says. `person` is the latest of `people`, None where they are not to be named."""
    if person is None:
        return Sentence(f"notification.{kind}_unnamed", {"count": count, "video": video})
    if people > 1:
        return Sentence(f"notification.{kind}_others", {"person": person, "others": people - 1, "video": video})
    return Sentence(f"notification.{kind}", {"person": person, "count": count, "video": video})


def quote(text: str) -> str:
    """The beginning of what somebody wrote, on one line, with an ellipsis where it goes on: 200 characters at most."""
    line = " ".join(text.split())
    return line if len(line) <= QUOTED else f"{line[: QUOTED - 1].rstrip()}…"


def next_mail(how: EmailNotifications, now: datetime, *, last: datetime | None, zone: str) -> datetime | None:
    """When who has something new is mailed, given when they were mailed `last`; None for who never is."""
    match how:
        case EmailNotifications.NEVER:
            return None
        case EmailNotifications.IMMEDIATELY:
            return now if last is None else max(now, last + QUIET)
        case EmailNotifications.DAILY:
            return _next_morning(now, last, _place(zone))


def day_in(zone: str, now: datetime) -> date:
    """Which day it is there."""
    return now.astimezone(_place(zone)).date()


def time_in(zone: str, moment: datetime) -> datetime:
    """The moment as the clocks there show it."""
    return moment.astimezone(_place(zone))


def unsubscribe_token(keys: Keys, user_id: UUID) -> str:
    """What ends a person's mails about what is new, and nothing else. It does not expire: old mails have it."""
    return keys.sign(_UNSUBSCRIBE, user_id.bytes)


def unsubscribing(keys: Keys, token: str) -> UUID | None:
    """The person of whom a token is; None for what is no such token."""
    signed = keys.signed(_UNSUBSCRIBE, token)
    return UUID(bytes=signed) if signed is not None and len(signed) == len(UUID(int=0).bytes) else None


def _next_morning(now: datetime, last: datetime | None, place: ZoneInfo) -> datetime:
    """The next morning there, of a later day than that of the last mail: never two of one day.

    A day whose morning the clocks leave out has it when they have gone on; one that has it twice, the first time.
    """
    day = now.astimezone(place).date()
    if last is not None:
        day = max(day, last.astimezone(place).date() + timedelta(days=1))
    while (morning := datetime.combine(day, MORNING, place).astimezone(UTC)) <= now:
        day += timedelta(days=1)
    return morning


def _place(zone: str) -> ZoneInfo:
    """UTC for a zone of which this machine has never heard: zones come and go."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
