"""Who people are elsewhere: accounts of OpenID Connect providers that they sign in with."""

from datetime import datetime
from typing import Self
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index

from domain.viewers import AnyViewer, ScopeViewer
from models.accounts import Session, User
from models.base import Row


class Identity(Row):
    """An account elsewhere: `issuer` vouches for `subject`, whatever their address is now.

    Seen by its own person, not by an API key of theirs.
    """

    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User", related_name=False, db_index=False)
    user_id: UUID
    provider = fields.CharField(30)
    issuer = fields.CharField(500)
    subject = fields.CharField(255)
    email = fields.CharField(254, null=True)
    used_at = fields.DatetimeField()

    class Meta:
        table = "identities"
        unique_together = (("issuer", "subject"),)
        indexes = [Index(fields=["user_id"], name="idx_identities_user")]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        if isinstance(viewer, ScopeViewer):
            raise TypeError("an identity belongs to one person: it cannot be read for a whole role")
        return Session.own(viewer)

    @classmethod
    async def held(cls, issuer: str, subject: str) -> Self | None:
        """The identity, locked until the transaction ends."""
        return await cls.filter(issuer=issuer, subject=subject).select_for_update().get_or_none()

    async def used(self, now: datetime) -> None:
        """Somebody has signed in with it."""
        self.used_at = now
        await self.save(update_fields=["used_at"])
