"""Real mail servers, and what they have to show for themselves."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


def read(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage, subtype: str = "plain") -> str:
    return message.get_body((subtype,)).get_content().replace("\r\n", "\n")


class Inbox:
    """Keeps what it gets, and every connection; answers what it is told to, by the name before the @."""

    def __init__(self, **answers: str) -> None:
        self.answers = {"nobody": "550 5.1.1 no such mailbox", "busy": "451 4.7.1 come again"} | answers
        self.envelopes: list[Envelope] = []
        self.lines: list[SMTP] = []
        self.farewells = 0
        self.drops = 0
        self.port = 0
        self.open = asyncio.Event()
        self.open.set()

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]):  # noqa: N802
        if self.drops:
            self.drops -= 1
            server.transport.close()
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]):  # noqa: N802
        if answer := self.answers.get(address.partition("@")[0]):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await self.open.wait()
        self.envelopes.append(envelope)
        answer = self.answers.get(f"data_{envelope.rcpt_tos[0].partition('@')[0]}", "250 OK")
        if answer == "drop":
            server.transport.close()
        return answer

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.farewells += 1
        return "221 Bye"

    def hang_up(self) -> None:
        """Closes every connection, as a server does that is started anew."""
        for line in self.lines:
            if line.transport is not None:
                line.transport.close()


@asynccontextmanager
async def serving(inbox: Inbox, *, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[Inbox]:
    def line() -> SMTP:
        inbox.lines.append(SMTP(inbox, hostname="mail.example", **options))
        return inbox.lines[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(line, "127.0.0.1", inbox.port, ssl=tls)
    async with server:
        inbox.port = server.sockets[0].getsockname()[1]
        yield inbox
        inbox.hang_up()


def certificate(folder: Path, host: str = "127.0.0.1") -> Path:
    """A key and a certificate for `host`, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context
