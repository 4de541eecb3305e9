"""Mails about accounts."""

from uuid import UUID

from domain.jobs import JobKind
from domain.mails import MailKind
from domain.tokens import SIGN_IN_LINK, new_token, token_hash
from models import SignUp, User
from workers.jobs import Work, handles
from workers.mails import deliver


@handles(JobKind.SIGN_IN_MAIL)
async def send_sign_in_mail(work: Work) -> None:
    """Mails the link that ends a sign-up; to who has an account, that they have one. Payload: `sign_up_id`."""
    sign_up = await SignUp.get_or_none(id=UUID(work.job.payload["sign_up_id"]))
    if sign_up is not None:
        await _send(work, sign_up)
    async with work.finishing() as job:
        await job.succeed(work.means.clock())


async def _send(work: Work, sign_up: SignUp) -> None:
    known = await User.locale_of(sign_up.email)
    if known is not None:
        await deliver(work, MailKind.KNOWN, sign_up.email, known, name=sign_up.name)
    else:
        await _send_link(work, sign_up)


async def _send_link(work: Work, sign_up: SignUp) -> None:
    # The token is made here, so that it lies nowhere but in the mail; an attempt after this one makes another.
    token = new_token()
    sign_up.token_hash = token_hash(token)
    sign_up.expires_at = work.means.clock() + SIGN_IN_LINK
    await sign_up.save(update_fields=["token_hash", "expires_at"])
    await deliver(
        work,
        MailKind.WELCOME,
        sign_up.email,
        sign_up.locale,
        link=f"{work.means.public_url}/welcome?token={token}",
        name=sign_up.name,
        team=sign_up.team_name,
        hours=int(SIGN_IN_LINK.total_seconds() // 3600),
    )
