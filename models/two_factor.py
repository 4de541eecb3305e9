"""The second factor of an account: a secret that its owner's app has too, and codes for when the app is lost."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index

from domain.errors import Conflict
from domain.tokens import token_hash
from domain.viewers import AnyViewer, ScopeViewer
from models.accounts import User
from models.base import Row
from models.database import raw_connection

_IS_ON = "SELECT EXISTS (SELECT FROM two_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL)"


class TwoFactor(Row):
    """An account's second factor. Until it is confirmed, signing in takes none."""

    user: fields.ForeignKeyRelation[User] = fields.OneToOneField("models.User", related_name=False)
    user_id: UUID
    sealed_secret = fields.CharField(255)
    confirmed_at = fields.DatetimeField(null=True)
    last_step = fields.BigIntField(default=0)
    """The time step of the last code that was taken: neither it nor an earlier one is taken again."""

    class Meta:
        table = "two_factors"

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return _own(viewer)

    @classmethod
    async def is_on(cls, user_id: UUID) -> bool:
        """Whether signing in to the account takes a code."""
        async with raw_connection() as connection:
            return bool(await connection.fetchval(_IS_ON, user_id))

    @classmethod
    async def begin(cls, user_id: UUID, sealed_secret: str, now: datetime) -> None:
        """Notes a secret, in the place of one not confirmed; Conflict where one was. Hold the person first."""
        held = await cls.filter(user_id=user_id).select_for_update().get_or_none()
        if held is None:
            await cls.create(user_id=user_id, sealed_secret=sealed_secret, created_at=now)
            return
        if held.confirmed_at:
            raise Conflict("problem.two_factor_on")
        held.sealed_secret, held.last_step, held.created_at = sealed_secret, 0, now
        await held.save(update_fields=["sealed_secret", "last_step", "created_at"])

    @classmethod
    async def held(cls, user_id: UUID, *, confirmed: bool) -> Self:
        """The account's, until the transaction ends: one code is tried at a time. Conflict where it is not there so."""
        held = await cls.filter(user_id=user_id).select_for_update().get_or_none()
        if held is None:
            raise Conflict("problem.two_factor_off" if confirmed else "problem.two_factor_not_begun")
        if bool(held.confirmed_at) is not confirmed:
            raise Conflict("problem.two_factor_off" if confirmed else "problem.two_factor_on")
        return held

    async def confirm(self, now: datetime) -> None:
        """Signing in takes a code from now on."""
        self.confirmed_at = now
        await self.save(update_fields=["confirmed_at"])

    async def take(self, step: int) -> bool:
        """Uses up the code of a time step; whether it was still to be had."""
        if step <= self.last_step:
            return False
        self.last_step = step
        await self.save(update_fields=["last_step"])
        return True


class RecoveryCode(Row):
    """A code that stands in for a second factor once. Only its hash is kept: it is random enough."""

    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User", related_name=False, db_index=False)
    user_id: UUID
    code_hash = fields.CharField(64)
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "recovery_codes"
        indexes = [Index(fields=["user_id"], name="idx_recovery_codes_user")]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return _own(viewer)

    @classmethod
    async def replace(cls, user_id: UUID, codes: Iterable[str], now: datetime) -> None:
        """The account's codes are these, and no others."""
        await cls.filter(user_id=user_id).delete()
        await cls.bulk_create([cls(user_id=user_id, code_hash=token_hash(code), created_at=now) for code in codes])

    @classmethod
    async def take(cls, user_id: UUID, code: str, now: datetime) -> bool:
        """Uses up a code; whether it was one that had not been used."""
        unused = cls.filter(user_id=user_id, code_hash=token_hash(code), used_at__isnull=True)
        return bool(await unused.update(used_at=now))

    @classmethod
    async def left(cls, user_id: UUID) -> int:
        """How many have not been used."""
        return await cls.filter(user_id=user_id, used_at__isnull=True).count()


def _own(viewer: AnyViewer) -> Q:
    if isinstance(viewer, ScopeViewer):
        raise TypeError("a second factor belongs to one person: it cannot be read for a whole role")
    return Q(user_id=viewer.user_id)
