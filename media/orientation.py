"""How a stored picture must be turned to stand upright, read from its display matrix."""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from av.filter import Graph
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame

_MATRIX = struct.Struct("=9i")
_UNNAMED = range(28, 40)
"""Kinds of side data that PyAV does not know, and falls over. Without them it says all that the display matrix says."""


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
        side_data = frame.side_data
    except ValueError:  # it has some that PyAV has no word for
        side_data = _with_known_data(frame).side_data
    matrix = cast("Mapping[SideDataType, object]", side_data).get(SideDataType.DISPLAYMATRIX)
    if matrix is None:
        return Orientation()
    a, b, _, c, d, *_ = _MATRIX.unpack(bytes(matrix)[: _MATRIX.size])  # type: ignore[call-overload]  # a buffer
    return _from_matrix(a, b, c, d)


def _with_known_data(frame: VideoFrame) -> VideoFrame:
    """The same picture without the data of photographs (EXIF), of which the decoder has made the display matrix."""
    graph, shape = Graph(), {"video_size": f"{frame.width}x{frame.height}", "pix_fmt": frame.format.name}
    without = (graph.add("sidedata", f"mode=delete:type={kind}") for kind in _UNNAMED)
    graph.link_nodes(graph.add("buffer", **shape, time_base="1/25"), *without, graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()


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
