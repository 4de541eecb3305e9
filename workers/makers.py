"""Who made a webhook: whom its mails go to, and what becomes of it when they look after it no more."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import Q

from domain.events import AccountDeleted, Event, MemberLeft, MemberRemoved, MemberRoleChanged
from domain.mails import MailKind
from domain.permissions import Role, allows
from domain.webhooks.states import WebhookState
from models import EventRecord, Team, User, Webhook
from models.mails import send_mail
from models.teams import may, owners

ACTION = "webhook:view"
MOST_HOSTS = 10
"""That a mail names."""


async def makers(webhook: Webhook) -> Collection[User]:
    """Who made it or, if they look after it no more, who owns the team."""
    if await may(webhook.created_by_id, ACTION, webhook.team_id):
        return [await User.get(id=webhook.created_by_id)]
    return await owners(webhook.team_id)


async def tell_owners(record: EventRecord, now: datetime) -> None:
    """Mails a team's owners where somebody cannot look after webhooks any more that go on, or can be resumed.

    They know the secrets. What they had made with keys and goes on yet is about to be paused, and told of by that.
    """
    event = record.event()
    if event.team_id is None or not (user_id := _who_lost(event)) or await may(user_id, ACTION, event.team_id):
        return
    told_elsewhere = Q(state=WebhookState.ACTIVE, api_key_id__isnull=False)
    theirs = Webhook.filter(Webhook.kept(), ~told_elsewhere, team_id=event.team_id, created_by_id=user_id)
    if not (hosts := sorted({webhook.host for webhook in await theirs})):
        return
    team = await Team.get(id=event.team_id)
    about: dict[str, Any] = {"team": team.name, "hosts": hosts[:MOST_HOSTS]}
    for person in await owners(team.id):
        about |= {"user_id": person.id, "name": person.name}
        await send_mail(MailKind.WEBHOOK_MAKER_GONE, person.email, person.locale, now, **about)


def _who_lost(event: Event) -> UUID | None:
    """Who could look after webhooks until then, and perhaps cannot any more."""
    match event:
        case MemberLeft(user_id=user_id, role=role) | MemberRemoved(user_id=user_id, role=role):
            return user_id if allows(Role(role), ACTION) else None
        case MemberRoleChanged(user_id=user_id, former_role=role):
            return user_id if allows(Role(role), ACTION) else None
        case AccountDeleted(user_id=user_id):
            return user_id
    return None
