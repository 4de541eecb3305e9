"""What a field says of whom its answer depends on."""

from enum import IntEnum
from typing import Any

DEPENDS = "depends"
"""Under this name the `metadata` of a field that is no declaration says it."""


class Depends(IntEnum):
    """Whom a field's answer depends on, the fewest last."""

    NOTHING = 0
    """It is the same for whoever asks."""
    ROLE = 1
    """It is the same for all who have the same role in the same team: whatever a viewer that is several may see."""
    PERSON = 2
    """It may be another for each person, or even for each of their sessions. Whatever says nothing counts as this."""


def depends_on(on: Depends) -> dict[str, Any]:
    """`metadata` of a field that says so."""
    return {DEPENDS: on}
