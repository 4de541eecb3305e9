"""What an operation carries from the request to its fields."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from strawberry.types.info import Info as StrawberryInfo

from domain.viewers import Viewer
from i18n import closest
from plan import Reader
from plan.identity import Identity
from plan.reader import Fetch
from resolvers.caller import Caller
from resolvers.idempotency import Once


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """What the response shall do to the session cookie: set it to `token`, or clear it when that is None.

    `device_token` goes into a cookie of its own, which stays.
    """

    token: str | None
    expires_at: datetime | None = None
    device_token: str | None = None


@dataclass(slots=True)
class Context:
    """Made afresh for each operation, and for each event of a subscription."""

    caller: Caller
    reader: Reader
    fetch: Fetch
    """Runs one statement by itself, for who needs no other."""
    request_id: str
    observe: Callable[[str, float], None]
    """Told the name of each mutation that ran and how many seconds its use-case took."""
    cookie: SessionCookie | None = None
    identity: Identity | None = None
    """How to find out who asks, where that is left to whatever reads first; they are nobody until then."""
    once: Once | None = None
    """Under which key the mutation is asked for."""

    def become(self, viewer: Viewer, locale: str | None = None) -> None:
        """What is read from now on is read as `viewer`: somebody has just signed in, or it is known now who asks.

        `locale` is what they have chosen to read.
        """
        self.identity = None
        spoken = closest(locale) or self.caller.locale
        self.caller = self.caller.turned_out(viewer, spoken)
        self.reader = self.reader.for_viewer(viewer)

    def speak(self, locale: str) -> None:
        """What is answered from now on is in `locale`, if there are words in it."""
        self.caller = self.caller._replace(locale=closest(locale) or self.caller.locale)

    def forget(self) -> None:
        """Drops what has been read: something was written."""
        self.reader = self.reader.fresh()


Info = StrawberryInfo[Context, None]
