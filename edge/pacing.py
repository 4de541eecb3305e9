"""Who makes us read a lot takes turns with everybody else.

To find out what a request asks may take twenty times as long as to answer a common one: a megabyte of JSON, a document
that is new. Whose address has had more than its share of that waits before the next of the kind is looked at. What is
small, and documents that are known, go on as ever.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from math import ceil
from time import monotonic
from typing import Any
from weakref import WeakValueDictionary

from graphql import GraphQLError
from starlette.responses import Response

from domain.errors import Throttled
from plan.effort import Effort
from plan.requests import RequestRefused

SHARE = 0.1
"""Of the time of this process, for one address."""
AT_ONCE_SECONDS = 0.2
"""CPU time that it may have before it waits."""
LONGEST_SECONDS = 10
"""Who would wait for longer is refused."""
MOST_WAITING = 200
"""Of one address: each may have sent a megabyte."""
_LEAST_SECONDS = 0.001
_MOST_KEPT = 10_000


class OutOfTurn(RequestRefused):
    """The address would have to wait for too long."""

    def __init__(self, seconds: int) -> None:
        extensions = {"code": Throttled.code.value, "retryAfterSeconds": seconds}
        message = "To read what comes from your address takes too long. Send less at once, or documents that are known."
        super().__init__([GraphQLError(message, extensions=extensions)], status=429)
        self._seconds = seconds

    def tell(self, response: Response) -> None:
        """Says in the headers when to come back."""
        response.headers["Retry-After"] = str(self._seconds)


class _Queue(asyncio.Lock):
    """Those of one address who wait. Whoever goes on has had what they have before the next is asked again."""

    length = 0

    async def __aenter__(self) -> None:
        self.length += 1
        try:
            await super().__aenter__()
        except BaseException:
            self.length -= 1
            raise

    async def __aexit__(self, *of: Any) -> None:
        self.length -= 1
        await super().__aexit__(*of)


class Pacing:
    """The turns of all addresses; where they are not `kept`, it is always everybody's. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic, *, kept: bool = True) -> None:
        self._kept = kept
        self._clock = clock
        self._even: dict[str, float] = {}
        """For each address that has had something lately, when it will have had no more than its share."""
        self._queues: WeakValueDictionary[str, _Queue] = WeakValueDictionary()

    def of(self, address: str) -> Effort:
        """To be held while it is found out what somebody at the address asks."""
        return Effort(partial(self.turn, address), partial(self.had, address))

    async def turn(self, address: str) -> None:
        """Returns when it is the address's turn; RequestRefused (429) where that is too far away."""
        queue, wait = self._queues.get(address), self._wait(address)
        if queue is None and wait <= 0:
            return
        if queue is None:
            queue = self._queues[address] = _Queue()
        if wait > LONGEST_SECONDS or queue.length >= MOST_WAITING:
            raise OutOfTurn(max(1, ceil(wait)))
        try:
            async with asyncio.timeout(LONGEST_SECONDS), queue:
                while (wait := self._wait(address)) > 0:  # noqa: ASYNC110 - it is the time that is awaited
                    await asyncio.sleep(wait)
        except TimeoutError:
            raise OutOfTurn(max(1, ceil(self._wait(address)))) from None

    def _wait(self, address: str) -> float:
        """Seconds until the address has had no more than it may."""
        even = self._even.get(address)
        return 0 if even is None else even - self._clock() - AT_ONCE_SECONDS / SHARE

    def had(self, address: str, seconds: float) -> None:
        """The address has had so much CPU time."""
        if seconds < _LEAST_SECONDS or not self._kept:
            return
        now = self._clock()
        self._even[address] = max(self._even.pop(address, now), now) + seconds / SHARE
        if len(self._even) > _MOST_KEPT:
            del self._even[next(iter(self._even))]
