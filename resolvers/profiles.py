"""Profiles: how somebody is called, where and in which language they read, and their picture."""

import base64
from collections.abc import Collection, Sequence
from typing import Any

from domain.accounts import time_zone as checked_zone
from domain.errors import Conflict, Invalid
from domain.events import AccountEdited
from domain.jobs import JobKind
from domain.notifications import EmailNotifications
from domain.pictures import avatar_folder, picture
from domain.text import one_line
from domain.throttling import AVATAR_OF_PERSON
from models import Job, Notification, User
from models.database import transaction
from resolvers.caller import Caller, hold_asker, origin, require_somebody, tell

_WHEN_MAILED = {"time_zone", "email_notifications"}
"""What decides on when somebody is mailed what is new."""


async def update(
    caller: Caller,
    *,
    name: str | None = None,
    time_zone: str | None = None,
    locale: str | None = None,
    email_notifications: EmailNotifications | None = None,
    locales: Collection[str],
) -> User:
    """Changes what is given of one's own profile; `locales` are those that there are words in."""
    changes = {
        "name": None if name is None else one_line(name, path=("name",), most=100),
        "time_zone": None if time_zone is None else checked_zone(time_zone, path=("timeZone",)),
        "locale": None if locale is None else _known(locale, locales),
        "email_notifications": email_notifications,
    }
    async with transaction():
        user = await hold_asker(caller)
        changed = [what for what, value in changes.items() if value not in (None, getattr(user, what))]
        if changed:
            if "email_notifications" in changed and user.email_notifications == EmailNotifications.NEVER:
                await Notification.pass_over(user.id)  # what came while they wanted no mails is in the app
            user.update_from_dict({what: changes[what] for what in changed})
            if _WHEN_MAILED.intersection(changed):
                user.expect_mail_anew(caller.now())
            await user.save(update_fields=[*changed, "mail_at"])
            await tell(caller, AccountEdited, None, user_id=user.id, changed=changed)
    return user


async def set_avatar(caller: Caller, *, image: str) -> Job:
    """Has a picture made of the PNG, JPEG or WebP in the Base64 text `image`; answers the job.

    The file is small, so it is in the job's row: there is nothing in the storage to be forgotten there. What was sent
    before, and is not made yet, is not made any more. Raises Throttled for who sends too many.
    """
    user_id = require_somebody(caller)
    content = base64.b64encode(picture(image, path=("image",))).decode()
    await caller.throttle.hit(AVATAR_OF_PERSON, str(user_id))
    now = caller.now()
    async with transaction():
        await Job.withdraw(JobKind.AVATAR, user_id, now, **origin(caller))
        await hold_asker(caller)
        return await Job.enqueue(JobKind.AVATAR, now, payload={"content": content}, created_by_id=user_id)


async def remove_avatar(caller: Caller) -> User:
    """Away with one's picture, and with one that is still being made; Conflict where there is neither."""
    user_id, now = require_somebody(caller), caller.now()
    async with transaction():
        withdrawn = await Job.withdraw(JobKind.AVATAR, user_id, now, **origin(caller))
        user = await hold_asker(caller)
        if user.avatar_key is None and not withdrawn:
            raise Conflict("problem.no_avatar")
        if user.avatar_key is not None:
            await Job.discard(avatar_folder(user.avatar_key), now)
            user.avatar_key = None
            await user.save(update_fields=["avatar_key"])
            await tell(caller, AccountEdited, None, user_id=user.id, changed=["avatar"])
    return user


async def avatar_urls(caller: Caller, rows: Sequence[Any]) -> list[str | None]:
    """Signed links to the pictures (WebP), None for who has none."""
    valid = int(caller.rules.link.total_seconds())
    keys = [row["avatar_key"] for row in rows]
    return [key and await caller.storage.read_url(key, expires_in=valid, content_type="image/webp") for key in keys]


def _known(locale: str, locales: Collection[str]) -> str:
    if locale not in locales:
        raise Invalid("problem.locale", path=("locale",), known=sorted(locales))
    return locale
