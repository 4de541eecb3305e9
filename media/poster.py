"""The poster: one telling picture of the clip as a JPEG."""

import statistics
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.codec.context import CodecContext
from av.video.frame import VideoFrame

from domain.media import Limits, Refusal, RefusedMedia
from media.look import Look
from media.picture import PictureFilter, Target, fitted
from media.source import Source, decode, open_source
from media.timeline import Timeline

_LONG_SIDE = 1280
_JPEG_QUALITY = 4  # libavcodec's scale, 2 best to 31 worst
_MOMENTS = (Fraction(1, 10), Fraction(3, 10), Fraction(1, 2), Fraction(7, 10), Fraction(0))
_TELLING = 40.0  # a spread of brightness (of 0–255) that needs no better candidate
_OPENING_FRAMES = 250  # as many as lie between two key frames of the usual encoders
_SAMPLES = 2000
_TICKS_A_SECOND = 1_000_000


def make_poster(path: Path, target: Path, look: Look, timeline: Timeline, limits: Limits) -> None:
    """Write a poster of the video at `path` to `target`, upright, at most 1280 pixels on its longer side.

    Of a few moments the first rich picture is taken, else the richest: a black or plain opening is passed over.
    Raises RefusedMedia with DAMAGED if nothing can be decoded.
    """
    width, height = fitted(look, _LONG_SIDE, _LONG_SIDE, even=False)
    pictures = PictureFilter(look, Target(width, height, jpeg=True), limits.threads)
    best = _richest(_pictures_at_moments(path, timeline, limits, pictures))
    if best is None:
        best = _richest(_pictures_of_the_opening(path, limits, pictures))
    if best is None:
        raise RefusedMedia(Refusal.DAMAGED)
    target.write_bytes(_jpeg(best))


def _richest(pictures: Iterator[VideoFrame]) -> VideoFrame | None:
    best, most = None, -1.0
    for picture in pictures:
        richness = _richness(picture)
        if richness > most:
            best, most = picture, richness
        if most >= _TELLING:
            break
    return best


def _pictures_at_moments(
    path: Path, timeline: Timeline, limits: Limits, pictures: PictureFilter
) -> Iterator[VideoFrame]:
    with open_source(path, limits) as source:
        for moment in _MOMENTS:
            picture = _picture_at(source, timeline.start + moment * timeline.seconds, pictures)
            if picture is not None:
                yield picture


def _pictures_of_the_opening(path: Path, limits: Limits, pictures: PictureFilter) -> Iterator[VideoFrame]:
    """Read on from the very start: in a file without an index, seeking may pass over the only key frame."""
    with open_source(path, limits) as source:
        for frame in islice(_decoded(source), _OPENING_FRAMES):
            yield from pictures.feed(frame)
    yield from pictures.finish()


def _picture_at(source: Source, seconds: Fraction, pictures: PictureFilter) -> VideoFrame | None:
    """Take the key frame at or before the moment, or the first after it where seeking fails."""
    try:
        source.container.seek(int(seconds * _TICKS_A_SECOND))
    except av.FFmpegError:
        source.video.codec_context.flush_buffers()
    for frame in _decoded(source):
        for picture in pictures.feed(frame):
            return picture
    return next(pictures.finish(), None)


def _decoded(source: Source) -> Iterator[VideoFrame]:
    for packet in source.packets(source.video):
        for frame in decode(packet) or ():
            if isinstance(frame, VideoFrame):
                yield frame


def _richness(frame: VideoFrame) -> float:
    """Measure how much a picture shows: the spread of its brightness over a sparse sample."""
    luma = bytes(frame.planes[0])
    return statistics.pstdev(luma[:: max(1, len(luma) // _SAMPLES)])


def _jpeg(frame: VideoFrame) -> bytes:
    encoder = CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.qmin = encoder.qmax = _JPEG_QUALITY
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
