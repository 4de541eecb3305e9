"""The proxy: what the browser plays in place of the original. H.264 and AAC in a fast-start MP4.

Always encoded anew, never copied, even where the source already is such a file: so every proxy scrubs well (a key frame
a second), holds exactly the source's frames, and carries no byte of a stranger's bitstream to a viewer's decoder.
"""

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from domain.media import Limits, Refusal, RefusedMedia
from media.look import Look
from media.pacing import Pacer
from media.parts import Joiner
from media.picture import PictureFilter, Target, fitted
from media.sound import SAMPLE_RATE, SoundFilter
from media.source import Source, decode, open_source
from media.timeline import Timeline

_SHORT_SIDE, _LONG_SIDE = 1080, 3840
# Two cores encode 1080p at several times its speed with these; the bit-rate cap keeps noise streamable.
_X264 = {"preset": "veryfast", "crf": "23", "profile": "high", "maxrate": "12M", "bufsize": "24M"}
_SOUND_BIT_RATE = 160_000
_CLOCK = 90_000
_FINEST = 140_000  # so that four hours between two frames are no more than an MP4 can say
_KEY_FRAMES = (10, 60)
_BROKEN_SHARE = 0.2


@dataclass(slots=True)
class _Tally:
    """How much of the source came out of its decoders."""

    good: int = 0
    broken: int = 0

    @property
    def mostly_broken(self) -> bool:
        return self.broken > _BROKEN_SHARE * (self.good + self.broken)


def make_proxy(
    path: Path,
    target: Path,
    look: Look,
    timeline: Timeline,
    limits: Limits,
    on_progress: Callable[[float], None],
) -> "array[int]":
    """Write a proxy of the video at `path` to `target`; answer from which whole millisecond on each frame is shown.

    Each frame keeps its own time: a variable frame rate stays one, and none is doubled or dropped. Times count from
    the clip's start. `on_progress` hears the share of the clip that is done, 0–1.
    Raises RefusedMedia with DAMAGED where more than a fifth cannot be decoded or has no place in time.
    """
    with (
        open_source(path, limits) as source,
        av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as output,
    ):
        encoding = _Encoding(source, output, look, timeline, limits)
        streams = [source.video, *([source.audio] if source.audio else [])]
        for packet in source.packets(*streams):
            encoding.take(packet)
            on_progress(encoding.done)
        encoding.finish()
    on_progress(1.0)
    return encoding.times


class _Encoding:
    """One proxy in the making."""

    def __init__(self, source: Source, output: OutputContainer, look: Look, timeline: Timeline, limits: Limits) -> None:
        self._output = output
        self._timeline = timeline
        self._pictures = PictureFilter(look, Target(*_size(look)), limits.threads)
        self._sounds = SoundFilter(timeline.start, limits.threads)
        self._video = _video_stream(output, look, timeline, limits)
        self._video.codec_context.time_base = _clock(timeline, source.video.time_base)
        self._audio = _audio_stream(output) if source.audio else None
        self._pacer = Pacer(timeline, self._video.codec_context.time_base)
        self._joiner = Joiner(source.container, timeline.offsets)
        self._tallies = {source.video.index: _Tally()} | ({source.audio.index: _Tally()} if source.audio else {})

    @property
    def times(self) -> "array[int]":
        """The first whole millisecond of each frame that the proxy holds so far."""
        return self._pacer.times

    @property
    def done(self) -> float:
        """The share of the clip whose pictures are encoded, 0–1."""
        seconds = max(self._pacer.last_pts, 0) * self._video.codec_context.time_base
        return min(float(seconds / (self._timeline.seconds or 1)), 1.0)

    def take(self, packet: "Packet[Stream]") -> None:
        """Decode one packet and encode what comes of it."""
        tally = self._tallies[packet.stream.index]  # a flushing packet has no index of its own
        self._joiner.move(packet)
        frames = decode(packet)
        tally.broken += frames is None
        for frame in frames or ():
            tally.broken += frame.is_corrupt
            tally.good += not frame.is_corrupt
            if isinstance(frame, VideoFrame):
                self._encode_pictures(self._pictures.feed(frame))
            else:
                self._encode_sounds(self._sounds.feed(frame))

    def finish(self) -> None:
        """Flush filters and encoders. Raises RefusedMedia with DAMAGED."""
        self._encode_pictures(self._pictures.finish())
        self._encode(self._pacer.finish())
        if self._is_damaged:
            raise RefusedMedia(Refusal.DAMAGED)
        self._encode_sounds(self._sounds.finish())
        self._output.mux(self._video.encode(None))
        if self._audio:
            self._output.mux(self._audio.encode(None))

    @property
    def _is_damaged(self) -> bool:
        if not self.times or self._pacer.astray > _BROKEN_SHARE * len(self.times):
            return True
        return any(tally.mostly_broken for tally in self._tallies.values())

    def _encode_pictures(self, frames: Iterable[VideoFrame]) -> None:
        for frame in frames:
            self._encode(self._pacer.feed(frame))

    def _encode(self, frames: Iterable[VideoFrame]) -> None:
        for frame in frames:
            frame.pict_type = 0  # the source's choice of key frames is not ours
            self._output.mux(self._video.encode(frame))

    def _encode_sounds(self, frames: Iterable[AudioFrame]) -> None:
        if self._audio:
            for frame in frames:
                self._output.mux(self._audio.encode(frame))


def _size(look: Look) -> tuple[int, int]:
    return fitted(look, _SHORT_SIDE, _LONG_SIDE, even=True)


def _video_stream(output: OutputContainer, look: Look, timeline: Timeline, limits: Limits) -> VideoStream:
    fewest, most = _KEY_FRAMES
    rate = timeline.frame_rate
    stream = output.add_stream("libx264", rate=rate, options=dict(_X264))
    context = stream.codec_context
    context.width, context.height = _size(look)
    context.pix_fmt, context.color_range = "yuv420p", ColorRange.MPEG
    context.colorspace, context.color_primaries = look.colours.matrix, look.colours.primaries
    context.color_trc = look.colours.transfer
    context.gop_size = min(max(round(rate), fewest), most)
    context.thread_count = limits.threads
    return stream


def _clock(timeline: Timeline, tick: Fraction | None) -> Fraction:
    """Choose a tick that hits every frame exactly: of an even rate (1001/30000 s), else of the file's own clock.

    One of those that are finer than `_FINEST` is rounded: a frame may stray by 6 µs.
    """
    unit = timeline.frame_rate.numerator
    if not timeline.even:
        own = lcm(tick.denominator, timeline.start.denominator) if tick else _CLOCK
        unit = own if own <= _FINEST else _CLOCK
    return Fraction(1, unit * max(1, -(-_CLOCK // unit)))


def _audio_stream(output: OutputContainer) -> AudioStream:
    stream = output.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
    stream.codec_context.bit_rate = _SOUND_BIT_RATE
    return stream
