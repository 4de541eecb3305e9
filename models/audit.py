"""The audit log: what people have done, for those who answer for the team."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.expressions import Q
from tortoise.indexes import Index

from domain.permissions import Role, allows
from domain.viewers import NOBODY, AnyViewer, ScopeViewer
from models.accounts import Session
from models.base import Row, in_teams_of
from models.database import row_of
from models.indexes import PartialIndex, SearchIndex

KEEP = """
INSERT INTO audit_entries
    (id, created_at, position, type, team_id, actor_id, subjects, details, request_id, address, device, api_key_prefix)
SELECT id, created_at, position, type, team_id, actor_id,
    ARRAY(
        SELECT named FROM unnest(subjects) WITH ORDINALITY AS given (named, place)
        CROSS JOIN LATERAL (SELECT split_part(named, ':', 1) AS noun) AS of
        WHERE noun <> 'team' OR noun = split_part(type, '.', 1)
        ORDER BY noun <> split_part(type, '.', 1), place
    ),
    (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(payload) WHERE key NOT LIKE '%\\_id'),
    request_id, address, device, (SELECT prefix FROM api_keys WHERE api_keys.id = api_key_id)
FROM events WHERE actor_id <> $1 AND
"""
"""Keeps those events that a condition, which follows, selects, and that somebody ($1 is nobody) is behind."""
_READERS = frozenset(role for role in Role if allows(role, "audit:view"))


class AuditEntry(Row):
    """An event with a person behind it, kept as it happened: nothing changes an entry.

    Nothing takes a single one away either; with a team that is removed for good goes the whole of its log. Its id is
    the event's, so that one event never makes two. People and things are named by their ids alone: an entry outlives
    them. `subjects` are `noun:id`, what it is about before what else it names; the team is none.
    """

    position = fields.BigIntField()
    type = fields.CharField(50)
    team_id = fields.UUIDField(null=True)
    actor_id = fields.UUIDField(null=True)
    subjects: list[str] = ArrayField("text")
    details: fields.JSONField[dict[str, Any]] = fields.JSONField()
    """What else the event tells, without the ids."""
    request_id = fields.CharField(64, null=True)
    address = fields.CharField(45, null=True)
    device = fields.CharField(200, null=True)
    api_key_prefix = fields.CharField(20, null=True)
    """The beginning of the API key that it was done with: the key itself does not outlive its end for long."""

    class Meta:
        table = "audit_entries"
        indexes = [
            Index(fields=["team_id", "created_at", "id"], name="idx_audit_entries_team_created"),
            Index(fields=["team_id", "actor_id", "created_at", "id"], name="idx_audit_entries_team_actor_created"),
            Index(fields=["team_id", "type", "created_at", "id"], name="idx_audit_entries_team_type_created"),
            SearchIndex(fields=["subjects"], name="idx_audit_entries_subjects"),
            PartialIndex(
                fields=["actor_id", "created_at", "id"], name="idx_audit_entries_own", where="team_id IS NULL"
            ),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        """A team's to those who may read its log; what has no team to whoever did it, by a session."""
        of_teams = Q(in_teams_of(viewer, roles=_READERS), team_id__isnull=False)
        if isinstance(viewer, ScopeViewer):
            return of_teams
        return Q(of_teams, cls.outside_of_teams() & Session.own(viewer, "actor_id"), join_type=Q.OR)

    @classmethod
    def outside_of_teams(cls) -> Q:
        """What people have done to their accounts."""
        return Q(team_id__isnull=True)

    @classmethod
    def matching(
        cls,
        *,
        actor_id: UUID | None = None,
        types: Sequence[str] = (),
        subject: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Q:
        """The log's filter: any of `types`; `subject` (`noun:id`) among what it names; `since` ≤ when < `until`."""
        given: dict[str, Any] = {"actor_id": actor_id, "created_at__gte": since, "created_at__lt": until}
        found = Q(**{name: value for name, value in given.items() if value is not None})
        if types:
            found &= Q(type__in=sorted(set(types)))
        if subject is not None:
            found &= Q(subjects__contains=[subject])
        return found

    @classmethod
    async def keep(cls, event_ids: Collection[UUID]) -> None:
        """Makes entries of those of the events that have a person behind them and are not kept yet."""
        await row_of(f"{KEEP} id = ANY($2) ON CONFLICT (id) DO NOTHING", (NOBODY, list(event_ids)))
