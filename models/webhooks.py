"""Webhooks: where a team has what happens in it sent."""

from collections.abc import Collection, Sequence
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.expressions import Q
from tortoise.indexes import Index

from domain.clock import utc_now
from domain.errors import Conflict
from domain.events import WebhookCreated
from domain.permissions import PERMISSIONS, Role, allows
from domain.viewers import AnyViewer
from domain.webhooks.replaced import Replaced, good_until, with_one_more
from domain.webhooks.states import PauseReason, WebhookState
from models.base import TeamRow, choice, in_teams_of
from models.database import raw_connection
from models.indexes import PartialIndex

MOST_WEBHOOKS = 100
"""Of one team."""

_HEARING = ("id", "hears_from", "team_id", "event_types", "edition", "video_id")
"""What says who is told of an event: their sealed headers are much more, and would be read at every event."""
_BEGIN = """
WITH created AS MATERIALIZED (
    SELECT payload ->> 'webhook_id' AS id, position FROM events
    WHERE subjects && $1 AND type = $2 AND position IS NOT NULL
),
held AS MATERIALIZED (
    SELECT webhooks.id, position FROM webhooks JOIN created ON webhooks.id = created.id::uuid
    ORDER BY webhooks.id FOR NO KEY UPDATE OF webhooks
)
UPDATE webhooks SET hears_from = held.position FROM held
WHERE webhooks.id = held.id RETURNING webhooks.id, hears_from
"""
# In this order they are held, here and above: two that want several of the same never wait for each other.
_KEYLESS = """
SELECT webhooks.id FROM webhooks
LEFT JOIN api_keys ON api_keys.id = api_key_id AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)
LEFT JOIN members ON members.team_id = webhooks.team_id AND members.user_id = api_keys.user_id AND role = ANY($2)
WHERE state = 'active' AND deleted_at IS NULL AND api_key_id IS NOT NULL AND members.id IS NULL
ORDER BY webhooks.id
"""
# `older_until` is when the last of them ends.
_DROP = """
UPDATE webhooks SET older_until = CASE WHEN older_until > $1 THEN older_until END, older_secrets = coalesce((
    SELECT jsonb_agg(each ORDER BY nth) FROM jsonb_array_elements(older_secrets) WITH ORDINALITY AS older (each, nth)
    WHERE (each ->> 'until')::timestamptz > $1
), '[]')
WHERE id = ANY(ARRAY(
    SELECT id FROM webhooks WHERE older_until IS NOT NULL AND (older_until <= $1 OR EXISTS (
        SELECT FROM jsonb_array_elements(older_secrets) AS each WHERE (each ->> 'until')::timestamptz <= $1
    )) LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
))
"""
_BURY = """
WITH empty AS (
    SELECT id FROM webhooks WHERE deleted_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM webhook_deliveries WHERE webhook_id = webhooks.id) LIMIT $1
),
lanes AS (DELETE FROM webhook_lanes USING empty WHERE webhook_id = empty.id)
DELETE FROM webhooks USING empty WHERE webhooks.id = empty.id
"""


def managing(viewer: AnyViewer) -> Q:
    """What belongs to teams whose webhooks the viewer may see."""
    holders = PERMISSIONS["webhook:view"].holders
    assert isinstance(holders, frozenset)
    return in_teams_of(viewer, roles=holders)


class Webhook(TeamRow):
    """An endpoint. Seen by those of its team who look after webhooks, until it is deleted; its log goes later.

    What it is signed with and its own headers are sealed, since they open doors elsewhere.
    """

    url = fields.CharField(2048)
    description = fields.CharField(200, default="")
    event_types: list[str] = ArrayField("text", default=list)
    """Which it wants; empty for all."""
    edition = fields.SmallIntField()
    """Of the catalog of events that it was made with: it gets each type in the version of that one."""
    video_id = fields.UUIDField(null=True)
    """About which alone it is told, if it is one. The video may be gone."""
    hears_from = fields.BigIntField(null=True)
    """The position of the event that tells of its making: it is told of that, if it wants it, and of what comes after.

    None until it is told of anything. Which events there were before it no clock knows, only their order.
    """
    in_order = fields.BooleanField(default=False)
    """Whether what happens to a video is sent only after all that happened to it before has come to an end."""
    sealed_secret = fields.TextField()
    older_secrets: fields.JSONField[list[Replaced]] = fields.JSONField(default=list, db_default=[])
    """Those that others have taken the place of: see `domain.webhooks.replaced`."""
    older_until = fields.DatetimeField(null=True)
    """Until when any of these is good."""
    header_names: list[str] = ArrayField("text", default=list)
    sealed_headers = fields.TextField(null=True)
    state = choice(WebhookState, default=WebhookState.ACTIVE)
    pause_reason = choice(PauseReason, null=True)
    paused_at = fields.DatetimeField(null=True)
    api_key_id = fields.UUIDField(null=True)
    """The key that it was made with: it is good as long as that is."""
    updated_at = fields.DatetimeField(default=utc_now)
    deleted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "webhooks"
        indexes = [
            Index(fields=["team_id", "created_at", "id"], name="idx_webhooks_team_created"),
            PartialIndex(fields=["api_key_id"], name="idx_webhooks_api_key", where="api_key_id IS NOT NULL"),
            PartialIndex(fields=["older_until"], name="idx_webhooks_older_until", where="older_until IS NOT NULL"),
            PartialIndex(fields=["deleted_at"], name="idx_webhooks_deleted_at", where="deleted_at IS NOT NULL"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        return managing(viewer) & cls.kept()

    @classmethod
    def kept(cls) -> Q:
        """Those that nobody has deleted."""
        return Q(deleted_at__isnull=True)

    @classmethod
    def matching(cls, *, state: WebhookState | None = None) -> Q:
        """Those in one state."""
        return Q() if state is None else Q(state=state)

    @classmethod
    async def hearing(cls, team_ids: Collection[UUID]) -> "list[Webhook]":
        """Those that are told what happens in these teams; the paused, too, for which it is kept.

        Of new ones it is noted from where on. Inside of a transaction.
        """
        found = await cls.filter(cls.kept(), team_id__in=list(team_ids)).order_by("id").only(*_HEARING)
        begun = await _begin([webhook.id for webhook in found if webhook.hears_from is None])
        for webhook in found:
            webhook.hears_from = begun.get(webhook.id, webhook.hears_from)
        return found

    @staticmethod
    async def keyless(now: datetime) -> list[UUID]:
        """Active ones that were made with a key that is good no more, or whose person has no webhooks any more."""
        roles = [role.value for role in Role if allows(role, "webhook:view")]
        async with raw_connection() as connection:
            return [row["id"] for row in await connection.fetch(_KEYLESS, now, roles)]

    @classmethod
    async def ended(cls, most: int) -> list[UUID]:
        """Deleted ones, whose logs are still to go."""
        deleted = cls.filter(deleted_at__isnull=False).order_by("deleted_at").limit(most)
        return [UUID(str(each)) for each in await deleted.values_list("id", flat=True)]

    @staticmethod
    async def bury(most: int) -> int:
        """Deletes deleted ones for good once their deliveries are gone; how many."""
        async with raw_connection() as connection:
            return _count(await connection.execute(_BURY, most))

    @staticmethod
    async def drop_ended_secrets(now: datetime, most: int) -> int:
        """Deletes those that were replaced and are good no more, of at most so many webhooks; of how many."""
        async with raw_connection() as connection:
            return _count(await connection.execute(_DROP, now, most))

    @property
    def is_active(self) -> bool:
        """Whether it is sent what happens, and not only has it kept."""
        return self.state is WebhookState.ACTIVE

    @property
    def host(self) -> str:
        """Where it leads, for people: what stands behind that in an address may be a secret."""
        return urlsplit(self.url).hostname or ""

    def is_of_keys_of(self, user_id: UUID) -> bool:
        """Whether this person has had it made by a program, with an API key, and nobody has taken it over since."""
        return self.api_key_id is not None and self.created_by_id == user_id

    def hears(self, position: int | None) -> bool:
        """Whether it was there when what has this position happened."""
        return position is not None and self.hears_from is not None and self.hears_from <= position

    def wants(self, event_type: str, video_id: UUID | None) -> bool:
        """Whether it is told of an event of this type, about this video."""
        chosen = not self.event_types or event_type in self.event_types
        return chosen and self.video_id in (None, video_id)

    def rotate(self, sealed: str, now: datetime, *, expire_others: bool) -> None:
        """Another secret. The one before is good for another day, and those before it for the rest of theirs.

        With `expire_others` none is from now on. Conflict where there are as many as may be.
        """
        if expire_others:
            self.older_secrets = []
        else:
            self.older_secrets = with_one_more(self.older_secrets, self.sealed_secret, now)
        self.older_until = good_until(self.older_secrets)
        self.sealed_secret, self.updated_at = sealed, now

    def pause(self, reason: PauseReason, now: datetime) -> None:
        """What happens is kept for it from now on; Conflict where it is already."""
        if self.state is WebhookState.PAUSED:
            raise Conflict("problem.webhook_paused")
        self.state, self.pause_reason, self.paused_at, self.updated_at = WebhookState.PAUSED, reason, now, now

    def resume(self, now: datetime) -> None:
        """It is sent what happens again; Conflict where it is."""
        if self.state is WebhookState.ACTIVE:
            raise Conflict("problem.webhook_active")
        self.state, self.paused_at, self.updated_at = WebhookState.ACTIVE, None, now
        self.pause_reason = None  # type: ignore[assignment]

    def delete_softly(self, now: datetime) -> None:
        """It is sent nothing more, and is not seen."""
        self.deleted_at = self.updated_at = now


async def _begin(ids: Sequence[UUID]) -> dict[UUID, int]:
    """Notes from where on new webhooks are told what happens, as far as that is known by now; which do from where."""
    if not ids:
        return {}
    async with raw_connection() as connection:
        rows = await connection.fetch(_BEGIN, [f"webhook:{each}" for each in ids], WebhookCreated.type)
    return {row["id"]: row["hears_from"] for row in rows}


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
