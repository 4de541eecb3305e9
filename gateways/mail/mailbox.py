"""Mail into a folder, one `.eml` file each, for a machine without a mail server."""

import os
from email.headerregistry import Address
from itertools import count
from pathlib import Path
from uuid import uuid4

from domain.clock import Clock
from gateways.mail.base import Mail, MailUnavailable, compose
from gateways.threads import run_blocking


class MailboxMailer:
    """Writes each mail to `folder` (made with mode 0700 if it does not exist), whole or not at all.

    Names begin with the time, in UTC: sorted, the last is the newest.
    """

    def __init__(self, folder: Path, sender: Address, clock: Clock) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._sender = sender
        self._clock = clock
        # Keeps the order of mails that one process writes in the same microsecond.
        self._sequence = count()

    async def send(self, mail: Mail) -> None:
        """See `Mailer`."""
        now = self._clock()
        message = compose(mail, self._sender, now).as_bytes()
        name = f"{now:%Y%m%dT%H%M%S.%fZ}-{next(self._sequence):06}-{uuid4().hex[:8]}.eml"
        try:
            await run_blocking(self._write, name, message)
        except OSError as error:
            raise MailUnavailable(f"The mailbox folder cannot be written: {error.strerror}.") from error

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
