"""Shows the newest e-mails of the local mailbox: `python -m local.mail`, behind `make mail`."""

import argparse
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from local.programs import ROOT

_MOST = 5


def main() -> None:
    """Print the newest e-mails, the newest last."""
    parser = argparse.ArgumentParser(prog="python -m local.mail", description=__doc__)
    parser.add_argument("--mailbox", type=Path, default=ROOT / ".data" / "mailbox", help="default: .data/mailbox")
    mailbox: Path = parser.parse_args().mailbox
    files = sorted(mailbox.glob("*.eml"))[-_MOST:]  # the names begin with the time
    for file in files:
        print(_shown(file))
    if not files:
        print(f"No e-mail in {mailbox} yet.")


def _shown(file: Path) -> str:
    message = message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=policy.default)
    heads = [f"{name}: {message[name]}" for name in ("Date", "To", "Subject")]
    body = message.get_body(("plain",))
    text = body.get_content().strip() if body else ""
    return "\n".join([f"--- {file.name}", *heads, "", text, ""])


if __name__ == "__main__":
    main()
