"""What is new for somebody: said in sentences, marked as read, followed, and mailed no more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import Conflict, Invalid
from domain.events import AccountEdited, NotificationsRead
from domain.notifications import MOST_MARKED, EmailNotifications, Sentence, unsubscribing
from models import Notification, User
from models.database import transaction
from models.events import record
from models.notifications import Told, sentences
from resolvers.caller import Caller, Following, hold_asker, origin, require_somebody, tell


async def said(caller: Caller, rows: Sequence[Any]) -> list[Sentence]:
    """What the notifications of these rows say to the caller."""
    told = [Told(row["kind"], row["people"], row["count"], row["video_id"]) for row in rows]
    return await sentences(caller.viewer, told)


async def mark_read(caller: Caller, *, ids: Sequence[UUID] | None = None, until: datetime | None = None) -> User:
    """Marks those of these ids, or else all up to a moment, as read.

    Who has them on their other devices hears of it; no log says what somebody has looked at.
    """
    if (ids is None) == (until is None):
        raise Invalid("problem.read_which", path=("ids",))
    if ids is not None and len(ids) > MOST_MARKED:
        raise Invalid("problem.too_many", path=("ids",), most=MOST_MARKED)
    async with transaction():
        user = await hold_asker(caller)
        count = await Notification.read(caller.viewer, caller.now(), ids=ids or (), until=until)
        if count:
            read = NotificationsRead(team_id=None, actor_id=None, notified_id=user.id, count=count)
            await record(read, caller.now(), **origin(caller))
    return user


async def watch(caller: Caller) -> Following:
    """Where the caller is told what is new for them."""
    return Following([f"notified:{require_somebody(caller)}"], None)


async def unsubscribe(caller: Caller, *, token: str) -> None:
    """Whose mail has this token is mailed about what is new no more, whoever shows it: it is good for nothing else.

    Conflict for what is no such token. To do it twice is no mistake.
    """
    user_id = unsubscribing(caller.rules.keys, token)
    if user_id is None:
        raise Conflict("problem.link_over", path=("token",))
    async with transaction():
        user = await User.hold(user_id)
        if user.email_notifications != EmailNotifications.NEVER:
            user.email_notifications = EmailNotifications.NEVER
            user.expect_mail_anew(caller.now())
            await user.save(update_fields=["email_notifications", "mail_at"])
            await tell(caller, AccountEdited, None, by=user.id, user_id=user.id, changed=["email_notifications"])
