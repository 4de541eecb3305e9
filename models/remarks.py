"""Remarks: comments, and whom they concern."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain.comments import CommentVisibility
from domain.permissions import INSIDERS
from models.database import raw_connection

# They are held, in the order in which all hold comments: who has a thread become team-only waits until those are told
# whom it concerned before, or is waited for, so that nobody is told of it who may not know of it any more.
_MADE = """
SELECT comments.id, comments.team_id, video_id, parent_id, comments.created_by_id, comments.created_at,
    videos.created_by_id AS maker_id, visibility
FROM comments JOIN videos ON videos.id = video_id WHERE comments.id = ANY($1)
ORDER BY parent_id NULLS FIRST, comments.id FOR KEY SHARE OF comments
"""
_TALKERS = """
SELECT thread_id, created_by_id, min(created_at) AS since FROM (
    SELECT id AS thread_id, created_by_id, created_at FROM comments WHERE id = ANY($1)
    UNION ALL SELECT parent_id, created_by_id, created_at FROM comments WHERE parent_id = ANY($1)
) AS said GROUP BY thread_id, created_by_id
"""
_MENTIONED = """
SELECT comment_id, user_id FROM mentions WHERE comment_id = ANY($1) AND told_at IS NULL AND ended_at IS NULL
"""
_INSIDERS = "SELECT team_id, user_id FROM members WHERE team_id = ANY($1) AND role = ANY($2)"
_THREADS = "SELECT id FROM comments WHERE id = ANY($1) UNION ALL SELECT id FROM comments WHERE parent_id = ANY($1)"


class Remark(NamedTuple):
    """A comment, and whom it concerns: of one that is team-only, those alone who see it.

    These are who made the video (`maker_id`), who has talked in its thread so far, and whom it mentions by now without
    their having been told.
    """

    comment_id: UUID
    team_id: UUID
    video_id: UUID
    parent_id: UUID | None
    """The comment that opened the thread that it answers in; None for one that opens a thread."""
    author_id: UUID
    maker_id: UUID | None
    visibility: CommentVisibility
    talkers: frozenset[UUID]
    mentioned: frozenset[UUID] = frozenset()

    @property
    def thread_id(self) -> UUID:
        """The comment that opens its thread, which may be itself."""
        return self.parent_id or self.comment_id

    def of_mentions(self) -> "Remark":
        """The same for those alone whom it mentions."""
        return self._replace(maker_id=None, talkers=frozenset())

    def within(self, people: Collection[UUID]) -> "Remark":
        """The same for none but these people."""
        return self._replace(
            maker_id=self.maker_id if self.maker_id in people else None,
            talkers=self.talkers & frozenset(people),
            mentioned=self.mentioned & frozenset(people),
        )


async def remarks(comment_ids: Collection[UUID]) -> list[Remark]:
    """Those of these comments that are still there, with whom they concern: three statements for all of them.

    Where any is team-only it is one more. In a transaction they stay for whom they are until it ends.
    """
    async with raw_connection() as connection:
        made = await connection.fetch(_MADE, list(comment_ids))
        threads = {row["parent_id"] for row in made} - {None}
        talkers = await connection.fetch(_TALKERS, list(threads)) if threads else []
        mentions = await connection.fetch(_MENTIONED, list(comment_ids))
        kept_back = {row["team_id"] for row in made if row["visibility"] != CommentVisibility.OPEN}
        insiders = await connection.fetch(_INSIDERS, list(kept_back), list(INSIDERS)) if kept_back else []
    found = _found(made, talkers, mentions)
    return [each if each.visibility is CommentVisibility.OPEN else _within_its_team(each, insiders) for each in found]


async def of_threads(thread_ids: Collection[UUID]) -> list[UUID]:
    """The comments that open these threads, and those that answer in them."""
    async with raw_connection() as connection:
        return [row["id"] for row in await connection.fetch(_THREADS, list(thread_ids))]


def _found(made: Sequence[Any], talkers: Sequence[Any], mentions: Sequence[Any]) -> list[Remark]:
    since: dict[UUID, list[tuple[UUID, datetime]]] = {}
    for thread_id, person_id, at in talkers:
        since.setdefault(thread_id, []).append((person_id, at))
    mentioned: dict[UUID, set[UUID]] = {}
    for comment_id, person_id in mentions:
        mentioned.setdefault(comment_id, set()).add(person_id)
    return [
        Remark(
            *(row["id"], row["team_id"], row["video_id"], row["parent_id"], row["created_by_id"], row["maker_id"]),
            visibility=CommentVisibility(row["visibility"]),
            talkers=frozenset(who for who, at in since.get(row["parent_id"], ()) if at <= row["created_at"]),
            mentioned=frozenset(mentioned.get(row["id"], ())),
        )
        for row in made
    ]


def _within_its_team(remark: Remark, insiders: Sequence[Any]) -> Remark:
    return remark.within({user_id for team_id, user_id in insiders if team_id == remark.team_id})
