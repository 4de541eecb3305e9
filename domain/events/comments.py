"""What happens to comments. No event holds what was said: that can be edited, and deleted for good."""

from dataclasses import dataclass
from uuid import UUID

from domain.events.base import Event, register


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentCreated(Event):
    """Somebody commented on a version: they opened a thread, or answered the one that `parent_id` opened."""

    type = "comment.created"
    video_id: UUID
    version_id: UUID
    comment_id: UUID
    parent_id: UUID | None = None


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


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentDeleted(Event):
    """Somebody deleted a comment."""

    type = "comment.deleted"
    video_id: UUID
    version_id: UUID
    comment_id: UUID
    parent_id: UUID | None = None


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentRestored(Event):
    """Somebody brought a deleted comment back."""

    type = "comment.restored"
    video_id: UUID
    version_id: UUID
    comment_id: UUID
    parent_id: UUID | None = None


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentResolved(Event):
    """Somebody said that a thread is dealt with."""

    type = "comment.resolved"
    video_id: UUID
    version_id: UUID
    comment_id: UUID


@register
@dataclass(frozen=True, slots=True, kw_only=True)
class CommentUnresolved(Event):
    """Somebody opened a resolved thread again."""

    type = "comment.unresolved"
    video_id: UUID
    version_id: UUID
    comment_id: UUID


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
