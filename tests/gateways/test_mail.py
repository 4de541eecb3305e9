"""Mail, by a real SMTP server and into a folder."""

import stat
from datetime import UTC, datetime, timedelta

import pytest

from gateways.mail import Mail, MailRefused, MailUnavailable, open_mailer
from gateways.mail.mailbox import Mailbox
from tests.gateways.mail_servers import Inbox, read, serving, text_of

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


@pytest.fixture
async def inbox():
    async with serving(Inbox()) as inbox:
        yield inbox


async def sent(inbox: Inbox, mail: Mail, **options: str) -> None:
    mailer = open_mailer(f"smtp://127.0.0.1:{inbox.port}", SENDER, clock=lambda: NOW, **options)
    try:
        await mailer.send(mail)
    finally:
        await mailer.close()


async def test_a_mail_arrives_by_smtp(inbox):
    await sent(inbox, MAIL)
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
    await sent(inbox, Mail("ada@example.org", "Hi\r\nBcc: eve@example.org\r\n\r\nbody\x00\u2028\x0b", "text"))
    (envelope,) = inbox.envelopes
    message = read(envelope.content)
    assert message["Subject"] == "Hi Bcc: eve@example.org body"
    assert message["Bcc"] is None
    assert envelope.rcpt_tos == ["ada@example.org"]


async def test_a_subject_keeps_the_spaces_at_which_no_line_breaks(inbox):
    subject = "Ada vous invite dans l’équipe «\u00a0Engines\u00a0», d’accord\u202f?"
    await sent(inbox, Mail("ada@example.org", f" {subject}  ", "text"))
    (envelope,) = inbox.envelopes
    assert read(envelope.content)["Subject"] == subject


async def test_a_text_ends_no_message(inbox):
    await sent(inbox, Mail("ada@example.org", "Dots", "one\n.\nRCPT TO:<eve@example.org>\n..\n"))
    (envelope,) = inbox.envelopes
    text = read(envelope.content).get_content().replace("\r\n", "\n")
    assert text == "one\n.\nRCPT TO:<eve@example.org>\n..\n"


@pytest.mark.parametrize("address", HOSTILE_ADDRESSES)
async def test_malformed_addresses_are_refused(inbox, tmp_path, address):
    mail = Mail(address, "Hi", "text")
    with pytest.raises(MailRefused):
        await sent(inbox, mail)
    with pytest.raises(MailRefused):
        await open_mailer(f"mailbox:{tmp_path}", SENDER).send(mail)
    assert inbox.envelopes == []
    assert list(tmp_path.iterdir()) == []


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


async def test_a_text_and_its_html_are_two_ways_to_read_one_mail(inbox):
    await sent(inbox, Mail("ada@example.org", "Hi", "Grüße\n", html="<p>Grüße " + "x" * 3000))
    (envelope,) = inbox.envelopes
    message = read(envelope.content)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert (text_of(message), text_of(message, "html").strip()) == ("Grüße\n", "<p>Grüße " + "x" * 3000)
    assert envelope.content.isascii()
    assert max(map(len, envelope.content.splitlines())) <= 78


async def test_nobodys_holiday_answers(inbox):
    await sent(inbox, MAIL)
    message = read(inbox.envelopes[0].content)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["List-Unsubscribe"] is None


async def test_a_mail_that_can_be_ended_says_how_in_one_click(inbox):
    address = "https://studio.example/unsubscribe?token=" + "x" * 120
    await sent(inbox, Mail("ada@example.org", "News", "text", unsubscribe=address))
    content = inbox.envelopes[0].content
    assert (
        f"List-Unsubscribe:\r\n <{address}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        in content.decode()
    )


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "https://x\r\nBcc: eve@example.org", "https://x> <y", "x@y.z"]
)
async def test_nothing_but_an_address_of_the_web_ends_mails(tmp_path, address):
    with pytest.raises(ValueError, match="unsubscribe"):
        await open_mailer(f"mailbox:{tmp_path}", SENDER).send(Mail("a@b.example", "Hi", "text", unsubscribe=address))


async def test_a_bounce_says_which_mail_it_is_about(inbox):
    mail = Mail("ada@example.org", "Hi", "text", reference="0198f2-3")
    await sent(inbox, mail, bounces_to="bounces@studio.example")
    await sent(inbox, mail)
    tagged, plain = inbox.envelopes
    assert (tagged.mail_from, plain.mail_from) == ("bounces+0198f2-3@studio.example", "no-reply@studio.example")
    assert {read(each.content)["From"] for each in (tagged, plain)} == {SENDER}
    assert {read(each.content)["Message-ID"] for each in (tagged, plain)} == {"<0198f2-3@studio.example>"}


@pytest.mark.parametrize("reference", ["", "a b", "a@b", "a\r\n", "x" * 40, "a+b", "ä"])
async def test_a_reference_adds_nothing_to_the_envelope(tmp_path, reference):
    with pytest.raises(ValueError, match="reference"):
        await open_mailer(f"mailbox:{tmp_path}", SENDER).send(Mail("a@b.example", "Hi", "text", reference=reference))


@pytest.mark.parametrize(
    "address",
    [
        "no-reply@studio.example",
        "NO-REPLY@Studio.Example",
        "no-reply+x@studio.example",
        "bounces@studio.example",
        "bounces+0198f2-3@studio.example",
    ],
)
async def test_nothing_is_mailed_to_ourselves(inbox, address):
    with pytest.raises(MailRefused, match="our own address"):
        await sent(inbox, Mail(address, "Hi", "text"), bounces_to="bounces@studio.example")
    assert inbox.envelopes == []


async def test_a_mailbox_is_read_the_newest_first(tmp_path):
    moments = iter([NOW, NOW + timedelta(seconds=1)])
    mailer = open_mailer(
        f"mailbox:{tmp_path}", SENDER, bounces_to="bounces@studio.example", clock=lambda: next(moments)
    )
    for subject in ("first", "second"):
        await mailer.send(Mail("ada@example.org", subject, "Grüße\n", html="<p>Grüße", reference="r"))
    mailbox = Mailbox(tmp_path)
    newest = await mailbox.newest(10)
    assert [letter.message["Subject"] for letter in newest] == ["second", "first"]
    assert [letter.name for letter in await mailbox.newest(1)] == [newest[0].name]
    letter = await mailbox.find(newest[1].name)
    assert (letter.part("plain"), letter.part("html").strip()) == ("Grüße\n", "<p>Grüße")
    assert letter.message["Return-Path"] == "<bounces+r@studio.example>"


async def test_a_mailbox_gives_out_mails_alone(tmp_path):
    await open_mailer(f"mailbox:{tmp_path}/mailbox", SENDER, clock=lambda: NOW).send(MAIL)
    (name,) = [path.name for path in (tmp_path / "mailbox").iterdir()]
    (tmp_path / "secret.eml").write_text("Subject: secret\n\n")
    (tmp_path / "mailbox" / name.replace("-", "-1", 1)).symlink_to(tmp_path / "secret.eml")
    mailbox = Mailbox(tmp_path / "mailbox")
    assert [letter.name for letter in await mailbox.newest(10)] == [name]
    for other in ("", ".", "..", "../secret.eml", "/etc/passwd", f"../mailbox/{name}", name + "\x00", name.upper()):
        assert await mailbox.find(other) is None
    assert await Mailbox(tmp_path / "nowhere").newest(10) == []
