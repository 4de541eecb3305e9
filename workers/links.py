"""Mailing links."""

from uuid import UUID

from domain.jobs import JobKind
from domain.links import GOOD_FOR, PATHS
from domain.mails import MailKind
from models import MailedLink
from workers.jobs import Work, handles
from workers.mails import deliver


@handles(JobKind.LINK_MAIL)
async def send_link_mail(work: Work) -> None:
    """Mails a link, unless it has been used or taken back meanwhile. Payload: `link_id`."""
    link = await MailedLink.get_or_none(id=UUID(work.job.payload["link_id"]), used_at__isnull=True)
    if link is not None:
        await _send(work, link)
    async with work.finishing() as job:
        await job.succeed(work.means.clock())


async def _send(work: Work, link: MailedLink) -> None:
    token = await link.arm(work.means.clock())
    hours = int(GOOD_FOR[link.kind].total_seconds() // 3600)
    await deliver(
        work,
        MailKind(link.kind.value),
        link.email,
        link.locale,
        link=f"{work.means.public_url}{PATHS[link.kind]}?token={token}",
        **{"hours": hours, "days": hours // 24, **link.values},
    )
