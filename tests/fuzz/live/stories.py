"""What one client has been told, and what it knows by that."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from tests.factories import uuid_in

Comment = Mapping[str, Any]


class Heard(NamedTuple):
    """One event: its position, what kind of thing has happened, and to which comment."""

    position: int
    kind: str
    comment_id: str


@dataclass
class Stretch:
    """What was heard after the position `start`, without loading anew."""

    start: int
    heard: list[Heard] = field(default_factory=list)

    @property
    def last(self) -> int:
        return self.heard[-1].position if self.heard else self.start


class Story:
    """A client's state: loaded by a query, kept up to date by events, of which repeats are dropped by their ids."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []
        self.comments: dict[str, Comment] = {}
        self.known_at: dict[str, int] = {}
        """Of each comment, the position at which it was as it is here, at least."""
        self.repeats = 0
        self.faults: list[str] = []
        self.unseen: list[Heard] = []
        """What was told of a comment that could not be seen any more."""

    @property
    def last(self) -> int:
        """Whatever is above it has not been heard."""
        return self.stretches[-1].last

    def load(self, position: int, comments: Iterable[Comment]) -> None:
        """Begins anew, with the answer to a query."""
        self.stretches.append(Stretch(position))
        self.comments = {comment["id"]: comment for comment in comments}
        self.known_at = dict.fromkeys(self.comments, position)

    def hear(self, event: Heard, comment: Comment | None) -> None:
        """One more event, with the comment as it was when that was told."""
        stretch = self.stretches[-1]
        if event.position <= stretch.last:
            self._repeated(event, stretch)
            return
        stretch.heard.append(event)
        if comment is None:
            self.unseen.append(event)
        else:
            self.comments[event.comment_id] = comment
            self.known_at[event.comment_id] = event.position

    def _repeated(self, event: Heard, stretch: Stretch) -> None:
        self.repeats += 1
        if event.position > stretch.start and event not in stretch.heard:
            self.faults.append(f"{event} came after {stretch.last}, for the first time")

    def threads(self) -> list[tuple[str, list[str]]]:
        """The comments as a page shows them: threads by their place, each with its answers by their age."""
        there = [comment for comment in self.comments.values() if comment["deletedAt"] is None]
        answers: dict[str, list[Comment]] = {}
        for comment in there:
            if comment["parent"]:
                answers.setdefault(comment["parent"]["id"], []).append(comment)
        opening = [comment for comment in self.comments.values() if not comment["parent"]]
        shown = [comment for comment in opening if comment["deletedAt"] is None or comment["id"] in answers]
        return [
            (thread["id"], [answer["id"] for answer in sorted(answers.get(thread["id"], ()), key=_age)])
            for thread in sorted(shown, key=_place)
        ]


def _place(comment: Comment) -> tuple[int, UUID]:
    return comment["startMs"], uuid_in(comment["id"])


def _age(comment: Comment) -> tuple[str, UUID]:
    return comment["createdAt"], uuid_in(comment["id"])
