"""From `SMTP_URL` to a mailer."""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from domain.clock import Clock, utc_now
from gateways.mail.base import Mailer, parse_sender

if TYPE_CHECKING:
    from gateways.mail.smtp import SmtpServer

_PORTS = {"smtp": 587, "smtps": 465}


def open_mailer(
    url: str,
    sender: str,
    *,
    bounces_to: str = "",
    ca_file: Path | None = None,
    connections: int = 4,
    clock: Clock = utc_now,
) -> Mailer:
    """The mailer that `url` names; `sender` is `Name <address>`, and `bounces_to` an address, or nothing.

    It opens at most so many `connections`, when they are needed; `close` ends them.

    `smtp://user:password@host:587` (encrypted by STARTTLS, without fail if there is a user), `smtps://…:465` (encrypted
    from the start) or `mailbox:/absolute/folder`. The server's certificate has to be signed by who `ca_file` names
    (PEM), or else by who the system trusts. Raises ValueError, without repeating the URL, for any other.
    """
    address, people = urlsplit(url), parse_sender(sender, bounces_to)
    if address.scheme in _PORTS and address.hostname:
        # Here, not above: who only reads the mailbox need not load them.
        from gateways.mail.connections import Bounds
        from gateways.mail.smtp import SmtpMailer

        return SmtpMailer(_server(address, address.hostname, ca_file), people, clock, Bounds(connections))
    if folder := mailbox_folder(url):
        from gateways.mail.mailbox import MailboxMailer

        return MailboxMailer(folder, people, clock)
    raise ValueError("SMTP_URL is none of smtp://host:port, smtps://host:port and mailbox:/absolute/folder.")


def mailbox_folder(url: str) -> Path | None:
    """The folder of `mailbox:/absolute/folder`; None for any other address."""
    address = urlsplit(url)
    local = address.scheme == "mailbox" and not address.netloc and address.path.startswith("/")
    return Path(unquote(address.path)) if local else None


def _server(address: SplitResult, host: str, ca_file: Path | None) -> "SmtpServer":
    from gateways.mail.smtp import SmtpServer

    return SmtpServer(
        host=host,
        port=address.port or _PORTS[address.scheme],
        tls=address.scheme == "smtps",
        trust=_trust(ca_file),
        user=unquote(address.username) if address.username else None,
        password=unquote(address.password) if address.password else None,
    )


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"MAIL_CA_FILE has no certificates that can be read: {error.strerror or error}.") from error
