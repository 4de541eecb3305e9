"""Waiting for what happens elsewhere, as long as it takes and no longer."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def until(is_so: Callable[[], bool | Awaitable[bool]], seconds: float = 10) -> None:
    """Returns once `is_so()`; fails when that takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        answer = is_so()
        if await answer if inspect.isawaitable(answer) else answer:
            return
        assert time.monotonic() < deadline, f"not so within {seconds} s: {inspect.getsource(is_so).strip()}"
        await asyncio.sleep(0.01)


async def few_at_once(doing: Iterable[Coroutine[Any, Any, T]], most: int = 4) -> list[T]:
    """What they answer, in their order; for many requests: httpx looks at all of its connections for each of them."""
    gate = asyncio.Semaphore(most)

    async def one(each: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await each

    return await asyncio.gather(*map(one, doing))
