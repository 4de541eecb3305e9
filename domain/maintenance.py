"""What clients are told while nothing can be changed, because the operator is at work."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

SOON, USUALLY = 5, 30
"""After how many seconds to try again: when the end is near or overdue, and where nobody has said when it will be."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LENGTH = re.compile(r"([0-9]{1,5})([smhd])")


@dataclass(frozen=True, slots=True)
class Notice:
    """What the operator has said of it: a message for people, and when it is likely to be over. Either may be missing.

    That moment ends nothing: what takes longer than was thought is not to be disturbed.
    """

    message: str = ""
    until: datetime | None = None

    def retry_after(self, now: datetime) -> int:
        """After how many seconds a client may try again."""
        if self.until is None:
            return USUALLY
        return max(SOON, ceil((self.until - now).total_seconds()))


def length(text: str) -> timedelta:
    """The time that `30s`, `10m`, `2h` or `1d` mean; ValueError for anything else."""
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no length of time: say 30s, 10m, 2h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
