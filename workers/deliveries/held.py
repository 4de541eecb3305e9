"""A lane as the worker that drives it knows it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from domain.webhooks.retries import rest_after, width_after, width_at_first
from models.lanes import Standing


@dataclass(slots=True)
class Held:
    """One lane. `hungry` is whether something may be due in it that has not been asked for."""

    webhook_id: UUID
    team_id: UUID
    failures: int
    failing_since: datetime | None
    width: int
    rests_until: datetime | None = None
    under_way: int = 0
    hungry: bool = True
    idle_since: float | None = None
    """By the event loop's clock."""

    @classmethod
    def of(cls, taken: Record) -> "Held":
        """A lane that was taken just now."""
        failures = taken["failures"]
        return cls(taken["webhook_id"], taken["team_id"], failures, taken["failing_since"], width_at_first(failures))

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

    def arrived(self) -> None:
        """A request has arrived: whatever its receiver had, it is over."""
        self.width = width_after(self.width, arrived=True)
        self.failures, self.failing_since, self.rests_until = 0, None, None

    def missed(self, now: datetime) -> None:
        """A request has not arrived."""
        self.width = width_after(self.width, arrived=False)
        self.failures += 1
        self.failing_since = self.failing_since or now
        if (rest := rest_after(self.failures)) is not None:
            self.rests_until, self.width = now + rest, 1

    def standing(self) -> Standing:
        """How it stands."""
        return Standing(self.webhook_id, self.failures, self.failing_since, self.rests_until)
