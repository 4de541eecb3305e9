import subprocess
import sys
from email.message import EmailMessage

from local.programs import ROOT


def shown(mailbox) -> str:
    argv = [sys.executable, "-m", "local.mail", "--mailbox", str(mailbox)]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_newest_mails_are_shown_the_newest_last(tmp_path):
    for number in range(7):
        message = EmailMessage()
        message["To"], message["Subject"] = "ana@example.org", f"Grüße {number}"
        message.set_content(f"Your link: http://127.0.0.1/{number}")
        message.add_alternative("<p>never shown</p>", subtype="html")
        (tmp_path / f"2026-11-20T10-00-0{number}.eml").write_bytes(message.as_bytes())
    text = shown(tmp_path)
    assert [line for line in text.splitlines() if line.startswith("Subject")] == [
        f"Subject: Grüße {number}" for number in range(2, 7)
    ]
    assert "Your link: http://127.0.0.1/6" in text
    assert "never shown" not in text


def test_an_empty_mailbox_says_so(tmp_path):
    assert shown(tmp_path / "none") == f"No e-mail in {tmp_path / 'none'} yet.\n"
