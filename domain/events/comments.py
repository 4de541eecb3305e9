"""What happens to comments. No event holds what was said: that can be edited, and deleted for good.

Each says by `visibility` who may hear of it: for whom the comment was when it happened.
"""

from dataclasses import dataclass
from uuid import UUID

from domain.comments import CommentVisibility
from domain.events.base import Event, register

OPEN = CommentVisibility.OPEN.value


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentCreated(Event):
    """Somebody commented on a version: they opened a thread, or answered the one that `parent_id` opened."""

    type = "comment.created"
    video_id: UUID
    version_id: UUID
    comment_id: UUID
    parent_id: UUID | None = None
    visibility: str = OPEN


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentEdited(Event):
    """Its author changed a comment; `changed` names what of it: `body`, `range`, `drawing`, `image`."""

    type = "comment.edited"
    video_id: UUID
    version_id: UUID
    comment_id: UUID
    changed: list[str]
    parent_id: UUID | None = None
    visibility: str = OPEN


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentDeleted(Event):
    """Somebody deleted a comment."""

    type = "comment.deleted"
    video_id: UUID
    version_id: UUID
    comment_id: UUID
    parent_id: UUID | None = None
    visibility: str = OPEN


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentRestored(Event):
    """Somebody brought a deleted comment back."""

    type = "comment.restored"
    video_id: UUID
    version_id: UUID
    comment_id: UUID
    parent_id: UUID | None = None
    visibility: str = OPEN


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentResolved(Event):
    """Somebody said that a thread is dealt with."""

    type = "comment.resolved"
    video_id: UUID
    version_id: UUID
    comment_id: UUID
    visibility: str = OPEN


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentUnresolved(Event):
    """Somebody opened a resolved thread again."""

    type = "comment.unresolved"
    video_id: UUID
    version_id: UUID
    comment_id: UUID
    visibility: str = OPEN


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentReacted(Event):
    """Somebody reacted to a comment in one of the ways there are, or (`added` is false) took that back."""

    type = "comment.reacted"
    video_id: UUID
    version_id: UUID
    comment_id: UUID
    kind: str
    added: bool
    parent_id: UUID | None = None
    visibility: str = OPEN


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentVisibilityChanged(Event):
    """A thread is for others than before, with all that hangs on it: `became` says for whom.

    Those hear of it, too, who may not see it any more: they know of it.
    """

    type = "comment.visibility_changed"
    revokes = True  # from who watches how an image in the thread is drawn
    video_id: UUID
    version_id: UUID
    comment_id: UUID
    became: str
