"""Time comes in as a value, so that tests can set it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the present moment as an aware UTC datetime."""


def utc_now() -> datetime:
    """The clock of the running product."""
    return datetime.now(UTC)
