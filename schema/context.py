"""What an operation carries from the request to its fields."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from strawberry.types.info import Info as StrawberryInfo

from domain.viewers import Viewer
from plan import Reader
from plan.identity import Identity
from plan.reader import Fetch
from resolvers.caller import Caller


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

    def become(self, viewer: Viewer) -> None:
        """What is read from now on is read as `viewer`: somebody has just signed in, or it is known now who asks."""
        self.identity = None
        self.caller = replace(self.caller, viewer=viewer, scopes=None, api_key_id=None)
        self.reader = self.reader.for_viewer(viewer)

    def forget(self) -> None:
        """Drops what has been read: something was written."""
        self.reader = self.reader.fresh()


Info = StrawberryInfo[Context, None]
