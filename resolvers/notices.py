"""Telling people by mail what has happened to their account."""

from datetime import datetime
from typing import Any

from domain.mails import MailKind
from models import User
from models.mails import send_mail


async def notify(user: User, kind: MailKind, now: datetime, **values: Any) -> None:
    """Has it mailed once the running transaction has committed; `values` fill the text, beside the person's name."""
    await send_mail(kind, user.email, user.locale, now, user_id=user.id, name=user.name, **values)
