"""Telling a service that is away, which passes, from work that is wrong, which has to be put aside."""

import asyncpg
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from domain.errors import Unavailable
from media.protocol import SCRATCH_ERRORS
from media.runner import ScratchFull
from models.database import OUTAGES as DATABASE_OUTAGES

OUTAGES = (*DATABASE_OUTAGES, RedisConnectionError, RedisTimeoutError)
"""What is raised when PostgreSQL, Redis or the network is away."""

_CHANGED = (asyncpg.UndefinedColumnError, asyncpg.UndefinedTableError)


def has_changed(error: BaseException) -> bool:
    """Whether the tables are those of a later release, whose processes are about to take the place of ours.

    So what we do not know how to write is not at fault, and theirs will. As asyncpg raises it, or Tortoise for it.
    """
    return isinstance(error, _CHANGED) or isinstance(error.__cause__, _CHANGED)


_JOB_OUTAGES = (*OUTAGES, Unavailable, asyncpg.DiskFullError, ScratchFull)
"""What a job can meet that is not its own fault: the store and the mail server may be away, too, and a disk full."""


def passes(error: BaseException) -> bool:
    """Whether what a job has met will pass: a service that is away, or a full disk under our scratch folder."""
    full = isinstance(error, OSError) and error.errno in SCRATCH_ERRORS
    return full or isinstance(error, _JOB_OUTAGES)


class Backoff:
    """Pauses in seconds that double from `first` to `longest`."""

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self._next = first

    def pause(self) -> float:
        """The next pause."""
        pause, self._next = self._next, min(self._next * 2, self._longest)
        return pause

    def reset(self) -> None:
        """All is well again: the next pause is the first."""
        self._next = self._first
