"""When a delivery that did not arrive is tried again, and when an endpoint is left alone."""

from collections.abc import Callable
from datetime import timedelta

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (2, 4, 8, 300, 1_800, 7_200, 18_000, 36_000))
"""After the first attempt, the second, …: three that are quick, then a long tail. There is no tenth."""
LONGEST = timedelta(hours=24)
"""More than this no receiver has us wait, whatever it says in `Retry-After`."""
PATIENCE = timedelta(days=5)
"""An endpoint at which nothing has arrived for so long is paused."""
_JITTER = 0.1

MOST_AT_ONCE = 16
"""Requests under way to one endpoint, at most."""
_AT_FIRST = 4
FAILURES_IN_A_ROW = 10
"""After so many an endpoint rests. A single delivery does not get there: its quick attempts are four."""
_REST = timedelta(seconds=30)
_LONGEST_REST = timedelta(minutes=10)


def pause_after(attempt: int, *, asked: timedelta | None, chance: Callable[[], float]) -> timedelta | None:
    """How long to wait after the failed attempt of that number, the first being 1; None if it was the last.

    `asked` is what the receiver said in `Retry-After`: we wait no less, up to a day. `chance` gives numbers from 0 up
    to 1: the pauses are longer by up to a tenth, so that what has failed together does not come back together.
    """
    if attempt > len(PAUSES):
        return None
    pause = PAUSES[attempt - 1] * (1 + _JITTER * chance())
    return pause if asked is None else max(pause, min(asked, LONGEST))


def rest_after(failures: int) -> timedelta | None:
    """How long an endpoint rests after so many failures in a row: 30 s, then twice as long each time, up to 10 min.

    None while it does not. After its rest it gets one request, and rests longer if that fails.
    """
    times = failures - FAILURES_IN_A_ROW
    if times < 0:
        return None
    return min(_REST * (1 << min(times, 10)), _LONGEST_REST)


def width_at_first(failures: int) -> int:
    """How many requests may be under way to an endpoint of which no more is known than its failures in a row."""
    return 1 if failures else _AT_FIRST


def width_after(width: int, *, arrived: bool) -> int:
    """The same after another one has ended: one more for each that arrives, half as many where one does not."""
    return min(width + 1, MOST_AT_ONCE) if arrived else max(width // 2, 1)
