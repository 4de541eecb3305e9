"""Mails that need no link."""

from datetime import datetime
from typing import Any

from domain.jobs import JobKind
from domain.mails import MailKind, mail_payload
from models.jobs import Job


async def send_mail(kind: MailKind, to: str, locale: str, now: datetime, **values: Any) -> None:
    """Mails a notice once the running transaction has committed; `values` fill the braces of its words."""
    await Job.enqueue(JobKind.MAIL, now, payload=mail_payload(kind, to, locale, **values))
