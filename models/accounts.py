"""People, how they sign up, and their sessions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record
from tortoise import fields
from tortoise.expressions import Q, Subquery
from tortoise.fields.db_defaults import Now
from tortoise.indexes import Index

from domain.clock import utc_now
from domain.viewers import AnyViewer, ScopeViewer
from models.base import Row, in_teams_of
from models.database import raw_connection
from models.lines import Fetch

_OPEN = "FROM sessions WHERE token_hash = {0} AND ended_at IS NULL AND expires_at > {1}"
_CURRENT = "SELECT id, user_id, written_lsn, expires_at " + _OPEN.format("$1", "$2")
# Not worth waiting for the disk: if the server is lost within that moment, so is the replica's delay.
_WRITTEN = """
WITH hurried AS (SELECT set_config('synchronous_commit', 'off', true))
UPDATE sessions SET written_lsn = (pg_current_wal_insert_lsn() - '0/0')::bigint FROM hurried WHERE id = $1
"""


class User(Row):
    """A person. Seen by themselves and by whoever shares a team with them."""

    email = fields.CharField(254, unique=True)
    name = fields.CharField(100)
    password_hash = fields.CharField(255, null=True)
    """None for who signs in elsewhere."""
    locale = fields.CharField(20, default="en")
    time_zone = fields.CharField(64, default="UTC", db_default="UTC")
    avatar_key = fields.CharField(200, null=True)
    """Of the picture in the storage."""
    deletion_at = fields.DatetimeField(null=True)
    """When the account goes, for who has asked for that."""

    class Meta:
        table = "users"

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        from models.teams import Member

        colleagues = Member.filter(in_teams_of(viewer)).values("user_id")
        together = Q(id__in=Subquery(colleagues))
        return together if isinstance(viewer, ScopeViewer) else Q(together, Q(id=viewer.user_id), join_type=Q.OR)


class SignUp(Row):
    """A wish to join, until its mailed link is followed. Several may stand for one address: the link decides."""

    email = fields.CharField(254)
    name = fields.CharField(100)
    team_name = fields.CharField(100)
    locale = fields.CharField(20)
    token_hash = fields.CharField(64, null=True, unique=True)
    expires_at = fields.DatetimeField()

    class Meta:
        table = "sign_ups"
        indexes = [
            Index(fields=["email"], name="idx_sign_ups_email"),
            Index(fields=["expires_at"], name="idx_sign_ups_expires_at"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        """Nobody: it is reached by its token alone."""
        del viewer
        return Q(id__isnull=True)


class Session(Row):
    """A signed-in client. Seen by its own user."""

    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User", related_name=False, db_index=False)
    user_id: UUID
    token_hash = fields.CharField(64, unique=True)
    device = fields.CharField(200, default="")
    address = fields.CharField(45, default="", db_default="")
    seen_at = fields.DatetimeField(default=utc_now, db_default=Now())
    """When it last asked for something, to the minute."""
    team: fields.ForeignKeyNullableRelation[Any] = fields.ForeignKeyField(
        "models.Team", related_name=False, db_index=False, null=True, on_delete=fields.SET_NULL
    )
    team_id: UUID | None
    """The team that is worked in."""
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    written_lsn = fields.BigIntField(default=0, db_default=0)
    """How far the database's log was, in bytes, when the session last wrote: what it reads must be as new as that."""

    class Meta:
        table = "sessions"
        indexes = [
            Index(fields=["user_id"], name="idx_sessions_user"),
            Index(fields=["expires_at"], name="idx_sessions_expires_at"),
            Index(fields=["ended_at"], name="idx_sessions_ended_at"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        if isinstance(viewer, ScopeViewer):
            raise TypeError("a session belongs to one person: it cannot be read for a whole role")
        return Q(user_id=viewer.user_id)

    HOLDER = f"SELECT user_id, id AS session_id {_OPEN}"
    """Who holds a token (its hash is `{0}`) at the moment `{1}`, for who asks that along with something else."""

    @classmethod
    async def current(cls, fetch: Fetch, token_hash: str, now: datetime) -> Record | None:
        """The session of a token, unless it has ended: `id`, `user_id`, `written_lsn` and `expires_at`.

        Every request asks, so no model is made of it.
        """
        found = await fetch(_CURRENT, (token_hash, now))
        return found[0] if found else None

    @staticmethod
    async def has_written(session_id: UUID) -> None:
        """Notes that all of what is committed by now may be the session's own."""
        async with raw_connection() as connection:
            await connection.execute(_WRITTEN, session_id)
