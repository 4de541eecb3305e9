"""The secrets of a webhook that another has taken the place of: each is good for a day more, however many follow it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypedDict

from domain.errors import Conflict

GOOD_FOR = timedelta(hours=24)
"""How long deliveries are signed with a secret, too, once there is another one."""
MOST_SECRETS = 25
"""With which deliveries are signed at the same time: one for each hour of a day, and the newest."""


class Replaced(TypedDict):
    """A secret, sealed, and until when it is good, in ISO 8601."""

    sealed: str
    until: str


def still_good(replaced: Sequence[Replaced], now: datetime) -> list[Replaced]:
    """Those with which deliveries are signed yet, the newest first."""
    return [each for each in replaced if datetime.fromisoformat(each["until"]) > now]


def good_until(replaced: Sequence[Replaced]) -> datetime | None:
    """Until when any of them is; by clocks that differ that may be one which was replaced earlier."""
    return max((datetime.fromisoformat(each["until"]) for each in replaced), default=None)


def with_one_more(replaced: Sequence[Replaced], sealed: str, now: datetime) -> list[Replaced]:
    """The same, and the secret that another one takes the place of now; Conflict where there are as many as may be."""
    good = still_good(replaced, now)
    if len(good) + 2 > MOST_SECRETS:  # this one and the new one
        raise Conflict("problem.webhook_secrets")
    return [Replaced(sealed=sealed, until=(now + GOOD_FOR).isoformat()), *good]
