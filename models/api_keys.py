"""API keys: secrets with which programs act as a person, as far as their scopes go."""

from datetime import datetime
from uuid import UUID

from asyncpg import Record
from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.expressions import Q
from tortoise.indexes import Index

from domain.errors import Conflict
from domain.viewers import AnyViewer, ScopeViewer
from models.accounts import LOCALE, Session, User
from models.base import Row
from models.indexes import PartialIndex
from models.lines import Fetch
from models.replica import note_written

_USABLE = f"""
SELECT id, user_id, scopes, written_lsn, expires_at, {LOCALE} FROM api_keys
WHERE token_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
"""  # noqa: S608 - all ours


class ApiKey(Row):
    """A person's key. Seen by them alone, and by none of the keys."""

    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User", related_name=False, db_index=False)
    user_id: UUID
    name = fields.CharField(100)
    prefix = fields.CharField(20)
    """The beginning of the key, to recognise it by."""
    token_hash = fields.CharField(64, unique=True)
    scopes: list[str] = ArrayField("text")
    expires_at = fields.DatetimeField(null=True)
    used_at = fields.DatetimeField(null=True)
    """When it was last used, to the minute."""
    revoked_at = fields.DatetimeField(null=True)
    written_lsn = fields.BigIntField(default=0)
    """As `Session.written_lsn`."""

    class Meta:
        table = "api_keys"
        indexes = [
            Index(fields=["user_id", "created_at", "id"], name="idx_api_keys_user_created"),
            PartialIndex(fields=["expires_at"], name="idx_api_keys_expires_at", where="expires_at IS NOT NULL"),
            PartialIndex(fields=["revoked_at"], name="idx_api_keys_revoked_at", where="revoked_at IS NOT NULL"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        if isinstance(viewer, ScopeViewer):
            raise TypeError("an API key belongs to one person: it cannot be read for a whole role")
        return Session.own(viewer)

    @classmethod
    def usable(cls, now: datetime) -> Q:
        """Those that are good for something."""
        return Q(Q(expires_at__isnull=True), Q(expires_at__gt=now), join_type=Q.OR) & Q(revoked_at__isnull=True)

    @classmethod
    async def current(cls, fetch: Fetch, token_hash: str, now: datetime) -> Record | None:
        """The usable key behind a hash, with all that a `Caller` knows by it. See `Session.current`."""
        found = await fetch(_USABLE, (token_hash, now))
        return found[0] if found else None

    @staticmethod
    async def has_written(key_id: UUID) -> None:
        """See `Session.has_written`."""
        await note_written("api_keys", key_id)

    def revoke(self, now: datetime) -> None:
        """Ends it for good; Conflict if that was done before."""
        if self.revoked_at is not None:
            raise Conflict("problem.key_revoked")
        self.revoked_at = now
