"""Still pictures of strangers: decoded, drawn anew, and written as WebP, with nothing of the file but its pixels."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.codec.context import CodecContext
from av.filter import Graph
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from domain.media import Limits, Refusal, RefusedMedia
from domain.pictures import kind_of, size_of
from media.orientation import orientation_of
from media.sniff import refuse_pixels

_QUALITY = "80"  # libwebp's scale, 0–100


def decoded(source: Path, limits: Limits) -> VideoFrame:
    """The still picture at `source`.

    No container is opened: the bytes go to the one decoder that their signature names. Raises RefusedMedia with
    NOT_MEDIA, TOO_MANY_PIXELS or DAMAGED.
    """
    data = source.read_bytes()
    kind, size = kind_of(data), size_of(data)
    if kind is None or size is None:
        raise RefusedMedia(Refusal.NOT_MEDIA)
    refuse_pixels(*size, limits.max_pixels)
    decoder = cast("VideoCodecContext", CodecContext.create(kind, "r"))
    decoder.options = {"max_pixels": str(limits.max_pixels)}
    decoder.thread_count = limits.threads
    try:
        frames = [*decoder.decode(Packet(data)), *decoder.decode(None)]
    except av.error.MemoryError:
        raise
    except av.FFmpegError as error:
        raise RefusedMedia(Refusal.DAMAGED) from error
    if not frames or not isinstance(frames[0], VideoFrame):
        raise RefusedMedia(Refusal.DAMAGED)
    return frames[0]


def drawn(frame: VideoFrame, *steps: tuple[str, str]) -> bytes:
    """`frame` after these filters, each with its arguments, turned upright: a WebP."""
    graph = Graph()
    shape = {"video_size": f"{frame.width}x{frame.height}", "pix_fmt": frame.format.name, "time_base": "1/25"}
    # The format first: what shares its colours among pixels cannot be cut anywhere.
    filters: Sequence[tuple[str, str]] = [("format", "bgra"), *steps, *orientation_of(frame).filters]
    nodes = [graph.add("buffer", **shape), *(graph.add(name, arguments or None) for name, arguments in filters)]
    graph.link_nodes(*nodes, graph.add("buffersink")).configure()
    frame.pts = 0
    graph.vpush(frame)
    return _webp(graph.vpull())


def _webp(frame: VideoFrame) -> bytes:
    encoder = CodecContext.create("libwebp", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, frame.format.name
    encoder.time_base = Fraction(1, 25)
    encoder.options = {"quality": _QUALITY}
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
