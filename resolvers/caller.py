"""What a use-case may touch."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.clock import Clock
from domain.viewers import Viewer
from gateways.storage import Storage


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's figures that use-cases keep to."""

    session: timedelta
    link: timedelta
    upload_time: timedelta
    upload_max_bytes: int
    upload_part_bytes: int


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, in which language, and the gateways and figures that the answer may need."""

    viewer: Viewer
    locale: str
    clock: Clock
    storage: Storage
    rules: Rules
    device: str = ""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return self.clock()
