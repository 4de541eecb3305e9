"""Scalars beside GraphQL's own, and what values of some have to look like."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NewType

import strawberry
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.schema.types.base_scalars import DateTimeDefinition
from strawberry.types.scalar import ScalarDefinition

from plan import BadInput
from plan.scalars import SAFE_INT, SafeInt

Json = NewType("Json", dict[str, Any])
"""An object of JSON whose members depend on what it is about."""
Drawing = NewType("Drawing", dict[str, Any])
"""What was drawn on a picture: see `domain/drawings.py`."""
EVENT_TYPE = re.compile(r"[a-z_]{1,25}\.[a-z_]{1,24}")
"""How types of events look, those included that are recorded no more."""


def _moment(given: object) -> Any:
    """A moment; the definition's own error for what is none, and for what may be another one elsewhere."""
    moment = DateTimeDefinition.parse_value(given)  # type: ignore[misc]
    if moment.tzinfo is None:
        raise StrawberryInputCoercionError(f'Value cannot represent a DateTime: "{given}". It has no offset.')
    return moment


def in_utc(given: datetime) -> datetime:
    """The same moment in UTC; BadInput where there is none."""
    try:
        return given.astimezone(UTC)
    except OverflowError as error:
        raise BadInput("There is no such moment in UTC.") from error


SCALARS: dict[object, ScalarDefinition] = {
    SafeInt: SAFE_INT,
    datetime: replace(
        DateTimeDefinition,
        description="A moment in ISO 8601, with its offset: we answer `2026-03-01T12:00:00.250000+00:00`, always UTC; "
        "any offset, and `Z`, are taken, and none without one.",
        parse_value=_moment,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="An object of JSON whose members depend on what it is about.",
        serialize=lambda value: value,
    ),
    Drawing: strawberry.scalar(
        name="Drawing",
        description="What is drawn on the picture, as vectors: `{version: 1, items: [...]}`, 1–200 items over each "
        "other. Each has a `kind` and no more than is named here. `stroke`: `points`. `line`, `arrow`, `rectangle`, "
        "`ellipse`: `from`, `to`. All of these `color` (`#rrggbb`) and `width`. `text`: `at`, `text` (at most 200 "
        "characters), `color`, `size`. A point is `[x, y]`, from 0 to 1: of the picture's width and height, from the "
        "top left. `width` (at most 0.1) and `size` (at most 0.5) are shares of its height. At most 3,000 points in "
        "all strokes, and 50 kB. It is answered as it was given, with four decimals.",
        serialize=lambda value: value,
    ),
}
