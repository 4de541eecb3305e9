"""Reactions: what people say to a comment without words."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index

from domain.comments import ReactionKind
from domain.ids import new_id
from domain.viewers import AnyViewer, Viewer
from models.base import TeamRow, choice, owned_by
from models.comments import Comment
from models.database import raw_connection
from models.inserting import inserted, insertion

_COUNTED = """
SELECT comment_id, kind, count(*), coalesce(bool_or(created_by_id = $2), false) FROM reactions
WHERE comment_id = ANY($1::uuid[]) GROUP BY comment_id, kind ORDER BY comment_id, min(created_at), kind
"""


Fetch = Callable[[str, Sequence[Any]], Awaitable[Sequence[Any]]]
"""Runs one statement with its values and answers its rows."""


class Reaction(TeamRow):
    """That a person has reacted to a comment in one of the ways there are: in each of them once."""

    comment: fields.ForeignKeyRelation[Comment] = owned_by("models.Comment")
    comment_id: UUID
    kind = choice(ReactionKind)

    class Meta:
        table = "reactions"
        unique_together = (("comment_id", "kind", "created_by_id"),)
        indexes = [Index(fields=["team_id"], name="idx_reactions_team")]

    @classmethod
    def by(cls, user_id: UUID, comment: Comment, kind: ReactionKind, now: datetime) -> "Reaction":
        """One that may be there already."""
        return cls(
            id=new_id(),
            created_at=now,
            team_id=comment.team_id,
            created_by_id=user_id,
            comment_id=comment.id,
            kind=kind,
        )

    async def add(self) -> bool:
        """Whether it was not there yet: two at once make one."""
        text = f"{insertion(Reaction, 0)} ON CONFLICT (comment_id, kind, created_by_id) DO NOTHING RETURNING true"
        async with raw_connection() as connection:
            return bool(await connection.fetchval(text, *inserted(self)))

    async def take_back(self) -> bool:
        """Whether it was there."""
        mine = Reaction.filter(comment_id=self.comment_id, kind=self.kind, created_by_id=self.created_by_id)
        return bool(await mine.delete())

    @classmethod
    async def counted(
        cls, fetch: Fetch, comment_ids: Sequence[UUID], viewer: AnyViewer
    ) -> Mapping[UUID, list[tuple[ReactionKind, int, bool]]]:
        """Of each comment its kinds, the first used first: how many, and whether `viewer` is among them.

        Whoever may see a comment may see that. `fetch` runs the one statement for all of them.
        """
        user_id = viewer.user_id if isinstance(viewer, Viewer) else None
        rows = await fetch(_COUNTED, [list(comment_ids), user_id])
        found: dict[UUID, list[tuple[ReactionKind, int, bool]]] = {}
        for comment_id, kind, count, mine in rows:
            found.setdefault(comment_id, []).append((ReactionKind(kind), count, mine))
        return found
