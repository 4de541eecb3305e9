"""Counting tries, in Redis for all API processes together; while that is away, in each process by itself."""

import asyncio
import time
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from math import ceil
from typing import Any, Protocol

import structlog
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from redis.exceptions import RedisError

from domain.errors import Throttled
from domain.sealing import Keys
from domain.throttling import Policy, Standing, Try

log = structlog.stdlib.get_logger(__name__)

ANSWER_SECONDS = 0.5
"""How long Redis may take; after that it is taken to be away."""
AWAY_SECONDS = 5
"""How long it is then left alone: nobody waits for it meanwhile."""

AT_MOST = 20_000
"""Windows of one length that a process remembers: beyond that it forgets those that it has known longest."""
FORGOTTEN_AT_ONCE = 4
"""How many it looks at for that, or since they are over, with each that comes: more than come, and never many."""

# All or nothing: a try that one window refuses counts in none.
_HIT = """
local full, told = 0, {}
for i, key in ipairs(KEYS) do
  told[2 * i - 1] = tonumber(redis.call('GET', key) or '0')
  if told[2 * i - 1] >= tonumber(ARGV[2 * i - 1]) then full = 1 end
end
for i, key in ipairs(KEYS) do
  if full == 0 then
    told[2 * i - 1] = redis.call('INCR', key)
    if told[2 * i - 1] == 1 then redis.call('EXPIRE', key, ARGV[2 * i]) end
  end
  told[2 * i] = redis.call('PTTL', key)
end
return {full, unpack(told)}
"""
_FORGIVE = """
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') > 0 then redis.call('DECR', key) end
end
"""
Window = tuple[Policy, RateLimitItem, str]
Counted = tuple[bool, list[tuple[int, float]]]
"""Whether it was refused, and for each window how many have counted and in how many seconds it ends."""


class Throttle(Protocol):
    """Counts tries."""

    async def hit(self, policy: Policy, key: str) -> None:
        """Counts one try of what `key` names. Raises Throttled where there were too many."""
        ...

    async def hit_all(self, tries: Sequence[Try]) -> list[Standing]:
        """Counts one try by several policies at once, and answers how their windows stand.

        Raises Throttled where there were too many for one of them: then it counts for none.
        """
        ...

    async def forgive(self, policy: Policy, key: str) -> None:
        """Takes one try back: it was no guess. The others stay, so that nobody can see by them that it was right."""
        ...

    async def forgive_all(self, tries: Sequence[Try]) -> None:
        """Takes back what one `hit_all` has counted."""
        ...


class LimitsThrottle:
    """With the library `limits`: fixed windows that begin with their first try."""

    def __init__(self, redis_url: str, keys: Keys) -> None:
        self._shared = _InRedis(redis_url)
        self._own = _InProcess()
        self._keys = keys
        self._away_until = 0.0
        """By the monotonic clock; 0 while Redis is there."""

    async def hit(self, policy: Policy, key: str) -> None:
        """See `Throttle`."""
        await self.hit_all([(policy, key)])

    async def hit_all(self, tries: Sequence[Try]) -> list[Standing]:
        """See `Throttle`."""
        windows = self._windows(tries)
        counted = await self._asked(self._shared.hit(windows)) if self._is_there() else None
        if counted is None:
            counted = self._own.hit(windows)
        elif not counted[0]:
            self._own.note(windows, counted[1])
        refused, counts = counted
        standings = [_standing(window, *count) for window, count in zip(windows, counts, strict=True)]
        if refused:
            raise TooMany(standings)
        return standings

    async def forgive(self, policy: Policy, key: str) -> None:
        """See `Throttle`."""
        await self.forgive_all([(policy, key)])

    async def forgive_all(self, tries: Sequence[Try]) -> None:
        """See `Throttle`."""
        windows = self._windows(tries)
        self._own.forgive(windows)
        if self._is_there():
            await self._asked(self._shared.forgive(windows))

    async def close(self) -> None:
        """Closes the lines to Redis."""
        await self._shared.close()

    def _windows(self, tries: Sequence[Try]) -> list[Window]:
        return [window for policy, key in tries for window in self._windows_of(policy, key)]

    def _windows_of(self, policy: Policy, key: str) -> list[Window]:
        """Redis is told no addresses: under the hash of one nobody finds it again."""
        hidden = self._keys.digest("throttle", policy.key_of(key)).hex()
        return [(policy, item, item.key_for(policy.name, hidden)) for item in _items(policy)]

    def _is_there(self) -> bool:
        return self._away_until <= time.monotonic()

    async def _asked(self, answer: Any) -> Any:
        """What Redis answers; None where it does not, which is said once."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                found = await answer
        except (RedisError, OSError) as error:
            if not self._away_until:
                log.warning("throttle.alone", error=repr(error))
            self._away_until = time.monotonic() + AWAY_SECONDS
            return None
        if self._away_until:
            log.info("throttle.together")
            self._away_until = 0.0
        return found


class TooMany(Throttled):
    """Throttled, with the standing of every window that was looked at."""

    def __init__(self, standings: Sequence[Standing]) -> None:
        full = [standing.resets_in for standing in standings if standing.remaining == 0]
        super().__init__(retry_after_seconds=max(full))
        self.standings = standings


class Metered:
    """A throttle for one request, which remembers how the windows stand that the request has touched."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self.standings: dict[str, Standing] = {}
        """By their names."""
        self.retry_after: int | None = None
        """Seconds, where the last try was refused."""

    async def hit(self, policy: Policy, key: str) -> None:
        """See `Throttle`."""
        await self.hit_all([(policy, key)])

    async def hit_all(self, tries: Sequence[Try]) -> list[Standing]:
        """See `Throttle`."""
        self.retry_after = None
        try:
            standings = await self._throttle.hit_all(tries)
        except TooMany as error:
            self.retry_after = int(error.params["retry_after_seconds"])
            self._note(error.standings)
            raise
        self._note(standings)
        return standings

    async def forgive(self, policy: Policy, key: str) -> None:
        """See `Throttle`."""
        await self.forgive_all([(policy, key)])

    async def forgive_all(self, tries: Sequence[Try]) -> None:
        """See `Throttle`."""
        await self._throttle.forgive_all(tries)
        forgiven = {policy.name for policy, _ in tries}
        self._note([each.eased() for each in self.standings.values() if each.policy in forgiven])

    def _note(self, standings: Sequence[Standing]) -> None:
        self.standings.update({standing.name: standing for standing in standings})


class _InRedis:
    """One trip for all windows."""

    def __init__(self, redis_url: str) -> None:
        uri = redis_url.replace("unix://", "redis+unix://", 1)
        bridge: Any = RedisStorage(f"async+{uri}", implementation="redispy", key_prefix="throttle").bridge
        self._named, self._redis = bridge.prefixed_key, bridge.get_connection()
        self._hit, self._forgive = self._redis.register_script(_HIT), self._redis.register_script(_FORGIVE)

    async def hit(self, windows: Sequence[Window]) -> Counted:
        limits = [figure for _, item, _ in windows for figure in (item.amount, item.get_expiry())]
        refused, *told = await self._hit(self._names(windows), limits)
        return bool(refused), [(count, left / 1000) for count, left in zip(told[::2], told[1::2], strict=True)]

    async def forgive(self, windows: Sequence[Window]) -> None:
        await self._forgive(self._names(windows))

    async def close(self) -> None:
        with suppress(RedisError, OSError):
            await self._redis.aclose()

    def _names(self, windows: Sequence[Window]) -> list[str]:
        return [self._named(name) for _, _, name in windows]


class _InProcess:
    """The same in memory, as far as this process knows. Nothing here waits, so that tries at once are tries in turn."""

    def __init__(self) -> None:
        self._kept: defaultdict[int, OrderedDict[str, tuple[int, float]]] = defaultdict(OrderedDict)
        """By the length of the windows, so that they lie in the order in which they end: how many have counted in each,
        and when it ends, by the monotonic clock."""

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    def hit(self, windows: Sequence[Window]) -> Counted:
        """Counts where no window is full."""
        refused = any(self._counted(window)[0] >= window[1].amount for window in windows)
        if not refused:
            for window in windows:
                count, ends = self._counted(window)
                self._keep(window, count + 1, ends if count else time.monotonic() + window[1].get_expiry())
        now = time.monotonic()
        return refused, [(count, ends - now) for count, ends in map(self._counted, windows)]

    def note(self, windows: Sequence[Window], counts: Sequence[tuple[int, float]]) -> None:
        """What Redis has counted: when that is away nobody begins at nought.

        What was tried but once is not noted: most that comes is that, and it could fill the memory. Answers to tries at
        once come in any order: what has counted in a window is the most that any of them says.
        """
        now = time.monotonic()
        for window, (count, left) in zip(windows, counts, strict=True):
            if count > 1:
                self._keep(window, max(count, self._counted(window)[0]), now + left)

    def forgive(self, windows: Sequence[Window]) -> None:
        """Takes one back from each."""
        for window in windows:
            count, ends = self._counted(window)
            _, item, name = window
            if count > 1:
                self._kept[item.get_expiry()][name] = (count - 1, ends)
            else:
                self._kept[item.get_expiry()].pop(name, None)

    def _counted(self, window: Window) -> tuple[int, float]:
        _, item, name = window
        count, ends = self._kept[item.get_expiry()].get(name, (0, 0.0))
        return (count, ends) if ends > time.monotonic() else (0, 0.0)

    def _keep(self, window: Window, count: int, ends: float) -> None:
        _, item, name = window
        kept = self._kept[item.get_expiry()]
        begins = not self._counted(window)[0]
        kept[name] = (count, ends)
        if begins:
            kept.move_to_end(name)
            _thin_out(kept)


def _thin_out(kept: "OrderedDict[str, tuple[int, float]]") -> None:
    """Forgets a few of those that are over, or too many."""
    now = time.monotonic()
    for _ in range(FORGOTTEN_AT_ONCE):
        _, ends = kept[next(iter(kept))]
        if ends > now and len(kept) <= AT_MOST:
            return
        kept.popitem(last=False)


@cache
def _items(policy: Policy) -> list[RateLimitItem]:
    return [RateLimitItemPerSecond(quota, seconds) for quota, seconds in policy.windows]


def _standing(window: Window, count: int, left: float) -> Standing:
    policy, item, _ = window
    seconds = item.get_expiry()
    remaining = max(0, item.amount - count)
    ends_in = max(1, ceil(left)) if count else seconds  # one that has not begun would be as long as it is
    return Standing(policy.name, item.amount, seconds, remaining, ends_in)
