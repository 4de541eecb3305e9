"""Versions of events, for receivers that were written against an older one.

An edition is the state of all types at some time: where an endpoint is made, the newest is noted, and it is told events
as they were then. A type that has changed keeps a `Former` for each shape that some edition still has. What only adds
a field is no new version.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from domain.events import Event

Shape = type[Event]

EDITION = 1
"""The newest: it grows by one where any type gets a new version."""


@dataclass(frozen=True, slots=True)
class Former:
    """How a type was told up to, and in, the edition `until`."""

    event: Shape
    """Its shape and version then. It is not registered: nothing records it any more."""
    until: int
    downgrade: Callable[[dict[str, Any]], dict[str, Any]]
    """The payload of the version that came after it → the payload of this one."""


FORMER: dict[str, Sequence[Former]] = {}
"""Type → its former shapes, the oldest first."""
