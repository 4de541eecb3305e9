"""Invitations: who is asked into a team, and what became of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pypika_tortoise.terms import Function
from tortoise import fields
from tortoise.expressions import Q, ResolveContext
from tortoise.indexes import Index
from tortoise.query_utils import QueryModifier

from domain.errors import Conflict
from domain.invitations import InvitationState, invitation_state
from domain.links import GOOD_FOR, LinkKind
from domain.permissions import PERMISSIONS, Role
from domain.viewers import AnyViewer
from models.base import TeamRow, choice, in_teams_of
from models.links import MailedLink

_INVITING = PERMISSIONS["member:invite"].holders


class _Expired(Q):
    """Those whose time is over, by the database's clock: a condition is kept, and must hold no moment of ours."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__(expires_at=f"over: {expired}")
        self._expired = expired

    def resolve(self, resolve_context: ResolveContext) -> QueryModifier:
        expires_at, now = resolve_context.table.expires_at, Function("now")
        return QueryModifier(where_criterion=expires_at <= now if self._expired else expires_at > now)


_ENDS = ("accepted_at", "declined_at", "revoked_at")
_OPEN: dict[str, Any] = {f"{end}__isnull": True for end in _ENDS}


class Invitation(TeamRow):
    """An invitation of an address into a team. Seen by those of the team who may invite.

    At most one of an address is open in a team, its time over or not: the migration has a unique index for that, which
    Tortoise cannot say.
    """

    email = fields.CharField(254)
    role = choice(Role)
    sent_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    accepted_at = fields.DatetimeField(null=True)
    declined_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "invitations"
        indexes = [
            Index(fields=["team_id", "created_at", "id"], name="idx_invitations_team_created"),
            Index(fields=["email"], name="idx_invitations_email"),
        ]

    @classmethod
    def visible_to(cls, viewer: AnyViewer) -> Q:
        assert isinstance(_INVITING, frozenset)
        return in_teams_of(viewer, roles=_INVITING)

    @classmethod
    def matching(cls, *, state: InvitationState | None = None) -> Q:
        """Those in one state."""
        match state:
            case None:
                return Q()
            case InvitationState.ACCEPTED:
                return Q(accepted_at__isnull=False)
            case InvitationState.DECLINED:
                return Q(accepted_at__isnull=True, declined_at__isnull=False)
            case InvitationState.REVOKED:
                return Q(accepted_at__isnull=True, declined_at__isnull=True, revoked_at__isnull=False)
        return Q(_Expired(expired=state is InvitationState.EXPIRED), **_OPEN)

    @classmethod
    async def open_for(cls, team_id: UUID, email: str) -> "Invitation | None":
        """The one of this address that can still be mailed again."""
        return await cls.filter(team_id=team_id, email=email, **_OPEN).get_or_none()

    @property
    def is_open(self) -> bool:
        """Whether nothing has become of it yet; its time may be over."""
        return not any(getattr(self, end) for end in _ENDS)

    def require_pending(self, now: datetime) -> None:
        """Conflict unless it can be accepted or declined now."""
        state = invitation_state(self.accepted_at, self.declined_at, self.revoked_at, self.expires_at, now)
        if state is not InvitationState.PENDING:
            raise Conflict("problem.invitation_over")

    async def send(self, now: datetime, locale: str, **values: Any) -> None:
        """Mails it, in the running transaction, with a new link, for seven days; no older one is good any more.

        Conflict once something has become of it.
        """
        self._require_open()
        self.sent_at, self.expires_at = now, now + GOOD_FOR[LinkKind.INVITATION]
        await self.save()
        await self._take_links_back(now)
        await MailedLink.send(LinkKind.INVITATION, self.email, locale, now, subject_id=self.id, **values)

    async def revoke(self, now: datetime) -> None:
        """It cannot be accepted any more; Conflict once something has become of it."""
        self._require_open()
        self.revoked_at = now
        await self.save()
        await self._take_links_back(now)

    def _require_open(self) -> None:
        if not self.is_open:
            raise Conflict("problem.invitation_over")

    async def _take_links_back(self, now: datetime) -> None:
        links = MailedLink.filter(subject_id=self.id, kind=LinkKind.INVITATION, used_at__isnull=True)
        await links.update(used_at=now)
