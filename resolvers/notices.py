"""Telling people by mail what has happened to their account."""

from datetime import datetime
from typing import Any

from domain.jobs import JobKind
from domain.mails import MailKind, mail_payload
from models import Job, User


async def notify(user: User, kind: MailKind, now: datetime, **values: Any) -> None:
    """Has it mailed once the running transaction has committed; `values` fill the text, beside the person's name."""
    payload = mail_payload(kind, user.email, user.locale, name=user.name, **values)
    await Job.enqueue(JobKind.MAIL, now, payload=payload)
