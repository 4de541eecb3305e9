"""The way to a mail server: trust, kept connections, refusals, and what happens when the line breaks."""

import asyncio
import ssl
from datetime import UTC, datetime

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from gateways.mail import Mail, MailDeferred, MailRefused, MailUnavailable, open_mailer
from gateways.mail.base import parse_sender
from gateways.mail.connections import Bounds
from gateways.mail.smtp import SmtpMailer, SmtpServer
from tests.gateways.mail_servers import Inbox, certificate, server_context, serving
from tests.gateways.servers import silence
from tests.waiting import until

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SENDER = "Video Creator <no-reply@studio.example>"
MAIL = Mail("ada@example.org", "Hi", "text")


@pytest.fixture
async def inbox():
    async with serving(Inbox()) as inbox:
        yield inbox


def mailer_to(inbox: Inbox, *, seconds: float = 30, **bounds: float) -> SmtpMailer:
    server = SmtpServer("127.0.0.1", inbox.port, tls=False, trust=ssl.create_default_context())
    return SmtpMailer(server, parse_sender(SENDER), lambda: NOW, Bounds(**bounds), seconds=seconds)


def mail_to(name: str) -> Mail:
    return Mail(f"{name}@example.org", "Hi", "text")


async def test_mails_share_a_kept_connection(inbox):
    mailer = mailer_to(inbox)
    for _ in range(5):
        await mailer.send(MAIL)
    assert (len(inbox.lines), len(inbox.envelopes)) == (1, 5)
    await mailer.close()
    assert inbox.farewells == 1


async def test_no_more_connections_than_allowed_are_opened(inbox):
    mailer = mailer_to(inbox, connections=2)
    inbox.open.clear()
    sending = [asyncio.create_task(mailer.send(MAIL)) for _ in range(7)]
    await until(lambda: len(inbox.lines) == 2)
    inbox.open.set()
    await asyncio.gather(*sending)
    assert (len(inbox.lines), len(inbox.envelopes)) == (2, 7)
    await mailer.close()


async def test_a_connection_carries_no_more_mails_than_allowed(inbox):
    mailer = mailer_to(inbox, mails=2)
    for _ in range(5):
        await mailer.send(MAIL)
    assert (len(inbox.lines), len(inbox.envelopes)) == (3, 5)
    await mailer.close()
    assert inbox.farewells == 3


async def test_a_connection_that_nobody_needs_is_ended(inbox):
    mailer = mailer_to(inbox, idle=0)
    await mailer.send(MAIL)
    await until(lambda: inbox.farewells == 1)
    await mailer.send(MAIL)
    assert len(inbox.lines) == 2
    await until(lambda: inbox.farewells == 2)


async def test_a_kept_connection_that_was_dropped_is_replaced(inbox):
    mailer = mailer_to(inbox)
    await mailer.send(MAIL)
    inbox.hang_up()
    await mailer.send(MAIL)
    assert (len(inbox.lines), len(inbox.envelopes)) == (2, 2)
    await mailer.close()


async def test_a_connection_is_replaced_once_and_only_if_it_was_kept(inbox):
    mailer = mailer_to(inbox)
    await mailer.send(MAIL)
    inbox.drops = 1
    await mailer.send(MAIL)
    assert (len(inbox.lines), len(inbox.envelopes)) == (2, 2)
    inbox.drops = 2
    with pytest.raises(MailUnavailable, match="SMTPServerDisconnected"):
        await mailer.send(MAIL)
    assert (len(inbox.lines), len(inbox.envelopes)) == (3, 2)


async def test_a_mail_that_may_have_been_taken_is_not_handed_over_again():
    async with serving(Inbox(data_ada="drop")) as inbox:
        mailer = mailer_to(inbox)
        await mailer.send(mail_to("eve"))
        with pytest.raises(MailUnavailable, match="SMTPServerDisconnected"):
            await mailer.send(MAIL)
        assert [envelope.rcpt_tos for envelope in inbox.envelopes] == [["eve@example.org"], ["ada@example.org"]]
        await mailer.send(mail_to("eve"))
        await mailer.close()


async def test_refusals_for_good_differ_from_those_for_now_and_from_our_own_faults():
    answers = {
        "data_spam": "554 5.7.1 no",
        "data_full": "452 4.2.2 full",
        "who": "530 5.7.0 authenticate",
        "bye": "421 later",
    }
    async with serving(Inbox(**answers)) as inbox:
        mailer = mailer_to(inbox)
        for name, error, reason in [
            ("nobody", MailRefused, "SMTPRecipientRefused 550 5.1.1"),
            ("spam", MailRefused, "SMTPDataError 554 5.7.1"),
            ("busy", MailDeferred, "SMTPRecipientRefused 451 4.7.1"),
            ("full", MailDeferred, "SMTPDataError 452 4.2.2"),
            ("who", MailUnavailable, "530 5.7.0"),
            ("bye", MailUnavailable, "421"),
        ]:
            with pytest.raises(error, match=reason) as failure:
                await mailer.send(mail_to(name))
            assert type(failure.value) is error
            assert "example.org" not in str(failure.value)
        await mailer.send(MAIL)
        await mailer.close()


async def test_a_refusal_leaves_the_connection_to_the_next_mail(inbox):
    mailer = mailer_to(inbox)
    for _ in range(3):
        with pytest.raises(MailRefused):
            await mailer.send(mail_to("nobody"))
    await mailer.send(MAIL)
    assert len(inbox.lines) == 1
    assert inbox.envelopes[0].rcpt_tos == ["ada@example.org"]
    await mailer.close()


async def test_a_server_that_is_away_is_not_asked_by_everybody(inbox):
    async with await asyncio.start_server(silence, "127.0.0.1", 0) as silent:
        inbox_of_nobody = Inbox()
        inbox_of_nobody.port = silent.sockets[0].getsockname()[1]
    mailer = mailer_to(inbox_of_nobody, rest=3600)
    with pytest.raises(MailUnavailable, match="ConnectionRefused"):
        await mailer.send(MAIL)
    with pytest.raises(MailUnavailable, match="Resting"):
        await mailer.send(MAIL)
    mailer._connections._resting_until = 0
    async with serving(inbox_of_nobody):
        await mailer.send(MAIL)
        await mailer.close()


async def test_a_silent_server_is_waited_for_so_long_and_no_longer():
    async with await asyncio.start_server(silence, "127.0.0.1", 0) as silent:
        inbox = Inbox()
        inbox.port = silent.sockets[0].getsockname()[1]
        with pytest.raises(MailUnavailable):
            await mailer_to(inbox, seconds=0.1).send(MAIL)


async def test_a_server_that_takes_a_mail_and_says_nothing_is_waited_for_no_longer_either(inbox):
    mailer = mailer_to(inbox, seconds=0.2)
    inbox.open.clear()
    with pytest.raises(MailUnavailable):
        await mailer.send(MAIL)
    inbox.open.set()
    await mailer.send(MAIL)
    await mailer.close()


class Doorkeeper:
    """Lets in whoever says `hush:1`, and remembers what was said."""

    def __init__(self) -> None:
        self.passwords: list[bytes] = []

    def __call__(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword):
        self.passwords.append(data.password)
        return AuthResult(success=data.password == b"hush:1", handled=False)


async def test_a_password_is_not_sent_in_the_clear():
    doorkeeper = Doorkeeper()
    async with serving(Inbox(), authenticator=doorkeeper, auth_require_tls=False) as inbox:
        mailer = open_mailer(f"smtp://ada:hush%3A1@127.0.0.1:{inbox.port}", SENDER)
        with pytest.raises(MailUnavailable) as failure:
            await mailer.send(MAIL)
    assert "hush" not in str(failure.value)
    assert (doorkeeper.passwords, inbox.envelopes) == ([], [])


# aiosmtpd cannot know that its line is encrypted already.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_password_goes_to_a_server_that_is_trusted_only(tmp_path, scheme):
    doorkeeper, trusted, other = Doorkeeper(), certificate(tmp_path), certificate(tmp_path, "127.0.0.2")
    context = server_context(trusted)
    upgrade = {"tls_context": context, "require_starttls": True}
    options = {"smtp": upgrade, "smtps": {"tls": context, "auth_require_tls": False}}[scheme]
    async with serving(Inbox(), authenticator=doorkeeper, auth_required=True, **options) as inbox:
        url = f"{scheme}://ada:hush%3A1@127.0.0.1:{inbox.port}"
        for wrong in (None, other):
            with pytest.raises(MailUnavailable, match="SSLCertVerificationError"):
                await open_mailer(url, SENDER, ca_file=wrong).send(MAIL)
        assert doorkeeper.passwords == []
        mailer = open_mailer(url, SENDER, ca_file=trusted)
        for _ in range(2):
            await mailer.send(MAIL)
        await mailer.close()
    assert doorkeeper.passwords == [b"hush:1"]
    assert len(inbox.envelopes) == 2


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_certificate_for_another_host_is_not_trusted(tmp_path, scheme):
    path = certificate(tmp_path, "127.0.0.2")
    options = {"smtp": {"tls_context": server_context(path)}, "smtps": {"tls": server_context(path)}}[scheme]
    async with serving(Inbox(), **options) as inbox:
        mailer = open_mailer(f"{scheme}://127.0.0.1:{inbox.port}", SENDER, ca_file=path)
        with pytest.raises(MailUnavailable, match="SSLCertVerificationError"):
            await mailer.send(MAIL)
    assert inbox.envelopes == []


def test_a_file_without_certificates_is_a_sentence(tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(ValueError, match="MAIL_CA_FILE has no certificates that can be read: "):
            open_mailer("smtps://127.0.0.1", SENDER, ca_file=tmp_path / name)


async def test_a_password_that_is_wrong_is_for_us_to_repair(tmp_path):
    context, doorkeeper = server_context(path := certificate(tmp_path)), Doorkeeper()
    async with serving(Inbox(), authenticator=doorkeeper, tls_context=context) as inbox:
        mailer = open_mailer(f"smtp://ada:wrong@127.0.0.1:{inbox.port}", SENDER, ca_file=path)
        with pytest.raises(MailUnavailable, match="SMTPAuthenticationError 535"):
            await mailer.send(MAIL)
        said = len(doorkeeper.passwords)
        with pytest.raises(MailUnavailable, match="Resting"):
            await mailer.send(MAIL)
        assert len(doorkeeper.passwords) == said  # so that nobody is locked out
