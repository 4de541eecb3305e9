"""Scalars beside GraphQL's own."""

from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

SafeInt = NewType("SafeInt", int)
"""An integer that JavaScript holds exactly: up to 2⁵³ − 1 either way."""

Json = NewType("Json", dict[str, Any])
"""An object of JSON whose members depend on what it is about."""

_LIMIT = 2**53 - 1


def _checked(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LIMIT:
        raise ValueError(f"SafeInt cannot represent {value!r:.60}: it is no integer within ±(2⁵³ − 1).")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    SafeInt: strawberry.scalar(
        name="SafeInt",
        description="An integer that JavaScript holds exactly, within ±(2⁵³ − 1). Sizes in bytes need more than Int.",
        serialize=_checked,
        parse_value=_checked,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="An object of JSON whose members depend on what it is about.",
        serialize=lambda value: value,
    ),
}
