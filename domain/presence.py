"""Who looks at a video right now, and at what: nothing of it is kept."""

from enum import StrEnum


class PresenceActivity(StrEnum):
    """What somebody is doing in the room of a video."""

    VIEWING = "viewing"
    TYPING = "typing"
    DRAWING = "drawing"
