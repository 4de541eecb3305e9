"""The image of a comment: the whole of what was sent, not larger than a screen."""

from pathlib import Path

from domain.media import Limits
from media.stills import decoded, drawn

LONGEST_SIDE = 2560


def draw_image(source: Path, target: Path, limits: Limits) -> None:
    """Write the still picture at `source` to `target`: a WebP, upright, with no side longer than 2,560 pixels.

    Refuses as `media.stills.decoded` does.
    """
    frame = decoded(source, limits)
    share = min(1, LONGEST_SIDE / max(frame.width, frame.height))
    width, height = (max(1, round(side * share)) for side in (frame.width, frame.height))
    target.write_bytes(drawn(frame, ("scale", f"{width}:{height}:flags=bicubic")))
