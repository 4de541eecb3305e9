"""When a file's pictures and sounds really play: every packet's time is read, no header is believed."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from av.packet import Packet
from av.stream import Stream

from domain.media import Limits, Refusal, RefusedMedia
from media.source import Source

# Containers whose header states a duration that was measured when the file was written; the others only estimate.
_STATES_DURATION = ("mov", "matroska", "avi", "flv")
_MISSING_SECONDS, _MISSING_SHARE = Fraction(1, 2), Fraction(2, 100)
# Encoders of sound begin a few milliseconds early (AAC 1024 or 2112 samples, Opus 312): not part of the clip.
_PRIMING_SECONDS = Fraction(1, 10)
_STEADY_SECONDS, _STEADY_SHARE = Fraction(2, 1000), Fraction(1, 10)
_TIME_BASE_OF_AV = 1_000_000
_COMMON_RATES = tuple(
    Fraction(*rate) for rate in ((24000, 1001), (30000, 1001), (60000, 1001), (48000, 1001), (120000, 1001))
)
_MAX_DENOMINATOR = 1001


@dataclass(frozen=True, slots=True)
class Timeline:
    """Where the clip begins and ends on the file's own clock, in seconds, and its frames.

    `frame_rate` is frames a second: exact where constant, the mean where it varies.
    """

    start: Fraction
    end: Fraction
    frame_count: int
    frame_rate: Fraction
    variable: bool

    @property
    def seconds(self) -> Fraction:
        """How long the clip is."""
        return self.end - self.start


@dataclass(slots=True)
class _Track:
    """Times of one stream's packets, in seconds. `shown` excludes what an edit list cuts away."""

    start: Fraction | None = None
    end: Fraction = Fraction(0)
    shown: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, packet: "Packet[Stream]", *, keep: bool) -> None:
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is None or packet.is_discard:
            return
        time = ticks * packet.time_base
        self.start = time if self.start is None else min(self.start, time)
        self.end = max(self.end, time + (packet.duration or 0) * packet.time_base)
        if keep:
            self.shown.append(ticks)


def read_timeline(source: Source, limits: Limits, on_progress: Callable[[float], None]) -> Timeline:
    """Read all packets of `source`, decoding none; `on_progress` hears the share of the file read, 0–1.

    Raises RefusedMedia with TOO_LONG, TRUNCATED, or DAMAGED where no picture has a time.
    """
    tracks = _read_tracks(source, limits, on_progress)
    video = tracks[source.video.index]
    if video.start is None:
        raise RefusedMedia(Refusal.DAMAGED)
    audio = tracks[source.audio.index] if source.audio else _Track()
    _refuse_missing(source, max(track.end for track in tracks.values()))
    start = _clip_start(video.start, audio.start)
    ticks = sorted(video.shown)
    steady, rate = _frame_rate(source, ticks)
    end = max(video.end, audio.end, video.start + len(ticks) / rate if steady else video.end)
    return Timeline(start, end, len(ticks), rate, not steady)


def _read_tracks(source: Source, limits: Limits, on_progress: Callable[[float], None]) -> dict[int, _Track]:
    streams = tuple(source.container.streams)
    tracks = {stream.index: _Track() for stream in streams}
    size, reached = max(source.container.size, 1), 0
    counted = {source.video.index, source.audio.index if source.audio else source.video.index}
    for packet in source.packets(*streams):
        index = packet.stream.index
        track = tracks[index]
        track.add(packet, keep=index == source.video.index)
        if index in counted and track.start is not None:
            _refuse_long(track.end - track.start, limits)
        reached = max(reached, packet.pos or 0)  # streams are not always read in the order they lie in
        on_progress(min(reached / size, 1.0))
    return tracks


def _refuse_long(seconds: Fraction, limits: Limits) -> None:
    if seconds > limits.max_seconds:
        raise RefusedMedia(Refusal.TOO_LONG, seconds=int(seconds), limit=limits.max_seconds)


def _refuse_missing(source: Source, end: Fraction) -> None:
    """Refuse a file that ends well before its header says: decoding it would stop there without an error."""
    if not source.container.format.name.startswith(_STATES_DURATION):
        return
    container = source.container
    whole = Fraction((container.duration or 0) + (container.start_time or 0), _TIME_BASE_OF_AV)
    streams = (stream for stream in (source.video, source.audio) if stream)
    promised = max(whole, *(_stated_end(stream) for stream in streams))
    if promised - end > max(_MISSING_SECONDS, _MISSING_SHARE * promised):
        raise RefusedMedia(Refusal.TRUNCATED)


def _stated_end(stream: Stream) -> Fraction:
    if not stream.duration or not stream.time_base:
        return Fraction(0)
    return (stream.duration + (stream.start_time or 0)) * stream.time_base


def _clip_start(video: Fraction, audio: Fraction | None) -> Fraction:
    return video if audio is None or audio > video - _PRIMING_SECONDS else audio


def _frame_rate(source: Source, ticks: list[int]) -> tuple[bool, Fraction]:
    """Answer whether frames follow at even intervals, and how many a second do."""
    stated = source.video.guessed_rate or source.video.average_rate or Fraction(25)
    tick = source.video.time_base or Fraction(1, 1000)
    if len(ticks) < 2 or ticks[-1] == ticks[0]:
        return True, stated
    interval = (ticks[-1] - ticks[0]) * tick / (len(ticks) - 1)
    tolerance = max(_STEADY_SECONDS, _STEADY_SHARE * interval)
    gaps = (later - earlier for earlier, later in pairwise(ticks))
    steady = all(abs(gap * tick - interval) <= tolerance for gap in gaps)
    return steady, _nearest_rate(1 / interval, stated, (len(ticks) - 1) * interval)


def _nearest_rate(measured: Fraction, stated: Fraction, span: Fraction) -> Fraction:
    """Name a measured rate as the field does: the stated one, 30000/1001 and its kin, or a small fraction.

    Two rates are the same if over the whole `span` (seconds) they stay within half a frame of each other.
    """
    for candidate in (stated, *_COMMON_RATES, Fraction(round(measured))):
        if candidate > 0 and abs(candidate - measured) * span <= Fraction(1, 2):
            return candidate
    return measured.limit_denominator(_MAX_DENOMINATOR)
