"""Which comments clients ask for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry
from tortoise.expressions import Q

import models
from domain.comments import CommentVisibility, ThreadState
from plan import ASKER, BadInput, decode_id
from plan.scalars import SafeInt
from schema import enums  # noqa: F401 - describes the states before a type names them: an enum is made once


@strawberry.input(description="Narrows comments down; what is left out or null does not narrow.")
class CommentFilter:
    """Filter of `Version.comments` and `Video.comments`."""

    state: ThreadState | None = strawberry.field(
        default=None, description="Only comments that open a thread which is open, or resolved."
    )
    visibility: CommentVisibility | None = strawberry.field(
        default=None, description="Only those that are for everybody in the team, or for the team alone."
    )
    mine: bool | None = strawberry.field(default=None, description="True: only those that you have written.")
    author_id: strawberry.ID | None = strawberry.field(default=None, description="Only those that this person wrote.")
    mentioning_me: bool | None = strawberry.field(default=None, description="True: only those that mention you.")
    from_ms: SafeInt | None = strawberry.field(
        default=None,
        description="Only those that are about this moment or a later one, or a range that lasts until it.",
    )
    to_ms: SafeInt | None = strawberry.field(
        default=None, description="Only those that are about this moment or an earlier one, or begin by then."
    )


def matching(*, mine: bool = False, mentioning_me: bool = False, author_id: str | None = None, **given: Any) -> Q:
    """The comments that a client asks for; BadInput for an author that is nobody's id."""
    found = models.Comment.matching(**given, author_id=None if author_id is None else _person(author_id))
    if mine:
        found &= models.Comment.matching(author_id=ASKER)
    return found & models.Mention.commented(ASKER) if mentioning_me else found


def opening(**given: Any) -> Q:
    """Those among them that open a thread."""
    return models.Comment.opening() & matching(**given)


def _person(global_id: str) -> UUID:
    name, row_id = decode_id(global_id)
    if name != "User":
        raise BadInput("`authorId` is the id of a User.")
    return row_id
