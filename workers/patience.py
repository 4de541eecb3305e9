"""How long a job waits for what it has met, before it is tried again."""

from datetime import timedelta

from gateways.mail import MailDeferred, MailUnavailable

OUTAGE = timedelta(seconds=10)
"""For a service that is away."""
MAIL_AWAY_LONGEST = timedelta(minutes=10)
"""For a mail server that is away: as long at first, and then twice as long each time, up to this."""
DEFERRED = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 10, 30, 60, 120))
"""For a mail that a server does not take yet: greylisting asks for some minutes, a full mailbox for hours."""
MAIL_KEPT = timedelta(days=3)
"""A mail that is still not taken after so long is not tried again."""


def retry_after(failures: int) -> timedelta:
    """The pause before the next attempt, after so many that went wrong: 2, 8, 30, 30 … seconds."""
    return timedelta(seconds=[2, 8, 30][min(failures, 3) - 1])


def pause(error: BaseException, attempt: int) -> timedelta:
    """The pause after the attempt of that number (from 1) met something that will pass."""
    if isinstance(error, MailDeferred):
        return DEFERRED[min(attempt, len(DEFERRED)) - 1]
    if isinstance(error, MailUnavailable):
        return min(OUTAGE * (1 << min(attempt - 1, 10)), MAIL_AWAY_LONGEST)
    return OUTAGE


def too_late(error: BaseException, age: timedelta) -> bool:
    """Whether a job of that age should give up: an outage never ends one, a server's refusals do."""
    return isinstance(error, MailDeferred) and age > MAIL_KEPT
