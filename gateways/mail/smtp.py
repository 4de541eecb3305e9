"""Mail by SMTP."""

import asyncio
from dataclasses import dataclass
from email.headerregistry import Address

import aiosmtplib

from domain.clock import Clock
from gateways.mail.base import Mail, MailRefused, MailUnavailable, compose

_PERMANENT = range(500, 600)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how to connect. `tls` means from the first byte; otherwise the connection is upgraded if it can be."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = None


class SmtpMailer:
    """Hands each mail to a server, over a connection of its own, within `seconds`."""

    def __init__(self, server: SmtpServer, sender: Address, clock: Clock, *, seconds: float = 30) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._seconds = seconds

    async def send(self, mail: Mail) -> None:
        """See `Mailer`."""
        message = compose(mail, self._sender, self._clock())
        server = self._server
        try:
            async with asyncio.timeout(self._seconds):
                await aiosmtplib.send(
                    message,
                    hostname=server.host,
                    port=server.port,
                    username=server.user,
                    password=server.password,
                    # The default asks the name service, which may be slow to say that it does not know.
                    local_hostname=self._sender.domain,
                    use_tls=server.tls,
                    # A password never crosses the line in the clear; without one, as safe as the server allows.
                    start_tls=True if server.user and not server.tls else None,
                    timeout=self._seconds,
                )
        except aiosmtplib.SMTPException as error:
            raise _failure(error) from error
        except OSError as error:  # TimeoutError is one.
            raise MailUnavailable(f"The mail server cannot be reached: {type(error).__name__}.") from error


def _failure(error: aiosmtplib.SMTPException) -> MailRefused | MailUnavailable:
    # Only what the server says about this recipient or this message is final; a refused login is ours to repair.
    refusals = error.recipients if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else [error]
    codes = [refusal.code for refusal in refusals if isinstance(refusal, aiosmtplib.SMTPResponseException)]
    about_mail = isinstance(error, aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPDataError)
    if about_mail and codes and all(code in _PERMANENT for code in codes):
        return MailRefused(f"The mail server refuses the mail: {codes[0]}.")
    return MailUnavailable(f"The mail server does not take the mail: {type(error).__name__} {codes}.")
