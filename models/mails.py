"""Mails that need no link."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.jobs import JobKind
from domain.mails import MailKind, mail_payload
from models.jobs import Job


async def send_mail(
    kind: MailKind, to: str, locale: str, now: datetime, *, user_id: UUID | None = None, **values: Any
) -> None:
    """Mails a notice once the running transaction has committed; see `mail_payload`."""
    await Job.enqueue(JobKind.MAIL, now, payload=mail_payload(kind, to, locale, user_id=user_id, **values))
