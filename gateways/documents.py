"""Documents that clients ask for by their hash, kept in Redis for all API processes together.

It is a cache: whatever is lost is sent again by whoever asks for it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.stdlib.get_logger(__name__)
T = TypeVar("T")

KEPT_SECONDS = 7 * 86400
"""After the last time that a process has asked for it."""
MOST_KEPT = 2_000
"""Beyond that the oldest go: hostile clients fill 100 MB with the longest there are."""
ANSWER_SECONDS = 0.5
"""How long Redis may take; after that it is taken to be away."""
AWAY_SECONDS = 5
"""How long it is then left alone."""

_ORDER = "documents"
_KEEP = """
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], KEYS[1])
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[4])
if over > 0 then
  local gone = redis.call('ZPOPMIN', KEYS[2], over)
  for i = 1, #gone, 2 do redis.call('DEL', gone[i]) end
end
"""


class SharedDocuments:
    """Texts by their hashes. Where Redis is away there are none, and none are kept."""

    def __init__(self, redis: Redis, most: int = MOST_KEPT) -> None:
        self._redis = redis
        self._keep = redis.register_script(_KEEP)
        self._most = most
        self._away_until = 0.0
        """By the monotonic clock; 0 while Redis is there."""

    async def find(self, hashed: str) -> str | None:
        """The text that was kept under a hash."""
        found = await self._asked(lambda: self._redis.getex(_key(hashed), ex=KEPT_SECONDS))
        return None if found is None else str(found, errors="surrogatepass")

    async def keep(self, hashed: str, text: str) -> None:
        """Keeps a text under its hash."""
        keys = [_key(hashed), _ORDER]
        arguments: list[bytes | float] = [text.encode(errors="surrogatepass"), KEPT_SECONDS, time.time(), self._most]
        await self._asked(lambda: self._keep(keys, arguments))

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """What Redis answers; None where it does not, which is said once."""
        if self._away_until > time.monotonic():
            return None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await ask()
        except (RedisError, OSError) as error:
            if not self._away_until:
                log.warning("documents.alone", error=repr(error))
            self._away_until = time.monotonic() + AWAY_SECONDS
            return None
        if self._away_until:
            log.info("documents.together")
            self._away_until = 0.0
        return found


def _key(hashed: str) -> str:
    return f"document:{hashed}"
