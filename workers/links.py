"""Mailing links."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from domain.jobs import JobKind
from domain.links import GOOD_FOR, PATHS, LinkKind
from domain.mails import MailKind
from models import MailedLink, User
from models.database import transaction
from models.mails import send_mail
from workers.jobs import Work, handles
from workers.mails import deliver


@handles(JobKind.LINK_MAIL)
async def send_link_mail(work: Work) -> None:
    """Mails a link, unless it has been used or taken back meanwhile. Payload: `link_id`."""
    link = await MailedLink.get_or_none(id=UUID(work.job.payload["link_id"]), used_at__isnull=True)
    if link is not None and await _is_wanted(link, work.means.clock()):
        await _send(work, link)
    async with work.finishing() as job:
        await job.succeed(work.means.clock())


async def _of_a_person(link: MailedLink, now: datetime) -> bool:
    """A link for a new password goes to who has the address; where nobody has it, nobody gets it."""
    del now
    user = await User.get_or_none(email=link.email)
    if user is None:
        return False
    link.user_id, link.values = user.id, {"name": user.name}
    await link.save(update_fields=["user_id", "values"])
    return True


async def _of_nobody(link: MailedLink, now: datetime) -> bool:
    """Whose address somebody else wants as theirs hears of that instead: once, since the link goes."""
    owner = await User.get_or_none(email=link.email)
    if owner is not None:
        async with transaction():
            await link.delete()
            to = (owner.email, owner.locale)
            await send_mail(MailKind.EMAIL_TAKEN, *to, now, user_id=owner.id, name=owner.name)
    return owner is None


READY: dict[LinkKind, Callable[[MailedLink, datetime], Awaitable[bool]]] = {
    LinkKind.PASSWORD_RESET: _of_a_person,
    LinkKind.EMAIL_CHANGE_NEW: _of_nobody,
}
"""What is to be found out before one is mailed, out of sight of who has asked for it: whether it is mailed at all."""


async def _is_wanted(link: MailedLink, now: datetime) -> bool:
    ready = READY.get(link.kind)
    return ready is None or await ready(link, now)


async def _send(work: Work, link: MailedLink) -> None:
    token = await link.arm(work.means.clock())
    hours = int(GOOD_FOR[link.kind].total_seconds() // 3600)
    await deliver(
        work,
        MailKind(link.kind.value),
        link.email,
        await User.locale_of(link.email, link.user_id) or link.locale,
        link=f"{work.means.public_url}{PATHS[link.kind]}?token={token}",
        **{"hours": hours, "days": hours // 24, **link.values},
    )
