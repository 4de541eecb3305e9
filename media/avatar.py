"""Somebody's picture: a small square of the middle of whatever they sent."""

from pathlib import Path

from domain.media import Limits
from media.stills import decoded, drawn

SIDE = 256


def draw_avatar(source: Path, target: Path, limits: Limits) -> None:
    """Write the middle of the still picture at `source` to `target`: a WebP, upright, 256 × 256 pixels.

    Refuses as `media.stills.decoded` does.
    """
    square = ("crop", "min(iw\\,ih):min(iw\\,ih)"), ("scale", f"{SIDE}:{SIDE}:flags=bicubic")
    target.write_bytes(drawn(decoded(source, limits), *square))
