"""What the product asks of the mail, whoever carries it."""

import re
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Protocol

from domain.errors import Unavailable

MOST_BOUNCE_NAME = 24
"""Characters before the @ of the address that bounces go to: with a reference behind it, it must stay below 64."""
_REFERENCE = re.compile(r"[A-Za-z0-9-]{1,39}")


class MailUnavailable(Unavailable):
    """No mail can be sent now; it may be later. `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return self.reason

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reason!r})"


class MailDeferred(MailUnavailable):
    """The server does not take this mail now, by a temporary refusal: what greylisting answers to a first attempt."""


class MailRefused(ValueError):
    """The mail can never be sent: its address is malformed or our own, or the server refuses it for good."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one person: a bare address (`ada@example.org`), a subject of one line, a text and the same in HTML.

    `unsubscribe` is the address (https) that ends such mails by a POST, without signing in (RFC 8058); what has to do
    with security, or was just asked for, has none. `reference` (letters, digits and hyphens) names the mail where it
    bounces and in its Message-ID: mails with the same reference are the same mail, sent again.
    """

    to: str
    subject: str
    text: str
    html: str | None = None
    unsubscribe: str | None = None
    reference: str | None = None


class Mailer(Protocol):
    """Carries mails."""

    async def send(self, mail: Mail) -> None:
        """Hand the mail over. Raises `MailUnavailable`, `MailDeferred` (try again) and `MailRefused` (do not)."""
        ...

    async def close(self) -> None:
        """End what is kept open; a mail sent after that opens it again."""
        ...


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mails are from, and where those come back to that cannot be delivered."""

    author: Address
    bounces: Address | None = None

    def envelope(self, reference: str | None) -> str:
        """The address that a bounce goes to: `bounces+<reference>@…`, so that it says which mail it is about."""
        if self.bounces is None or reference is None:
            return (self.bounces or self.author).addr_spec
        return f"{self.bounces.username}+{reference}@{self.bounces.domain}"

    def is_ours(self, address: Address) -> bool:
        """Whether mail to this address would come back to us, and bounce for ever."""
        ours = {_plain(each) for each in (self.author, self.bounces) if each is not None}
        return _plain(address) in ours


def parse_sender(sender: str, bounces_to: str = "") -> Sender:
    """Read `Name <address>`, or an address alone, and the address for bounces, if any. Raises `MailRefused`."""
    name, author = parseaddr(sender)
    return Sender(parse_address(author, name), parse_address(bounces_to) if bounces_to else None)


def parse_address(text: str, name: str = "") -> Address:
    """Read a bare address. Raises `MailRefused`."""
    try:
        address = Address(display_name=name, addr_spec=text)
    except (ValueError, IndexError, MessageError):
        raise MailRefused("A malformed e-mail address.") from None
    # Domains beyond ASCII have an ASCII form; few servers take such mailboxes.
    if not (address.username and address.domain and text.isascii() and text.isprintable()):
        raise MailRefused("A malformed e-mail address.")
    return address


def require_reference(reference: str | None) -> None:
    """Raise ValueError, a fault of ours, for a reference that cannot stand in an address."""
    if reference is not None and not _REFERENCE.fullmatch(reference):
        raise ValueError("A mail's reference is made of letters, digits and hyphens, at most 39.")


def _plain(address: Address) -> tuple[str, str]:
    return address.username.lower().partition("+")[0], address.domain.lower()
