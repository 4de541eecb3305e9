"""From `SMTP_URL` to a mailer."""

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from domain.clock import Clock, utc_now
from gateways.mail.base import Mailer, parse_sender
from gateways.mail.mailbox import MailboxMailer
from gateways.mail.smtp import SmtpMailer, SmtpServer

_PORTS = {"smtp": 587, "smtps": 465}


def open_mailer(url: str, sender: str, *, clock: Clock = utc_now) -> Mailer:
    """The mailer that `url` names; `sender` is `Name <address>`.

    `smtp://user:password@host:587` (encrypted by STARTTLS, without fail if there is a user), `smtps://…:465` (encrypted
    from the start) or `mailbox:/absolute/folder`. Raises ValueError, without repeating the URL, for any other.
    """
    address = urlsplit(url)
    if address.scheme in _PORTS and address.hostname:
        return SmtpMailer(_server(address, address.hostname), parse_sender(sender), clock)
    if address.scheme == "mailbox" and not address.netloc and address.path.startswith("/"):
        return MailboxMailer(Path(unquote(address.path)), parse_sender(sender), clock)
    raise ValueError("SMTP_URL is none of smtp://host:port, smtps://host:port and mailbox:/absolute/folder.")


def _server(address: SplitResult, host: str) -> SmtpServer:
    return SmtpServer(
        host=host,
        port=address.port or _PORTS[address.scheme],
        tls=address.scheme == "smtps",
        user=unquote(address.username) if address.username else None,
        password=unquote(address.password) if address.password else None,
    )
