"""Rules of videos."""

from datetime import datetime, timedelta
from enum import StrEnum

RESTORABLE = timedelta(days=30)
"""How long a deleted video can be brought back."""


class VideoStatus(StrEnum):
    """How far a video has come."""

    DRAFT = "draft"
    READY = "ready"


class VideoOrder(StrEnum):
    """In which order a library is listed."""

    NEWEST = "newest"
    OLDEST = "oldest"


def restorable_until(deleted_at: datetime | None) -> datetime | None:
    """The moment after which a video deleted at `deleted_at` is gone for good; None while it is not deleted."""
    return deleted_at + RESTORABLE if deleted_at else None
