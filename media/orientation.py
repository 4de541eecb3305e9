"""How a stored picture must be turned to stand upright, read from its display matrix."""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame

_MATRIX = struct.Struct("=9i")


@dataclass(frozen=True, slots=True)
class Orientation:
    """Degrees clockwise (0, 90, 180, 270) and the filters, with their arguments, that turn and mirror the pixels.

    Filter graphs do not look at the display matrix themselves.
    """

    rotation: int = 0
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def swaps_sides(self) -> bool:
        """Whether width becomes height."""
        return self.rotation in (90, 270)


def orientation_of(frame: VideoFrame) -> Orientation:
    """Read the display matrix of a decoded frame; upright where it has none. Odd angles go to the nearest quarter."""
    try:
        side_data = cast("Mapping[SideDataType, object]", frame.side_data)
    except ValueError:  # PyAV has no word for some of it, such as EXIF: it says how far to turn, not whether to mirror
        return _turned(round(-frame.rotation / 90) % 4 * 90, mirrored=False)
    matrix = side_data.get(SideDataType.DISPLAYMATRIX)
    if matrix is None:
        return Orientation()
    a, b, _, c, d, *_ = _MATRIX.unpack(bytes(matrix)[: _MATRIX.size])  # type: ignore[call-overload]  # a buffer
    return _from_matrix(a, b, c, d)


def _from_matrix(a: int, b: int, c: int, d: int) -> Orientation:
    """Split the matrix (x' = a·x + c·y, y' = b·x + d·y, y downwards) into a quarter turn and a mirroring."""
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b  # the turn that remains after a left-right mirroring of the stored picture
    return _turned(round(math.degrees(math.atan2(b, a)) / 90) % 4 * 90, mirrored=mirrored)


def _turned(rotation: int, *, mirrored: bool) -> Orientation:
    turn = {0: (), 90: (("transpose", "clock"),), 180: (("hflip", ""), ("vflip", "")), 270: (("transpose", "cclock"),)}
    mirror = (("hflip", ""),) if mirrored else ()
    return Orientation(rotation, (*mirror, *turn[rotation]))
