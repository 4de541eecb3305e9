"""Mailing links."""

from uuid import UUID

from domain.jobs import JobFault, JobKind
from domain.links import GOOD_FOR, PATHS
from gateways.mail import Mail, MailRefused
from i18n import translate
from models import MailedLink
from workers.jobs import JobFailure, Work, handles


@handles(JobKind.LINK_MAIL)
async def send_link_mail(work: Work) -> None:
    """Mails a link, unless it has been used or taken back meanwhile. Payload: `link_id`."""
    link = await MailedLink.get_or_none(id=UUID(work.job.payload["link_id"]), used_at__isnull=True)
    if link is not None:
        token = await link.arm(work.means.clock())
        try:
            await work.means.mailer.send(_mail(link, f"{work.means.public_url}{PATHS[link.kind]}?token={token}"))
        except MailRefused as error:
            raise JobFailure(JobFault.MAIL_REFUSED) from error
    async with work.finishing() as job:
        await job.succeed(work.means.clock())


def _mail(link: MailedLink, url: str) -> Mail:
    hours = int(GOOD_FOR[link.kind].total_seconds() // 3600)
    values = {"hours": hours, "days": hours // 24, **link.values}
    subject = translate(link.locale, f"mail.{link.kind}.subject", **values)
    return Mail(
        to=link.email, subject=subject, text=translate(link.locale, f"mail.{link.kind}.text", link=url, **values)
    )
