"""Rules of comments."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

BODY = 5000
"""Characters that a comment may have."""
RESTORABLE = timedelta(hours=1)
"""How long a deleted comment can be brought back. After that its words are gone for good."""


class CommentVisibility(StrEnum):
    """Who of a team may know of a thread, and of all that hangs on it."""

    OPEN = "open"
    """Whoever is in the team."""
    TEAM = "team"
    """The team itself: not its viewers, who may be clients."""


def is_kept_back(payload: Mapping[str, Any]) -> bool:
    """Whether the event with this payload is told only to those who see what is team-only."""
    return payload.get("visibility") == CommentVisibility.TEAM


class ThreadState(StrEnum):
    """Whether a thread is dealt with."""

    OPEN = "open"
    RESOLVED = "resolved"


class ReactionKind(StrEnum):
    """The ways to react to a comment without words: few, so that their counts stay few, too."""

    THUMBS_UP = "thumbs_up"
    THUMBS_DOWN = "thumbs_down"
    HEART = "heart"
    LAUGH = "laugh"
    PARTY = "party"
    SURPRISED = "surprised"
    SAD = "sad"
    EYES = "eyes"

    @property
    def emoji(self) -> str:
        """The one character that shows it."""
        return _EMOJI[self]


_EMOJI = {
    ReactionKind.THUMBS_UP: "👍",
    ReactionKind.THUMBS_DOWN: "👎",
    ReactionKind.HEART: "❤️",
    ReactionKind.LAUGH: "😂",
    ReactionKind.PARTY: "🎉",
    ReactionKind.SURPRISED: "😮",
    ReactionKind.SAD: "😢",
    ReactionKind.EYES: "👀",
}


class CommentHappening(StrEnum):
    """What can happen to a comment: the value is the type of the event that tells of it."""

    ADDED = "comment.created"
    EDITED = "comment.edited"
    DELETED = "comment.deleted"
    RESTORED = "comment.restored"
    RESOLVED = "comment.resolved"
    UNRESOLVED = "comment.unresolved"
    REACTED = "comment.reacted"
    VISIBILITY_CHANGED = "comment.visibility_changed"
