"""Mail by SMTP."""

import asyncio
import contextlib
import re
import ssl
from dataclasses import dataclass

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from domain.clock import Clock
from gateways.mail.base import Mail, MailDeferred, MailRefused, MailUnavailable, Sender
from gateways.mail.connections import Bounds, Connection, Connections
from gateways.mail.message import compose

_TEMPORARY = range(400, 500)
_PERMANENT = range(500, 600)
_CLOSING = 421
_OURS = frozenset({500, 501, 502, 503, 504, 530, 534, 535, 538})
"""Syntax, sequence, and who we are: nothing about the mail, and for an operator to repair."""
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_RESET_SECONDS = 5


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how to connect. `tls` means from the first byte; otherwise the connection is upgraded if it can be."""

    host: str
    port: int
    tls: bool
    trust: ssl.SSLContext
    user: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class _Letter:
    """What crosses the line."""

    sender: str
    to: str
    message: bytes


class SmtpMailer:
    """Hands each mail to a server over one of a few kept connections.

    `seconds` is how long it may take to reach the server and to name the addresses, and then again to hand over the
    mail.
    """

    def __init__(
        self, server: SmtpServer, sender: Sender, clock: Clock, bounds: Bounds, *, seconds: float = 30
    ) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._seconds = seconds
        self._connections = Connections(self._connect, bounds)

    async def send(self, mail: Mail) -> None:
        """See `Mailer`. Once the server has taken the mail, this returns: it is never handed over twice."""
        message = compose(mail, self._sender, self._clock())
        letter = _Letter(self._sender.envelope(mail.reference), mail.to, message.as_bytes())
        try:
            async with contextlib.AsyncExitStack() as held:
                async with asyncio.timeout(self._seconds):
                    await held.enter_async_context(self._connections.slots)
                    connection = await self._addressed(letter)
                await self._hand_over(connection, letter)
        except SMTPException as error:
            raise _failure(error) from error
        except OSError as error:  # TimeoutError is one, and so is a certificate that is not trusted
            raise MailUnavailable(f"The mail server cannot be reached: {_reason(error)}.") from error

    async def close(self) -> None:
        """See `Mailer`."""
        await self._connections.close()

    async def _addressed(self, letter: _Letter) -> Connection:
        """A connection whose server waits for the content of the letter.

        One that was dropped while it was kept is replaced: no more than addresses can have been said over it.
        """
        connection = await self._connections.take()
        try:
            await self._name_addresses(connection, letter)
        except (SMTPException, OSError):
            if not connection.used or connection.smtp.is_connected:
                raise
            connection = await self._connections.new()
            await self._name_addresses(connection, letter)
        return connection

    async def _name_addresses(self, connection: Connection, letter: _Letter) -> None:
        try:
            await connection.smtp.mail(letter.sender)
            await connection.smtp.rcpt(letter.to)
        except SMTPResponseException:  # about these addresses: the connection is good for others
            await self._keep_after_refusal(connection)
            raise
        except BaseException:  # nobody knows what the server waits for
            connection.smtp.close()
            raise

    async def _keep_after_refusal(self, connection: Connection) -> None:
        try:
            await connection.smtp.rset(timeout=_RESET_SECONDS)
        except (SMTPException, OSError):
            connection.smtp.close()
        else:
            self._connections.give_back(connection)

    async def _hand_over(self, connection: Connection, letter: _Letter) -> None:
        # No `asyncio.timeout` around this: it could drop an answer that comes at the very end of the time.
        try:
            await connection.smtp.data(letter.message, timeout=self._seconds)
        except BaseException:
            connection.smtp.close()
            raise
        self._connections.give_back(connection)

    async def _connect(self) -> SMTP:
        server = self._server
        smtp = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            # The default asks the name service, which may be slow to say that it does not know.
            local_hostname=self._sender.author.domain,
            use_tls=server.tls,
            # A password never crosses the line in the clear; without one, as safe as the server allows.
            start_tls=True if server.user and not server.tls else None,
            tls_context=server.trust,
            timeout=self._seconds,
        )
        await smtp.connect()
        return smtp


def _failure(error: SMTPException) -> MailRefused | MailUnavailable:
    """What the server says about this recipient or this message is final or temporary; the rest is for us to repair."""
    about_mail = isinstance(error, SMTPRecipientRefused | SMTPDataError)
    if isinstance(error, SMTPResponseException) and error.code not in _OURS:
        if about_mail and error.code in _PERMANENT:
            return MailRefused(f"The mail server refuses the mail: {_reason(error)}.")
        if (about_mail or isinstance(error, SMTPSenderRefused)) and error.code in _TEMPORARY and error.code != _CLOSING:
            return MailDeferred(f"The mail server defers the mail: {_reason(error)}.")
    return MailUnavailable(f"The mail server does not take the mail: {_reason(error)}.")


def _reason(error: BaseException) -> str:
    """For the log: codes and kinds, no sentences of the server's, which may repeat addresses."""
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if not isinstance(error, SMTPResponseException):
        return type(error.__cause__ or error).__name__
    enhanced = _ENHANCED.match(str(error.message))
    return f"{type(error).__name__} {error.code}{' ' + enhanced[0] if enhanced else ''}"
