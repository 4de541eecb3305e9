"""When a file's pictures and sounds really play: from where to where, and how many frames a second."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise

from av.stream import Stream

from domain.media import Limits, Refusal, RefusedMedia
from media.rates import rate_of
from media.source import Source
from media.tracks import Part, read_tracks

# Containers whose header states a duration that was measured when the file was written; the others only estimate.
_STATES_DURATION = ("mov", "matroska", "avi", "flv")
_MISSING_SECONDS, _MISSING_SHARE = Fraction(1, 2), Fraction(2, 100)
# Encoders of sound begin a few milliseconds early (AAC 1024 or 2112 samples, Opus 312) and fill up their last frame:
# neither moves the pictures.
_FRINGE_SECONDS = Fraction(1, 10)
_TIME_BASE_OF_AV = 1_000_000


@dataclass(frozen=True, slots=True)
class Timeline:
    """Where the clip begins and ends on the file's own clock, in seconds, and its frames.

    `frame_rate`, `variable` and `even` are as in `Rate`. `offsets` are the seconds to add to the times of each of the
    file's parts: just one, 0, unless recordings were joined end to end. `lead` is how many seconds the clip has begun
    before its first picture: none, unless its sound is earlier.
    """

    start: Fraction
    end: Fraction
    frame_count: int
    frame_rate: Fraction
    variable: bool
    offsets: tuple[Fraction, ...]
    even: bool = False
    lead: Fraction = Fraction(0)

    @property
    def seconds(self) -> Fraction:
        """How long the clip is."""
        return self.end - self.start


def read_timeline(source: Source, limits: Limits, on_progress: Callable[[float], None]) -> Timeline:
    """Read all packets of `source`, decoding none; `on_progress` hears the share of the file read, 0–1.

    Raises RefusedMedia with TOO_LONG, TRUNCATED, or DAMAGED where no picture has a time or where picture and sound of
    a joined file are not joined in the same places.
    """
    tracks = read_tracks(source, on_progress)
    video = tracks[source.video.index].parts
    audio = _sounding(tracks[source.audio.index].parts) if source.audio else []
    spans = _spans(video, audio)
    _refuse_missing(source, max(part.end for track in tracks.values() for part in track.parts))
    offsets = _offsets(spans)
    ticks = _ticks(source, video, offsets)
    rate = rate_of(ticks, _tick(source), _stated_rate(source))
    start, first = spans[0][0], ticks[0] * _tick(source)
    end = max(part.end for part in (video[-1], *audio[-1:])) + offsets[-1]
    if not rate.variable:  # not every container tells how long its last picture stands
        end = max(end, first + len(ticks) / rate.a_second)
    _refuse_long(end - start, limits)
    return Timeline(start, end, len(ticks), rate.a_second, rate.variable, offsets, rate.even, first - start)


def _sounding(parts: list[Part]) -> list[Part]:
    return parts if any(part.start is not None for part in parts) else []


def _spans(video: list[Part], audio: list[Part]) -> list[tuple[Fraction, Fraction]]:
    """Say when each part begins and ends on its own clock, sound included."""
    sounds = audio or [Part()] * len(video)
    if len(sounds) != len(video):
        raise RefusedMedia(Refusal.DAMAGED)  # which sound belongs to which picture cannot be told
    return [_span(pictures, sound) for pictures, sound in zip(video, sounds, strict=True)]


def _span(video: Part, audio: Part) -> tuple[Fraction, Fraction]:
    if video.start is None:
        raise RefusedMedia(Refusal.DAMAGED)
    if audio.start is None:
        return video.start, video.end
    early, late = audio.start < video.start - _FRINGE_SECONDS, audio.end > video.end + _FRINGE_SECONDS
    return audio.start if early else video.start, audio.end if late else video.end


def _offsets(spans: list[tuple[Fraction, Fraction]]) -> tuple[Fraction, ...]:
    """Say by how many seconds each part must be moved to follow the one before it."""
    offsets = [Fraction(0)]
    for (_, earlier_end), (later_start, _) in pairwise(spans):
        offsets.append(offsets[-1] + earlier_end - later_start)
    return tuple(offsets)


def _ticks(source: Source, parts: list[Part], offsets: tuple[Fraction, ...]) -> list[int]:
    tick = _tick(source)
    moved = (
        (shown + round(offset / tick) for shown in part.shown) for part, offset in zip(parts, offsets, strict=True)
    )
    return sorted(chain.from_iterable(moved))


def _tick(source: Source) -> Fraction:
    return source.video.time_base or Fraction(1, 1000)


def _stated_rate(source: Source) -> Fraction:
    return source.video.guessed_rate or source.video.average_rate or Fraction(25)


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
