"""Telling a service that is away, which passes, from work that is wrong, which has to be put aside."""

import asyncpg
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

OUTAGES = (
    ConnectionError,
    TimeoutError,
    RedisConnectionError,
    RedisTimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # the server is being stopped or started
)
"""What is raised when PostgreSQL, Redis or the network is away."""


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
