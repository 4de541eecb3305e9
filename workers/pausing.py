"""Pausing a webhook without anybody having asked: its makers are told."""

from datetime import datetime
from uuid import UUID

from domain.events import WebhookPaused
from domain.mails import MailKind
from domain.webhooks.states import PauseReason, WebhookState
from models import Team, Webhook
from models.database import transaction
from models.events import record
from models.mails import send_mail
from workers.makers import makers

_MAILS = {
    PauseReason.GONE: MailKind.WEBHOOK_GONE,
    PauseReason.FAILING: MailKind.WEBHOOK_FAILING,
    PauseReason.KEY_ENDED: MailKind.WEBHOOK_KEY_ENDED,
}


async def pause(webhook_id: UUID, reason: PauseReason, now: datetime) -> None:
    """Pauses it, unless it is by now, or is gone."""
    async with transaction():
        active = Webhook.filter(Webhook.kept(), id=webhook_id, state=WebhookState.ACTIVE)
        # As who changes it does, and not as who deletes it: deliveries that are being made hold theirs, too, and who
        # pauses several at once would wait for them while they wait for it.
        webhook = await active.select_for_update(no_key=True).get_or_none()
        if webhook is None:
            return
        webhook.pause(reason, now)
        await webhook.save(update_fields=["state", "pause_reason", "paused_at", "updated_at"])
        paused = WebhookPaused(
            team_id=webhook.team_id, actor_id=None, webhook_id=webhook.id, reason=webhook.pause_reason.value
        )
        await record(paused, now)
        await _mail(webhook, now)


async def pause_keyless(now: datetime) -> None:
    """Pauses those that were made with a key that is good no more."""
    for webhook_id in await Webhook.keyless(now):
        await pause(webhook_id, PauseReason.KEY_ENDED, now)


async def _mail(webhook: Webhook, now: datetime) -> None:
    """Mails who made it or, if they look after it no more, who owns the team."""
    assert webhook.pause_reason is not None
    team = await Team.get(id=webhook.team_id)
    values = {"team": team.name, "host": webhook.host}
    for person in await makers(webhook):
        kind = _MAILS[webhook.pause_reason]
        await send_mail(kind, person.email, person.locale, now, user_id=person.id, name=person.name, **values)
