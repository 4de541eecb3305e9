"""From decoded frames to pictures fit to show: upright, square pixels, 8 bits, standard colours, one size."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.filter import Graph
from av.video.frame import VideoFrame

from media.look import Look

# Poster files say nothing of their colours; every viewer takes a JPEG for full-range BT.601.
_JPEG_COLOURS = "out_color_matrix=bt601:out_range=pc"
_VIDEO_RANGE = "out_range=tv"
# Maps brightness and gamut by perception (libswscale, FFmpeg 8), where a relabelling would look grey and flat.
_STANDARD_COLOURS = "out_color_matrix=bt709:out_primaries=bt709:out_transfer=bt709:out_range=tv:intent=perceptual"
_RGB_COLOURS = "out_color_matrix=bt709:out_range=tv"


@dataclass(frozen=True, slots=True)
class Target:
    """What comes out: width and height in pixels, and whether it is for a JPEG (else for video)."""

    width: int
    height: int
    jpeg: bool = False


def fitted(look: Look, short_side: int, long_side: int, *, even: bool) -> tuple[int, int]:
    """Shrink a picture's size, keeping its shape, until it fits; never enlarge. Answers width and height in pixels."""
    width, height = look.width, look.height
    scale = min(
        Fraction(1), Fraction(short_side, max(min(width, height), 1)), Fraction(long_side, max(width, height, 1))
    )
    step = 2 if even else 1
    return tuple(max(step, round(side * scale / step) * step) for side in (width, height))  # type: ignore[return-value]


class PictureFilter:
    """A filter graph that follows its input: frames may change size or format midway, what comes out does not."""

    def __init__(self, look: Look, target: Target, threads: int) -> None:
        self._look = look
        self._target = target
        self._threads = threads
        self._shape: tuple[int, int, str] | None = None
        self._graph: Graph | None = None

    def feed(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Put in one frame; take what is ready."""
        shape = (frame.width, frame.height, frame.format.name)
        if shape != self._shape or self._graph is None:
            yield from self.finish()
            self._graph, self._shape = self._build(frame), shape
        self._graph.vpush(frame)
        yield from _ready(self._graph)

    def finish(self) -> Iterator[VideoFrame]:
        """Take what the filters still hold back; the next frame begins anew."""
        if self._graph is not None:
            self._graph.vpush(None)
            yield from _ready(self._graph)
            self._graph = None

    def _build(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        graph.threads = self._threads
        nodes = [
            graph.add(
                "buffer",
                video_size=f"{frame.width}x{frame.height}",
                pix_fmt=frame.format.name,
                time_base=str(frame.time_base),
                colorspace=str(int(frame.colorspace)),
                range=str(int(frame.color_range)),
            )
        ]
        nodes += [graph.add(name, arguments or None) for name, arguments in self._filters()]
        graph.link_nodes(*nodes, graph.add("buffersink"))
        graph.configure()
        return graph

    def _filters(self) -> Iterator[tuple[str, str]]:
        look, target = self._look, self._target
        if look.interlaced:
            yield "bwdif", "mode=send_frame:deint=interlaced"
        width, height = target.width, target.height
        if look.orientation.swaps_sides:
            width, height = height, width
        # Scaled before it is turned and mapped: fewer pixels for both.
        yield "scale", f"{width}:{height}:flags=bicubic" + ("" if look.wide_colours else f":{self._colours()}")
        if look.wide_colours:
            yield "scale", _STANDARD_COLOURS
        if look.wide_colours and target.jpeg:
            yield "scale", _JPEG_COLOURS
        yield "format", "yuvj420p" if target.jpeg else "yuv420p"
        yield from look.orientation.filters
        yield "setsar", "1"

    def _colours(self) -> str:
        if self._target.jpeg:
            return _JPEG_COLOURS
        return _RGB_COLOURS if self._look.is_rgb else _VIDEO_RANGE


def _ready(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (av.EOFError, av.BlockingIOError):
            return
