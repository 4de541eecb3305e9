"""Changing the address of an account: both addresses must agree."""

from datetime import datetime
from typing import Any

from tortoise.exceptions import IntegrityError

from domain.errors import Conflict
from domain.events import EmailChanged, EmailChangeRequested, EmailConfirmed
from domain.ids import new_id
from domain.links import LinkKind
from domain.mails import MailKind
from domain.text import email_address
from models import MailedLink, User
from models.database import transaction
from models.mails import send_mail
from resolvers.caller import Caller, tell
from resolvers.credentials import mailing, prove, still_proven
from resolvers.notices import notify

BOTH = (LinkKind.EMAIL_CHANGE_OLD, LinkKind.EMAIL_CHANGE_NEW)


async def request_change(caller: Caller, *, new_email: str, password: str) -> None:
    """Mails a link to the old address and one to the new, in the place of those of an earlier wish.

    Whether somebody has the new address finds out who mails it, and tells them alone.
    """
    address = email_address(new_email, path=("newEmail",))
    user = await prove(caller, password, "password")
    if address == user.email:
        raise Conflict("problem.same_email", path=("newEmail",))
    await mailing(caller, address)
    async with transaction():
        held, now = await still_proven(caller, user), caller.now()
        await MailedLink.take_back(held.id, *BOTH, now=now)
        about: dict[str, Any] = {"user_id": held.id, "subject_id": new_id(), "name": held.name, "email": address}
        for kind, to in zip(BOTH, (held.email, address), strict=True):
            await MailedLink.send(kind, to, held.locale, now, **about)
        await tell(caller, EmailChangeRequested, None, user_id=held.id)


async def confirm_change(caller: Caller, *, token: str) -> bool:
    """Follows one of the two links; whether the address has changed by that."""
    try:
        return await _confirm(caller, token)
    except IntegrityError:  # somebody took the address within these milliseconds: now that can be seen
        return await _confirm(caller, token)


async def _confirm(caller: Caller, token: str) -> bool:
    now = caller.now()
    async with transaction():
        link, user = await MailedLink.behind_of_person(token, *BOTH, now=now)
        await link.use_up(now)
        pair = {row.kind: row for row in await MailedLink.filter(subject_id=link.subject_id)}
        agreed = pair.keys() == set(BOTH) and all(row.used_at is not None for row in pair.values())
        changes = agreed and await _is_free(pair[LinkKind.EMAIL_CHANGE_NEW].email, now)
        if changes:
            await _move(caller, user, pair[LinkKind.EMAIL_CHANGE_NEW].email)
        else:
            await tell(caller, EmailConfirmed, None, by=user.id, user_id=user.id)
    return changes


async def _is_free(address: str, now: datetime) -> bool:
    """Whether nobody has the address; who has it is told that somebody wanted it."""
    owner = await User.get_or_none(email=address)
    if owner is not None:
        await notify(owner, MailKind.EMAIL_TAKEN, now)
    return owner is None


async def _move(caller: Caller, user: User, address: str) -> None:
    now, before = caller.now(), user.email
    user.email = address
    await user.save(update_fields=["email"])
    await tell(caller, EmailChanged, None, by=user.id, user_id=user.id)
    for to in (before, address):
        about = {"name": user.name, "email": address}
        await send_mail(MailKind.EMAIL_CHANGED, to, user.locale, now, user_id=user.id, **about)
