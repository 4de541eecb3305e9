"""A lane as the worker that drives it knows it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from domain.webhooks.retries import rest_after, width_after, width_at_first
from models.lanes import Standing

IDLE_SECONDS = 1
"""How long a lane is kept in which nothing is left: what comes next need not be taken first."""


@dataclass(slots=True)
class Held:
    """One lane. `hungry` is whether something may be due in it that has not been asked for.

    `unwritten` are those of its attempts whose answer has come and is not written down.
    """

    webhook_id: UUID
    team_id: UUID
    failures: int
    failing_since: datetime | None
    width: int
    is_proven: bool
    """Whether what was sent last has arrived."""
    rests_until: datetime | None = None
    under_way: int = 0
    unwritten: int = 0
    hungry: bool = True
    idle_since: float | None = None
    """By the event loop's clock."""

    @classmethod
    def of(cls, taken: Record) -> "Held":
        """A lane that was taken just now."""
        failures = taken["failures"]
        width, is_proven = width_at_first(failures), not failures and taken["delivered"] > 0
        about = (taken["webhook_id"], taken["team_id"], failures, taken["failing_since"])
        return cls(*about, width, is_proven, taken["rests_until"])

    @property
    def is_still(self) -> bool:
        """Whether everything that was sent in it is over, and written down."""
        return not self.under_way and not self.unwritten

    @property
    def room(self) -> int:
        """How many more requests may be under way."""
        return self.width - self.under_way

    def is_open(self, now: datetime) -> bool:
        """Whether more may be asked for."""
        return self.hungry and self.room > 0 and not self.rests(now)

    def rests(self, now: datetime) -> bool:
        """Whether its receiver is left alone."""
        return self.rests_until is not None and self.rests_until > now

    def is_over(self, now: datetime, time: float) -> bool:
        """Whether to let go of it: it rests, or nothing has been under way for a while by the event loop's `time`."""
        if not self.is_still:
            return False
        if self.rests(now):
            return True
        if self.hungry:
            return False
        self.idle_since = self.idle_since or time
        return time - self.idle_since >= IDLE_SECONDS

    def begins(self) -> None:
        """A request goes out."""
        self.under_way += 1
        self.idle_since = None

    def ends(self, now: datetime, *, arrived: bool) -> None:
        """A request has its answer, or none."""
        self.under_way -= 1
        self.width, self.is_proven = width_after(self.width, arrived=arrived), arrived
        if arrived:  # whatever its receiver had, it is over
            self.failures, self.failing_since, self.rests_until = 0, None, None
        else:
            self._missed(now)

    def _missed(self, now: datetime) -> None:
        self.failures += 1
        self.failing_since = self.failing_since or now
        if (rest := rest_after(self.failures)) is not None:
            self.rests_until, self.width = now + rest, 1

    def standing(self) -> Standing:
        """How it stands."""
        return Standing(self.webhook_id, self.failures, self.failing_since, self.rests_until)
