"""Reactions: what people say to a comment without words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry

import models
from domain.comments import ReactionKind
from plan import Depends, depends_on
from schema.context import Context


@strawberry.type(description="How often people have reacted to a comment in one of the ways there are.")
class ReactionCount:
    """One kind of reaction to one comment."""

    kind: ReactionKind = strawberry.field(description="In which way.")
    emoji: str = strawberry.field(description="The emoji that shows it.")
    count: int = strawberry.field(description="How many people have, at least one.")
    viewer_reacted: bool = strawberry.field(
        description="Whether you are one of them.", metadata=depends_on(Depends.PERSON)
    )


async def counted(context: Context, rows: Sequence[Any]) -> list[list[ReactionCount]]:
    """Of each comment of a level its reactions; of a deleted one none."""
    there = [row["id"] for row in rows if row["deleted_at"] is None]
    found = await models.Reaction.counted(context.reader.fetch, there, context.reader.viewer) if there else {}
    return [
        [ReactionCount(kind=kind, emoji=kind.emoji, count=n, viewer_reacted=mine) for kind, n, mine in of]
        for of in (found.get(row["id"], ()) for row in rows)
    ]


@strawberry.input(description="A reaction to a comment.")
class ReactionInput:
    """Input of `addReaction` and `removeReaction`."""

    comment_id: strawberry.ID = strawberry.field(description="The comment.")
    kind: ReactionKind = strawberry.field(description="In which way. Each of them a person can use once on a comment.")
