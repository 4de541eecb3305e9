"""People, how they sign up, and their sessions."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from asyncpg import Record
from pypika_tortoise.terms import Function
from tortoise import fields
from tortoise.expressions import Q, ResolveContext, Subquery
from tortoise.fields.db_defaults import Now
from tortoise.indexes import Index
from tortoise.query_utils import QueryModifier

from domain.accounts import DELETED_NAME, DELETION_GRACE, address_of_deleted
from domain.clock import utc_now
from domain.errors import Conflict, Unauthenticated
from domain.notifications import QUIET, EmailNotifications, next_mail
from domain.viewers import AnyViewer, ScopeViewer, Viewer
from models.base import Row, choice, in_teams_of
from models.database import raw_connection
from models.indexes import PartialIndex
from models.lines import Fetch
from models.replica import note_written

LOCALE = "(SELECT locale FROM users WHERE users.id = user_id) AS locale"
"""The language of the person behind a row of theirs: a column for who looks up who asks."""
_OPEN = "FROM sessions WHERE token_hash = {0} AND ended_at IS NULL AND expires_at > {1}"
_HOLD_WITH = """
SELECT true FROM users WHERE id = $1 AND email <> $2 AND password_hash IS NOT DISTINCT FROM $3 FOR NO KEY UPDATE
"""
_CURRENT = f"SELECT id, user_id, written_lsn, expires_at, {LOCALE} " + _OPEN.format("$1", "$2")
_LOST = """
SELECT asked FROM unnest($1::uuid[]) asked WHERE NOT EXISTS (
    SELECT FROM sessions WHERE id = asked AND ended_at IS NULL AND expires_at > $2
)
"""


class User(Row):
    """A person. Seen by themselves and by whoever shares a team with them."""

    email = fields.CharField(254, unique=True)
    name = fields.CharField(100)
    password_hash = fields.CharField(255, null=True)
    """None for who signs in elsewhere."""
    locale = fields.CharField(20, default="en")
    """What they read, of the languages that there are words in; see docs/decisions/0029-languages.md."""
    time_zone = fields.CharField(64, default="UTC", db_default="UTC")
    avatar_key = fields.CharField(200, null=True)
    """Of the picture in the storage."""
    deletion_at = fields.DatetimeField(null=True)
    """When the account goes, for who has asked for that."""
    email_notifications = choice(EmailNotifications, default=EmailNotifications.DAILY, there=True)
    mail_at = fields.DatetimeField(null=True)
    """When they are mailed what is new; None where nothing is."""
    mailed_at = fields.DatetimeField(null=True)
    """When they were last to be mailed what is new."""
    told_position = fields.BigIntField(default=0, db_default=0)
    """Of the latest event that they were notified of: what lies before it they have been told."""

    class Meta:
        table = "users"
        indexes = [
            PartialIndex(fields=["deletion_at"], name="idx_users_deletion", where="deletion_at IS NOT NULL"),
            PartialIndex(fields=["mail_at"], name="idx_users_mail_at", where="mail_at IS NOT NULL"),
        ]

    @classmethod
    async def hold(cls, user_id: UUID) -> Self:
        """The person, held until the transaction ends: what changes an account takes turns.

        Unauthenticated for one who has gone meanwhile.
        """
        there = cls.filter(id=user_id).exclude(email=address_of_deleted(user_id))
        user = await there.select_for_update(no_key=True).get_or_none()
        if user is None:
            raise Unauthenticated
        return user

    @classmethod
    async def hold_with(cls, user_id: UUID, password_hash: str | None) -> bool:
        """Holds the person as `hold` does; whether they are there, and their password is still the same."""
        async with raw_connection() as connection:
            gone = address_of_deleted(user_id)
            return bool(await connection.fetchval(_HOLD_WITH, user_id, gone, password_hash))

    @classmethod
    async def locale_of(cls, email: str, user_id: UUID | None = None) -> str | None:
        """What that person reads by now, or else whoever has the address; None where nobody is there."""
        there = cls.filter(email=email)
        if user_id is not None:
            there = cls.filter(id=user_id).exclude(email=address_of_deleted(user_id))
        found = await there.only("locale").get_or_none()
        return found.locale if found else None

    @classmethod
    async def hold_all(cls, user_ids: Collection[UUID]) -> list[Self]:
        """Those of these people who are there, held as `hold` does, in one order, so that nobody waits in a ring."""
        people = cls.filter(id__in=sorted(user_ids)).order_by("id")
        return await people.select_for_update(no_key=True)

    def ask_for_deletion(self, now: datetime) -> None:
        """The account goes in a while; Conflict if that is so already."""
        if self.deletion_at is not None:
            raise Conflict("problem.deletion_requested")
        self.deletion_at = now + DELETION_GRACE

    def stay(self) -> None:
        """The account does not go after all; Conflict if it was not going to."""
        if self.deletion_at is None:
            raise Conflict("problem.deletion_not_requested")
        self.deletion_at = None

    def anonymise(self) -> None:
        """Nothing says any more who it was, and nobody can sign in."""
        self.name, self.email = DELETED_NAME, address_of_deleted(self.id)
        self.password_hash = self.avatar_key = self.deletion_at = None
        self.locale, self.time_zone = "en", "UTC"
        self.email_notifications, self.mail_at, self.mailed_at = EmailNotifications.NEVER, None, None

    def expect_mail(self, now: datetime) -> None:
        """There is something new for them: they are mailed about it when they want to be."""
        if self.mail_at is None:
            how = EmailNotifications(self.email_notifications)
            self.mail_at = next_mail(how, now, last=self.mailed_at, zone=self.time_zone)

    def expect_mail_anew(self, now: datetime) -> None:
        """What waits to be mailed waits for another moment: they have changed when they want it, or where they are."""
        if self.mail_at is not None:
            self.mail_at = None
            self.expect_mail(now)

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to mail them."""
        return self.mail_at is not None and self.mail_at <= now

    def take_mail(self, now: datetime) -> None:
        """They are being mailed: what is new after this is for the next mail."""
        self.mail_at, self.mailed_at = None, now

    def put_mail_off(self, now: datetime) -> None:
        """They are mailed a little later: a mail to them has yet to be sent."""
        self.mail_at = now + QUIET

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


class _Unexpired(Q):
    """The rows whose time has not run out, by the database's clock: a declared condition can hold no moment."""

    def __init__(self) -> None:
        super().__init__(expires_at="later than now")

    def resolve(self, resolve_context: ResolveContext) -> QueryModifier:
        return QueryModifier(where_criterion=resolve_context.table.expires_at > Function("now"))


class Session(Row):
    """A signed-in client. Seen by its own user, from any session of theirs: not by an API key, nor by a whole role."""

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
            PartialIndex(fields=["team_id"], name="idx_sessions_team", where="team_id IS NOT NULL"),
            Index(fields=["expires_at"], name="idx_sessions_expires_at"),
            Index(fields=["ended_at"], name="idx_sessions_ended_at"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        if isinstance(viewer, ScopeViewer):
            return Q(id__isnull=True)
        return cls.own(viewer)

    @classmethod
    def own(cls, viewer: Viewer, key: str = "user_id") -> Q:
        """The rows of any table whose `key` is who asks by a session: what is of an account, no API key sees."""
        asking = cls.filter(id=viewer.session_id).values("user_id")
        asked_by: dict[str, Any] = {f"{key}__in": Subquery(asking)}
        return Q(**asked_by)

    @classmethod
    def still_open(cls) -> Q:
        """Those that have not ended."""
        return Q(_Unexpired(), ended_at__isnull=True)

    def end(self, now: datetime) -> None:
        """No request comes through any more; Conflict if it has ended already."""
        if self.ended_at is not None or self.expires_at <= now:
            raise Conflict("problem.session_over")
        self.ended_at = now

    @classmethod
    async def end_all(cls, user_id: UUID, now: datetime, *, keep: UUID | None = None) -> int:
        """Ends a person's sessions, but for `keep`; how many. Hold the person first."""
        ending = cls.filter(user_id=user_id, ended_at__isnull=True, expires_at__gt=now)
        return await (ending.exclude(id=keep) if keep else ending).update(ended_at=now)

    HOLDER = f"SELECT user_id, id AS session_id, {LOCALE} {_OPEN}"
    """Who holds a token (its hash is `{0}`) at the moment `{1}`, for who asks that along with something else."""

    @classmethod
    async def current(cls, fetch: Fetch, token_hash: str, now: datetime) -> Record | None:
        """The session of a token, unless it has ended: `id`, `user_id`, `written_lsn`, `expires_at` and `locale`.

        Every request asks, so no model is made of it.
        """
        found = await fetch(_CURRENT, (token_hash, now))
        return found[0] if found else None

    @staticmethod
    async def lost(session_ids: Collection[UUID], now: datetime) -> set[UUID]:
        """Those of the sessions that have ended, or are gone. It is asked of thousands, so no model is made of any."""
        async with raw_connection() as connection:
            return {row[0] for row in await connection.fetch(_LOST, list(session_ids), now)}

    @staticmethod
    async def has_written(session_id: UUID) -> None:
        """Notes that all of what is committed by now may be the session's own."""
        await note_written("sessions", session_id)
