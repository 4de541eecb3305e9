"""Scalars that the plan reads without asking GraphQL: whole numbers, within what a client can hold."""

from __future__ import annotations

from typing import NewType

import strawberry

SafeInt = NewType("SafeInt", int)
"""An integer that JavaScript holds exactly: up to 2⁵³ − 1 either way."""

INT_LIMIT, SAFE_LIMIT = 2**31, 2**53 - 1


def _checked(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > SAFE_LIMIT:
        raise ValueError(f"SafeInt cannot represent {value!r:.60}: it is no integer within ±(2⁵³ − 1).")
    return value


SAFE_INT = strawberry.scalar(
    name="SafeInt",
    description="An integer that JavaScript holds exactly, within ±(2⁵³ − 1). Sizes in bytes need more than Int.",
    serialize=_checked,
    parse_value=_checked,
)


def small(number: int | None) -> int | None:
    """A number that fits GraphQL's Int, or null; anything else has to be told."""
    if number is None or -INT_LIMIT <= number < INT_LIMIT:
        return number
    raise OverflowError(number)


def safe(number: int | None) -> int | None:
    """The same for SafeInt."""
    if number is None or -SAFE_LIMIT <= number <= SAFE_LIMIT:
        return number
    raise OverflowError(number)
