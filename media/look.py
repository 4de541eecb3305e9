"""What a picture looks like once decoded: its shape, its turn, its colours."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

import av
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc

from domain.media import Refusal, RefusedMedia
from media.orientation import Orientation, orientation_of
from media.source import Source

# So many packets may fail or be swallowed before the first picture must have come out (open GOPs, stray leading data).
_PATIENCE = 300
_STRANGEST_ASPECT = Fraction(8)
_PROGRESSIVE_OR_UNKNOWN = (0, 1)
_HIGH_DYNAMIC_RANGE = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)


@dataclass(frozen=True, slots=True)
class Colours:
    """The tags of ITU-T H.273 that a video carries: matrix, primaries and transfer characteristics."""

    matrix: int
    primaries: int
    transfer: int


@dataclass(frozen=True, slots=True)
class Look:
    """The first decoded picture's properties. `width` and `height` are as shown: upright, with square pixels."""

    width: int
    height: int
    pixel_aspect: Fraction
    orientation: Orientation
    interlaced: bool
    wide_colours: bool  # more than a standard screen shows (HDR, BT.2020): must be mapped, not merely relabelled
    is_rgb: bool
    colours: Colours  # of a standard 8-bit video made from it


_BT709 = Colours(matrix=1, primaries=1, transfer=1)


def read_look(source: Source) -> Look:
    """Decode the first picture of `source`. Raises RefusedMedia with UNKNOWN_CODEC or DAMAGED."""
    frame = _first_frame(source)
    orientation = orientation_of(frame)
    aspect = source.video.sample_aspect_ratio or source.video.codec_context.sample_aspect_ratio or Fraction(1)
    width, height = _square_pixels(frame.width, frame.height, aspect)
    if orientation.swaps_sides:
        width, height = height, width
    wide_colours = frame.color_trc in _HIGH_DYNAMIC_RANGE or frame.color_primaries == ColorPrimaries.BT2020
    field_order = source.video.codec_context.field_order
    return Look(
        width=width,
        height=height,
        pixel_aspect=aspect,
        orientation=orientation,
        interlaced=frame.interlaced_frame or field_order not in _PROGRESSIVE_OR_UNKNOWN,
        wide_colours=wide_colours,
        is_rgb=frame.format.is_rgb,
        colours=_BT709 if wide_colours else _colours(frame),
    )


def _colours(frame: VideoFrame) -> Colours:
    matrix = _BT709.matrix if frame.format.is_rgb else frame.colorspace
    return Colours(matrix, frame.color_primaries, frame.color_trc)


def _first_frame(source: Source) -> VideoFrame:
    for packet in islice(source.packets(source.video), _PATIENCE):
        try:
            frames = source.video.decode(packet)
        except (av.PatchWelcomeError, av.error.NotImplementedError) as error:
            raise RefusedMedia(Refusal.UNKNOWN_CODEC, codec=source.video.codec_context.name) from error
        except av.error.MemoryError:
            raise
        except av.FFmpegError:
            continue
        if frames:
            return frames[0]
    raise RefusedMedia(Refusal.DAMAGED)


def _square_pixels(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Widen or heighten, never shrink, so that no detail is lost."""
    if not 1 / _STRANGEST_ASPECT <= aspect <= _STRANGEST_ASPECT:  # a lie or junk: no camera has such pixels
        return width, height
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
