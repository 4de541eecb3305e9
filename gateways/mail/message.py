"""From a mail to the message that is sent: its headers, and its text beside its HTML."""

import re
from datetime import datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, make_msgid
from typing import Any
from unicodedata import category

from gateways.mail.base import Mail, MailRefused, Sender, parse_address, require_reference

_UNSUBSCRIBE = "List-Unsubscribe"


class _Policy(EmailPolicy):
    """The standard library's, except for addresses in headers: it would encode a long one, and nobody could read it."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name == _UNSUBSCRIBE:
            return f"{name}:\r\n {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n", cte_type="7bit")  # what every server takes, without asking it


def compose(mail: Mail, sender: Sender, now: datetime) -> EmailMessage:
    """The message to send, dated `now`. Raises `MailRefused` for an address that is malformed, or our own.

    No value can add a header: line breaks and other control characters in the subject become spaces, and addresses
    are parsed. The spaces at which no line breaks, which French has within its quotes, stay what they are.
    """
    require_reference(mail.reference)
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender.author
    message["To"] = to = parse_address(mail.to)
    if sender.is_ours(to):
        raise MailRefused("Mail to our own address would come back for ever.")
    message["Subject"] = _one_line(mail.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = _message_id(mail, sender.author.domain)
    # These keep holiday replies away (RFC 3834; the second is for Exchange).
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if mail.unsubscribe is not None:
        message[_UNSUBSCRIBE] = f"<{_required_url(mail.unsubscribe)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")
    return message


def _one_line(text: str) -> str:
    seen = (each if each.isprintable() or category(each) == "Zs" else " " for each in text)
    return re.sub(" +", " ", "".join(seen)).strip(" ")


def _message_id(mail: Mail, domain: str) -> str:
    # The same for a mail that is sent again, since nobody knows whether it had arrived: mailboxes then show it once.
    return f"<{mail.reference}@{domain}>" if mail.reference else make_msgid(domain=domain)


def _required_url(url: str) -> str:
    clean = url.isascii() and url.isprintable() and not set("<> ") & set(url)
    if not (clean and url.startswith(("https://", "http://"))):
        raise ValueError("An address to unsubscribe at begins with https://.")
    return url
