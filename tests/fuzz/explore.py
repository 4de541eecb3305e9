"""Hypothesis at work beside an event loop: it draws in a thread of its own, what it draws is tried on the loop.

What it draws are seeds. Given the choices themselves it would try many likenesses of each document instead of others.
A document that fails is made smaller as what it is: see `simplest.py`.
"""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

Case = TypeVar("Case")
DOCUMENTS = int(os.environ.get("FUZZ_DOCUMENTS", "500"))
SEED = os.environ.get("FUZZ_SEED", "1") or secrets.token_hex(4)
"""Another one each time where it is left empty."""
GIVEN_UP = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
"""graphql-core gives up what runs beside a field that fails, some of it before it has begun to be awaited."""
AT_ONCE = 500
"""Hypothesis remembers all that it has drawn: it begins anew after so many."""
HABITS = settings(
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


async def first_fault(
    draw: Callable[[Random], Case],
    check: Callable[[Case], Awaitable[None]],
    *,
    times: int,
    tell: Callable[[str], None] = lambda _text: None,
) -> Case | None:
    """Tries `check` on so many cases, the same ones for the same SEED; answers the first that fails."""
    for begun in range(0, times, AT_ONCE):
        case = await _first_fault(draw, check, min(AT_ONCE, times - begun), f"{SEED} {begun}")
        if case is not None:
            return case
        tell(f"seed {SEED}, {min(begun + AT_ONCE, times)} documents")
    return None


async def tried(
    drawn: st.SearchStrategy[Case], check: Callable[[Case], Awaitable[None]], *, times: int, of: str
) -> None:
    """Tries `check` on so many cases that are drawn, the same ones for the same seed `of`; raises what it raises."""
    loop = asyncio.get_running_loop()

    @seed(of)
    @settings(HABITS, max_examples=times)
    @given(drawn)
    def one(case: Case) -> None:
        asyncio.run_coroutine_threadsafe(check(case), loop).result()

    await asyncio.to_thread(one)


async def _first_fault(draw: Any, check: Any, times: int, of: str) -> Any:
    faulty = list[Any]()

    async def noting(case: Any) -> None:
        try:
            await check(case)
        except AssertionError:
            faulty.append(case)
            raise

    try:
        await tried(st.randoms(use_true_random=True).map(draw), noting, times=times, of=of)
    except Exception:
        if not faulty:
            raise
    return faulty[0] if faulty else None
