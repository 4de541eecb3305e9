"""Mentions: who is mentioned in which comment, who may be, and who has been told."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q, Subquery
from tortoise.indexes import Index

from domain.comments import CommentVisibility
from domain.ids import new_id
from domain.mentions import Person, Sought, is_unspaced
from domain.permissions import Role
from models.accounts import User
from models.base import TeamRow, owned_by
from models.comments import Comment
from models.database import raw_connection

LATEST = 500
"""Comments of a video by which it is known who takes part there."""

# Whoever is in the team may see its videos, and nobody else: the same in both statements. Few teams have more than some
# hundred members, of whom each is found by the indexes of members and users:
# OFFSET 0 keeps the planner from reading all users instead.
_SOUGHT = """
SELECT users.id, users.name, users.email
FROM members CROSS JOIN LATERAL (SELECT id, name, email FROM users WHERE id = members.user_id OFFSET 0) AS users
WHERE members.team_id = $1 AND (
    left(normalize(users.name, NFKD), 1) = ANY($2) OR users.email = ANY($3) OR users.id = ANY($4)
)
"""
_MENTIONABLE = """
WITH people AS (
    SELECT users.id, users.name, users.email, members.role, search_folded(normalize(users.name, NFKC)) AS folded,
        replace(casefold(normalize(users.name, NFKD) COLLATE pg_unicode_fast), ' ', '') AS heard
    FROM members CROSS JOIN LATERAL (SELECT id, name, email FROM users WHERE id = members.user_id OFFSET 0) AS users
    WHERE members.team_id = $1
), told AS (
    SELECT people.*, count(*) OVER (PARTITION BY normalize(heard, NFKD)) > 1 AS is_namesake FROM people
), talkers AS (
    SELECT created_by_id AS id FROM (
        SELECT created_by_id FROM comments WHERE video_id = $2 AND visibility = ANY($8)
        ORDER BY created_at DESC, id DESC LIMIT $3
    ) AS latest
    UNION SELECT created_by_id FROM videos WHERE id = $2
), sought AS (
    SELECT search_folded(normalize($4, NFKC)) AS prefix
)
SELECT told.id, name, email, is_namesake FROM told CROSS JOIN sought
WHERE told.id <> $5 AND told.role = ANY($9) AND (
    strpos(' ' || translate(folded, '-', ' '), ' ' || translate(prefix, '-', ' ')) > 0
    OR starts_with(email, prefix) OR ($6 AND strpos(folded, prefix) > 0)
)
ORDER BY told.id IN (SELECT id FROM talkers) DESC, folded COLLATE pg_c_utf8, told.id LIMIT $7
"""
# Whoever holds several of a comment's begins with the same: an edit is followed while those are told whom it mentions.
_HELD = "SELECT user_id, ended_at FROM mentions WHERE comment_id = $1 ORDER BY user_id FOR NO KEY UPDATE"
_FOLLOW = """
INSERT INTO mentions (id, created_at, team_id, created_by_id, comment_id, user_id)
SELECT id, $3, $4, $5, $6, user_id FROM unnest($1::uuid[], $2::uuid[]) AS given (id, user_id)
ON CONFLICT (comment_id, user_id) DO UPDATE SET ended_at = NULL
"""
_END = "UPDATE mentions SET ended_at = $3 WHERE comment_id = $1 AND user_id = ANY($2)"
_TOLD = """
WITH untold AS (
    SELECT id FROM mentions
    JOIN unnest($1::uuid[], $2::uuid[]) AS given (comment_id, user_id) USING (comment_id, user_id)
    WHERE comment_id = ANY($1) AND told_at IS NULL ORDER BY comment_id, user_id FOR NO KEY UPDATE OF mentions
)
UPDATE mentions SET told_at = $3 FROM untold WHERE mentions.id = untold.id
"""
_PURGE = "DELETE FROM mentions WHERE comment_id = ANY(ARRAY(SELECT id FROM comments WHERE video_id = $1))"


class Mentionable(NamedTuple):
    """Somebody who may be mentioned; `is_namesake` where another one there has the same name."""

    person: Person
    is_namesake: bool


class Mention(TeamRow):
    """That a comment mentions somebody, or did until `ended_at`: one row for both, however often it comes and goes.

    So whoever was told of it (`told_at`) is not told again. Where in the text, the comment itself knows.
    """

    comment: fields.ForeignKeyRelation[Comment] = owned_by("models.Comment")
    comment_id: UUID
    user: fields.ForeignKeyRelation[User] = owned_by("models.User")
    user_id: UUID
    told_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "mentions"
        unique_together = (("comment_id", "user_id"),)
        indexes = [
            Index(fields=["team_id"], name="idx_mentions_team"),
            Index(fields=["user_id", "comment_id"], name="idx_mentions_user"),
        ]

    @classmethod
    def commented(cls, user_id: UUID) -> Q:
        """The comments that mention this person."""
        return Q(id__in=Subquery(cls.filter(user_id=user_id, ended_at__isnull=True).values("comment_id")))

    @classmethod
    async def follow(cls, comment: Comment, now: datetime) -> None:
        """Has the rows say whom the comment mentions, which must be held, or new."""
        people = {each.user_id for each in comment.mentioned()}
        async with raw_connection() as connection:
            before = {user_id for user_id, ended_at in await connection.fetch(_HELD, comment.id) if ended_at is None}
            if come := list(people - before):
                about = (comment.team_id, comment.created_by_id, comment.id)
                await connection.execute(_FOLLOW, [new_id() for _ in come], come, now, *about)
            if gone := list(before - people):
                await connection.execute(_END, comment.id, gone, now)

    @staticmethod
    async def purge(video_id: UUID) -> None:
        """Deletes those in all of a video's comments for good."""
        async with raw_connection() as connection:
            await connection.execute(_PURGE, video_id)

    @classmethod
    async def told(cls, mentioned: Mapping[UUID, Collection[UUID]], now: datetime) -> None:
        """These people, by comment, have been told that it mentions them, or could not be: even if it does no more."""
        pairs = [(comment_id, user_id) for comment_id, people in mentioned.items() for user_id in people]
        async with raw_connection() as connection:
            await connection.execute(_TOLD, *map(list, zip(*pairs, strict=True)), now)


async def people(team_id: UUID, sought: Sought, known: Collection[UUID] = ()) -> list[Person]:
    """Those among a team's members who may be meant by what a text says, and those `known` who are there still."""
    asked = (list(sought.initials), list(sought.addresses), list(known))
    async with raw_connection() as connection:
        return [Person(*found) for found in await connection.fetch(_SOUGHT, team_id, *asked)]


async def mentionable(
    team_id: UUID,
    video_id: UUID,
    prefix: str,
    *,
    most: int,
    besides: UUID,
    roles: Collection[Role],
    seen: Collection[CommentVisibility],
) -> Sequence[Mentionable]:
    """Members of these roles, but for `besides`, whose address, name, or a word of it, begins so.

    First come those who take part, as far as comments tell that are for as many as `seen` says, then all by name. Where
    words are not told apart by spaces, `prefix` may stand anywhere in the name.
    """
    asked = (team_id, video_id, LATEST, prefix, besides, is_unspaced(prefix), most, list(seen), list(roles))
    async with raw_connection() as connection:
        found = await connection.fetch(_MENTIONABLE, *asked)
    return [Mentionable(Person(*who), is_namesake) for *who, is_namesake in found]
