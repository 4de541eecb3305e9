"""Mails that jobs send."""

from dataclasses import replace
from uuid import UUID

from domain.jobs import JobKind
from domain.mails import MailKind
from gateways.mail import Mail
from models import User
from workers.jobs import Work, handles
from workers.mails.composing import NOTHING, compose


@handles(JobKind.MAIL)
async def send_mail(work: Work) -> None:
    """Sends a mail that needs nothing but values. Payload: see `domain.mails.mail_payload`."""
    payload = work.job.payload
    user_id = payload.get("user_id")
    mail = compose(
        MailKind(payload["kind"]),
        payload["to"],
        await User.locale_of(payload["to"], user_id and UUID(user_id)) or payload["locale"],
        link=payload.get("link"),
        unsubscribe=payload.get("unsubscribe"),
        public_url=work.means.public_url,
        **payload["values"],
    )
    await hand_over(work, mail, reference=work.job.id.hex)
    async with work.finishing() as job:
        await job.succeed(work.means.clock())


async def deliver(
    work: Work,
    kind: MailKind,
    to: str,
    locale: str,
    *,
    link: str | None = None,
    unsubscribe: str | None = None,
    **values: object,
) -> None:
    """Composes a mail (see `compose`) and sends it, on behalf of a job whose next step is to finish.

    What the mailer raises goes through to the attempt: it tries again later, or ends the job as MAIL_REFUSED.
    """
    mail = compose(
        kind,
        to,
        locale,
        link=link,
        unsubscribe=unsubscribe,
        public_url=work.means.public_url,
        listing=NOTHING,
        **values,
    )
    # Each attempt may make a link of its own, so that the mails of two attempts are two mails.
    await hand_over(work, mail, reference=f"{work.job.id.hex}-{work.job.attempt}")


async def hand_over(work: Work, mail: Mail, *, reference: str) -> None:
    """Sends a mail on behalf of a job whose next step is to finish. `reference` as in `Mail`."""
    # A worker that is told to stop lets the mail go and the job finish: given back, the mail would be sent again.
    with work.unbroken():
        await work.means.mailer.send(replace(mail, reference=reference))
