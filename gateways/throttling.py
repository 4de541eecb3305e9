"""Counting tries, in Redis for all API processes together; while that is away, in each process by itself."""

import time
from typing import Protocol

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.storage.base import Storage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from domain.errors import Throttled
from domain.throttling import Policy

log = structlog.stdlib.get_logger(__name__)


class Throttle(Protocol):
    """Counts tries."""

    async def hit(self, policy: Policy, key: str) -> None:
        """Counts one try of what `key` names. Raises Throttled where there were too many."""
        ...

    async def forgive(self, policy: Policy, key: str) -> None:
        """Forgets the tries of what `key` names."""
        ...


class LimitsThrottle:
    """With the library `limits`: fixed windows, one for each of a policy's."""

    def __init__(self, redis_url: str, *, seconds: float = 0.5) -> None:
        uri = redis_url.replace("unix://", "redis+unix://", 1)
        shared = RedisStorage(
            f"async+{uri}",
            implementation="redispy",
            key_prefix="throttle",
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
        )
        self._shared = FixedWindowRateLimiter(shared)
        self._own = FixedWindowRateLimiter(MemoryStorage())

    async def hit(self, policy: Policy, key: str) -> None:
        """See `Throttle`."""
        try:
            await _hit(self._shared, policy, key)
        except (RedisError, OSError) as error:
            log.warning("throttle.alone", error=repr(error))
            await _hit(self._own, policy, key)

    async def forgive(self, policy: Policy, key: str) -> None:
        """See `Throttle`."""
        for limiter in (self._shared, self._own):
            try:
                for window in _windows(policy):
                    await _storage(limiter).clear(window.key_for(policy.name, key))
            except (RedisError, OSError) as error:
                log.warning("throttle.alone", error=repr(error))


async def _hit(limiter: FixedWindowRateLimiter, policy: Policy, key: str) -> None:
    waits = [await _wait(limiter, window, policy, key) for window in _windows(policy)]
    if any(waits):
        raise Throttled(retry_after_seconds=max(waits))


async def _wait(limiter: FixedWindowRateLimiter, window: RateLimitItem, policy: Policy, key: str) -> int:
    """Seconds until this window lets one try again; 0 where it does now."""
    if await limiter.hit(window, policy.name, key):
        return 0
    reset, _ = await limiter.get_window_stats(window, policy.name, key)
    return max(1, round(reset - time.time()))


def _windows(policy: Policy) -> list[RateLimitItem]:
    return [RateLimitItemPerSecond(amount, seconds) for amount, seconds in policy.windows]


def _storage(limiter: FixedWindowRateLimiter) -> Storage:
    storage = limiter.storage
    assert isinstance(storage, Storage)
    return storage
