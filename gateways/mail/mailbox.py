"""Mail into a folder, one `.eml` file each, for a machine without a mail server; and reading it there."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import count, islice
from pathlib import Path
from uuid import uuid4

from domain.clock import Clock
from gateways.mail.base import Mail, MailUnavailable, Sender
from gateways.mail.message import compose
from gateways.threads import run_blocking

_NAME = re.compile(r"[0-9TZ.]{10,40}-[0-9]{6,}-[0-9a-f]{8}\.eml")
_MOST_BYTES = 5 * 1024**2


class MailboxMailer:
    """Writes each mail to `folder` (made with mode 0700 if it does not exist), whole or not at all.

    Names begin with the time, in UTC: sorted, the last is the newest.
    """

    def __init__(self, folder: Path, sender: Sender, clock: Clock) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._sender = sender
        self._clock = clock
        # Keeps the order of mails that one process writes in the same microsecond.
        self._sequence = count()

    async def send(self, mail: Mail) -> None:
        """See `Mailer`."""
        now = self._clock()
        message = compose(mail, self._sender, now)
        # As a server writes it that delivers a mail: the address of the envelope.
        returning = f"Return-Path: <{self._sender.envelope(mail.reference)}>\r\n".encode("ascii")
        name = f"{now:%Y%m%dT%H%M%S.%fZ}-{next(self._sequence):06}-{uuid4().hex[:8]}.eml"
        try:
            await run_blocking(self._write, name, returning + message.as_bytes())
        except OSError as error:
            raise MailUnavailable(f"The mailbox folder cannot be written: {error.strerror}.") from error

    async def close(self) -> None:
        """See `Mailer`."""

    def _write(self, name: str, message: bytes) -> None:
        temporary = self._folder / f".{name}.tmp"
        try:
            with temporary.open("xb") as file:
                file.write(message)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._folder / name)
        finally:
            temporary.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it lies in the folder: the name of its file, its bytes, and what they say."""

    name: str
    raw: bytes
    message: EmailMessage

    def part(self, subtype: str) -> str | None:
        """Its `plain` or its `html` text; None if it has no such part."""
        body = self.message.get_body((subtype,))
        return str(body.get_content()).replace("\r\n", "\n") if body else None


class Mailbox:
    """Reads what a `MailboxMailer` has written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def newest(self, most: int) -> list[Letter]:
        """The newest mails, at most `most`, the newest first."""
        return await run_blocking(lambda: list(islice(self._letters(), most)))

    async def find(self, name: str) -> Letter | None:
        """The mail of that name; None if there is none, whatever the name is made of."""
        return await run_blocking(self._read, name)

    def _letters(self) -> Iterator[Letter]:
        names = sorted((path.name for path in self._folder.glob("*.eml")), reverse=True)
        return (letter for name in names if (letter := self._read(name)))

    def _read(self, name: str) -> Letter | None:
        path = self._folder / name if _NAME.fullmatch(name) else None
        if path is None or path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        raw = path.read_bytes()
        return Letter(name, raw, message_from_bytes(raw, _class=EmailMessage, policy=default))
