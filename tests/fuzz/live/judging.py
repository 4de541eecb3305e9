"""What is wrong with what a client was told: the events as they lie in the table are the truth."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.fuzz.live.stories import Heard, Story

OF_ITS_THREAD = {"startMs", "endMs"}
"""An answer's place is its thread's: it moves along without an event of its own."""
OF_ROLES = {"viewerCan", "video"}
"""What changes with a role, without an event of the comment."""


def missed(story: Story, truth: Sequence[Heard], end: int) -> Iterator[str]:
    """Each event above where it began was heard once, in the order of the positions, up to `end`."""
    yield from story.faults
    for stretch in story.stretches:
        until = end if stretch is story.stretches[-1] else stretch.last
        due = [event for event in truth if stretch.start < event.position <= until]
        if stretch.heard != due:
            yield from _differences(stretch.heard, due)


def _differences(heard: Sequence[Heard], due: Sequence[Heard]) -> Iterator[str]:
    if lost := [event for event in due if event not in heard]:
        yield f"missing: {_some(lost)}"
    if more := [event for event in heard if event not in due]:
        yield f"heard, and never happened: {_some(more)}"
    if sorted(set(heard)) != [*heard]:
        yield f"out of order, or twice: {_some(heard)}"


def unseen(story: Story) -> Iterator[str]:
    """Whoever may see the room is told each event with its comment."""
    if story.unseen:
        yield f"came without a comment: {_some(story.unseen)}"


def beyond(story: Story, end: int) -> Iterator[str]:
    """Nothing was heard from the position `end` on."""
    late = [event for stretch in story.stretches for event in stretch.heard if event.position >= end]
    if late:
        yield f"heard after it was over, at {end}: {_some(late)}"


def unlike(story: Story, present: Mapping[str, Mapping[str, Any]], changed_at: int) -> Iterator[str]:
    """What it knows is what a query answers: by id; its role has changed last at the position `changed_at`."""
    for comment_id, comment in present.items():
        known = story.comments.get(comment_id)
        if known is None:
            yield f"does not know of {comment}"
            continue
        passed = (OF_ITS_THREAD if comment["parent"] else set()) | (
            OF_ROLES if story.known_at[comment_id] < changed_at else set()
        )
        for name, value in comment.items():
            if name not in passed and known[name] != value:
                yield f"takes {name} of {comment['body']!r:.40} for {known[name]!r:.80}, and it is {value!r:.80}"


def _some(events: Sequence[Heard]) -> str:
    return ", ".join(f"{position} {kind}" for position, kind, _ in events[:6]) + ("" if len(events) < 7 else ", …")
