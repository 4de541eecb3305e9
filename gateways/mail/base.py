"""What the product asks of the mail, whoever carries it."""

from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Protocol

from domain.errors import Unavailable


class MailUnavailable(Unavailable):
    """The mail server does not take the mail now; it may later. `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class MailRefused(ValueError):
    """The mail can never be sent: its address is malformed, or the server refuses it for good."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one person: a bare address (`ada@example.org`), a subject of one line and a plain text."""

    to: str
    subject: str
    text: str


class Mailer(Protocol):
    """Carries mails."""

    async def send(self, mail: Mail) -> None:
        """Hand the mail over. Raises `MailUnavailable` (try again) and `MailRefused` (do not)."""
        ...


def parse_sender(sender: str) -> Address:
    """Read `Name <address>`, or an address alone. Raises `MailRefused`."""
    name, address = parseaddr(sender)
    return _address(address, name)


def compose(mail: Mail, sender: Address, now: datetime) -> EmailMessage:
    """The message to send, dated `now`. Raises `MailRefused` for a malformed address.

    No value can add a header: line breaks and other control characters in the subject become spaces, and addresses
    are parsed.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = _address(mail.to)
    message["Subject"] = " ".join("".join(c if c.isprintable() else " " for c in mail.subject).split())
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.domain)
    # Keeps holiday replies away (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message


def _address(text: str, name: str = "") -> Address:
    try:
        address = Address(display_name=name, addr_spec=text)
    except (ValueError, IndexError, MessageError):
        raise MailRefused("A malformed e-mail address.") from None
    # Domains beyond ASCII have an ASCII form; few servers take such mailboxes.
    if not (address.username and address.domain and text.isascii() and text.isprintable()):
        raise MailRefused("A malformed e-mail address.")
    return address
