"""People, how they sign up, and their sessions."""

from datetime import datetime
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q, Subquery
from tortoise.indexes import Index

from domain.viewers import AnyViewer, ScopeViewer
from models.base import Row, in_teams_of


class User(Row):
    """A person. Seen by themselves and by whoever shares a team with them."""

    email = fields.CharField(254, unique=True)
    name = fields.CharField(100)
    password_hash = fields.CharField(255)
    locale = fields.CharField(20, default="en")

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
    password_hash = fields.CharField(255)
    locale = fields.CharField(20)
    token_hash = fields.CharField(64, null=True, unique=True)
    expires_at = fields.DatetimeField()

    class Meta:
        table = "sign_ups"
        indexes = [Index(fields=["expires_at"], name="idx_sign_ups_expires_at")]

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
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

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

    @classmethod
    async def current(cls, token_hash: str, now: datetime) -> "Session | None":
        """The session of this token, unless it has ended."""
        return await cls.get_or_none(token_hash=token_hash, ended_at__isnull=True, expires_at__gt=now)
