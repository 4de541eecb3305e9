"""Mail, by a real SMTP server and into a folder."""

import asyncio
import ssl
import stat
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateways.mail import Mail, MailRefused, MailUnavailable, open_mailer
from tests.gateways.servers import silence

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SENDER = "Video Creator <no-reply@studio.example>"
MAIL = Mail(
    "ada@example.org", "Grüße – v2", "Sign in:\nhttps://studio.example/in?token=" + "x" * 80 + "\nBis bald, Zoë\n"
)
HOSTILE_ADDRESSES = [
    "",
    "ada",
    "@example.org",
    "ada@",
    "ada@example.org\r\nBcc: eve@example.org",
    "ada@example.org\nBcc: eve@example.org",
    "ada@example.org, eve@example.org",
    "Ada <ada@example.org>",
    "ada@example.org\x00",
    "zoë@example.org",
]


def read(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


class Inbox:
    """Keeps what it gets; refuses `nobody@…` for good and `busy@…` for now."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]):  # noqa: N802
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        if address.startswith("busy@"):
            return "451 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return "250 OK"


@pytest.fixture
async def inbox():
    inbox = Inbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(inbox, hostname="mail.example"), "127.0.0.1", 0)
    async with server:
        inbox.port = server.sockets[0].getsockname()[1]
        yield inbox


def smtp(inbox: Inbox):
    return open_mailer(f"smtp://127.0.0.1:{inbox.port}", SENDER, clock=lambda: NOW)


async def test_a_mail_arrives_by_smtp(inbox):
    await smtp(inbox).send(MAIL)
    (envelope,) = inbox.envelopes
    message = read(envelope.content)
    assert envelope.mail_from == "no-reply@studio.example"
    assert envelope.rcpt_tos == ["ada@example.org"]
    assert message["From"] == SENDER
    assert message["To"] == "ada@example.org"
    assert message["Subject"] == MAIL.subject
    assert message["Date"].datetime == NOW
    assert message["Message-ID"].endswith("@studio.example>")
    assert message.get_content().replace("\r\n", "\n") == MAIL.text


async def test_a_subject_adds_no_header(inbox):
    await smtp(inbox).send(Mail("ada@example.org", "Hi\r\nBcc: eve@example.org\r\n\r\nbody\x00\u2028\x0b", "text"))
    (envelope,) = inbox.envelopes
    message = read(envelope.content)
    assert message["Subject"] == "Hi Bcc: eve@example.org body"
    assert message["Bcc"] is None
    assert envelope.rcpt_tos == ["ada@example.org"]


async def test_a_text_ends_no_message(inbox):
    await smtp(inbox).send(Mail("ada@example.org", "Dots", "one\n.\nRCPT TO:<eve@example.org>\n..\n"))
    (envelope,) = inbox.envelopes
    text = read(envelope.content).get_content().replace("\r\n", "\n")
    assert text == "one\n.\nRCPT TO:<eve@example.org>\n..\n"


@pytest.mark.parametrize("address", HOSTILE_ADDRESSES)
async def test_malformed_addresses_are_refused(inbox, tmp_path, address):
    mail = Mail(address, "Hi", "text")
    with pytest.raises(MailRefused):
        await smtp(inbox).send(mail)
    with pytest.raises(MailRefused):
        await open_mailer(f"mailbox:{tmp_path}", SENDER).send(mail)
    assert inbox.envelopes == []
    assert list(tmp_path.iterdir()) == []


async def test_what_a_server_refuses_for_good_differs_from_what_it_refuses_now(inbox):
    with pytest.raises(MailRefused, match="550"):
        await smtp(inbox).send(Mail("nobody@example.org", "Hi", "text"))
    with pytest.raises(MailUnavailable, match="451"):
        await smtp(inbox).send(Mail("busy@example.org", "Hi", "text"))


class Doorkeeper:
    """Lets in whoever says `hush:1`, and remembers what was said."""

    def __init__(self) -> None:
        self.passwords: list[bytes] = []

    def __call__(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword):
        self.passwords.append(data.password)
        return AuthResult(success=data.password == b"hush:1")


async def test_a_password_is_not_sent_in_the_clear():
    inbox, doorkeeper = Inbox(), Doorkeeper()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(inbox, hostname="mail.example", authenticator=doorkeeper, auth_require_tls=False), "127.0.0.1", 0
    )
    async with server:
        mailer = open_mailer(f"smtp://ada:hush%3A1@127.0.0.1:{server.sockets[0].getsockname()[1]}", SENDER)
        with pytest.raises(MailUnavailable) as failure:
            await mailer.send(MAIL)
    assert "hush" not in str(failure.value)
    assert (doorkeeper.passwords, inbox.envelopes) == ([], [])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A key and a certificate for 127.0.0.1, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path


# aiosmtpd cannot know that its line is encrypted already.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_password_goes_to_a_server_that_is_trusted_only(certificate, monkeypatch, scheme):
    inbox, doorkeeper = Inbox(), Doorkeeper()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    def protocol() -> SMTP:
        upgrade = (
            {"tls_context": context, "require_starttls": True} if scheme == "smtp" else {"auth_require_tls": False}
        )
        return SMTP(inbox, hostname="mail.example", authenticator=doorkeeper, auth_required=True, **upgrade)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if scheme == "smtps" else None)
    async with server:
        mailer = open_mailer(f"{scheme}://ada:hush%3A1@127.0.0.1:{server.sockets[0].getsockname()[1]}", SENDER)
        with pytest.raises(MailUnavailable):
            await mailer.send(MAIL)
        assert doorkeeper.passwords == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await mailer.send(MAIL)
    assert doorkeeper.passwords == [b"hush:1"]
    assert len(inbox.envelopes) == 1


async def test_a_server_that_is_away_or_silent_is_unavailable():
    async with await asyncio.start_server(silence, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        mailer = open_mailer(f"smtp://127.0.0.1:{port}", SENDER)
        mailer._seconds = 0.1
        with pytest.raises(MailUnavailable):
            await mailer.send(MAIL)
    with pytest.raises(MailUnavailable):
        await open_mailer(f"smtp://127.0.0.1:{port}", SENDER).send(MAIL)


async def test_a_mailbox_keeps_mails_in_order(tmp_path):
    folder = tmp_path / "mailbox"
    moments = iter([NOW, NOW, NOW + timedelta(microseconds=1)])
    mailer = open_mailer(f"mailbox:{folder}", SENDER, clock=lambda: next(moments))
    for subject in ("first", "second", "third"):
        await mailer.send(Mail("ada@example.org", subject, MAIL.text))
    messages = [read(path.read_bytes()) for path in sorted(folder.iterdir())]
    assert [message["Subject"] for message in messages] == ["first", "second", "third"]
    assert messages[0].get_content().replace("\r\n", "\n") == MAIL.text
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(path.suffix == ".eml" for path in folder.iterdir())


async def test_a_mailbox_leaves_the_mode_of_a_folder_that_exists(tmp_path):
    tmp_path.chmod(0o750)
    await open_mailer(f"mailbox:{tmp_path}", SENDER).send(MAIL)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


async def test_a_mailbox_that_is_gone_is_unavailable(tmp_path):
    mailer = open_mailer(f"mailbox:{tmp_path}/mailbox", SENDER)
    (tmp_path / "mailbox").rmdir()
    with pytest.raises(MailUnavailable):
        await mailer.send(MAIL)


@pytest.mark.parametrize("url", ["", "smtp://", "mailbox:relative", "mailbox://host/folder", "http://ada:hush@x"])
def test_unknown_urls_are_refused_without_repeating_them(url):
    with pytest.raises(ValueError, match="SMTP_URL is none of") as failure:
        open_mailer(url, SENDER)
    assert "hush" not in str(failure.value)


def test_a_malformed_sender_is_refused():
    with pytest.raises(MailRefused):
        open_mailer("smtp://127.0.0.1", "nobody")
