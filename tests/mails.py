"""The mails that the product has sent, read from the mailbox."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path

from tests.studio import Studio
from tests.waiting import until


def all_mails_to(studio: Studio, email: str) -> list[EmailMessage]:
    """The mails to that address so far, in their order."""
    found = [_read(file) for file in sorted(studio.mailbox.glob("*.eml"))]
    return [mail for to, mail in found if to == email]


@cache
def _read(file: Path) -> tuple[str, EmailMessage]:
    """To whom, and what: a mail is whole as soon as it is there, and who waits for one looks at all every time."""
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    return str(mail["To"]), mail


def mails_to(studio: Studio, email: str) -> dict[str, EmailMessage]:
    """The mails to that address so far, by their subjects."""
    return {mail["Subject"]: mail for mail in all_mails_to(studio, email)}


async def mail_to(studio: Studio, email: str, subject: str) -> str:
    """The text of the mail with that subject, once it has come."""
    await until(lambda: subject in mails_to(studio, email), 20)
    return plain(mails_to(studio, email)[subject])


def plain(mail: EmailMessage) -> str:
    """The mail's plain text, without what keeps addresses in it from becoming links."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\u200a", "")


def token_in(text: str, studio: Studio, path: str) -> str:
    """The token of the one link in a mail, which leads to our page at `path`."""
    (token,) = re.findall(rf"{re.escape(studio.url + path)}\?token=([\w-]{{43}})", text)
    return str(token)
