"""Links in mails: rows that are reached by a secret alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self, TypeVar
from uuid import UUID

from tortoise import fields
from tortoise.expressions import Q
from tortoise.indexes import Index
from tortoise.queryset import QuerySet

from domain.errors import Conflict
from domain.jobs import JobKind
from domain.links import GOOD_FOR, LinkKind
from domain.tokens import new_token, token_hash
from domain.viewers import AnyViewer
from models.accounts import User
from models.base import Row, choice
from models.jobs import Job

L = TypeVar("L", bound="MailedLink")


class MailedLink(Row):
    """A link on its way to an address. Its token is made when it is mailed, and lies nowhere but in the mail.

    `user_id` is the person whom it is about, if there is one; `subject_id` a row of its kind's own; `values` fill the
    mail's text. `locale` is the mail's language for an address that has no account when it is sent.
    """

    kind = choice(LinkKind)
    email = fields.CharField(254)
    locale = fields.CharField(20)
    user_id = fields.UUIDField(null=True)
    subject_id = fields.UUIDField(null=True)
    values: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict)
    token_hash = fields.CharField(64, null=True, unique=True)
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "mailed_links"
        indexes = [
            Index(fields=["user_id"], name="idx_mailed_links_user"),
            Index(fields=["email"], name="idx_mailed_links_email"),
            Index(fields=["subject_id"], name="idx_mailed_links_subject"),
            Index(fields=["expires_at"], name="idx_mailed_links_expires_at"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        """Nobody: it is reached by its token alone."""
        del viewer
        return Q(id__isnull=True)

    @classmethod
    async def send(
        cls,
        kind: LinkKind,
        email: str,
        locale: str,
        now: datetime,
        /,  # so that a mail's value may be called as one of these
        *,
        user_id: UUID | None = None,
        subject_id: UUID | None = None,
        **values: Any,
    ) -> Self:
        """A new link, mailed once the running transaction has committed."""
        link = await cls.create(
            kind=kind,
            email=email,
            locale=locale,
            user_id=user_id,
            subject_id=subject_id,
            values=values,
            created_at=now,
            expires_at=now + GOOD_FOR[kind],
        )
        await Job.enqueue(JobKind.LINK_MAIL, now, payload={"link_id": str(link.id)})
        return link

    @classmethod
    async def behind(cls, token: str, *kinds: LinkKind, now: datetime) -> Self:
        """The link of a token, held until the transaction ends; Conflict for one that is used, expired or unknown."""
        return _found(await cls._good(token, kinds, now).select_for_update().get_or_none())

    @classmethod
    async def seen(cls, token: str, *kinds: LinkKind, now: datetime) -> Self:
        """The link of a token as it is now, not held; Conflict as for `behind`. For what must come before a lock."""
        return _found(await cls._good(token, kinds, now).get_or_none())

    @classmethod
    def _good(cls, token: str, kinds: Sequence[LinkKind], now: datetime) -> QuerySet[Self]:
        return cls.filter(token_hash=token_hash(token), kind__in=list(kinds), used_at__isnull=True, expires_at__gt=now)

    @classmethod
    async def behind_of_person(cls, token: str, *kinds: LinkKind, now: datetime) -> tuple[Self, User]:
        """The link of a token and the person whom it is about, both held; Conflict as for `behind`.

        The person is held first, as by everything else that changes an account: so nobody waits in a ring.
        """
        found = await cls.seen(token, *kinds, now=now)
        assert found.user_id is not None, "a link of these kinds is mailed to somebody"
        user = await User.hold(found.user_id)
        return await cls.behind(token, *kinds, now=now), user

    @classmethod
    async def take_back(cls, user_id: UUID, *kinds: LinkKind, now: datetime) -> None:
        """None of the person's links of these kinds can be followed any more. Hold the person first."""
        await cls.filter(user_id=user_id, kind__in=list(kinds), used_at__isnull=True).update(used_at=now)

    async def use_up(self, now: datetime) -> None:
        """It cannot be followed again."""
        self.used_at = now
        await self.save(update_fields=["used_at"])

    async def arm(self, now: datetime) -> str:
        """Makes the token, and counts the time from now on. A mail that is sent again carries another."""
        token = new_token()
        self.token_hash, self.expires_at = token_hash(token), now + GOOD_FOR[self.kind]
        await self.save(update_fields=["token_hash", "expires_at"])
        return token


def _found(link: L | None) -> L:
    if link is None:
        raise Conflict("problem.link_over", path=("token",))
    return link
