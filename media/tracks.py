"""Every packet's time, as it is read: no header is believed."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from av.packet import Packet
from av.stream import Stream

from media.parts import PartCounter
from media.source import Source


@dataclass(slots=True)
class Part:
    """Times of one stream's packets in one part of the file, on that part's own clock.

    `start` and `end` are in seconds, None and 0 where there is nothing; `shown` are the ticks of the stream's time base
    at which its pictures play. What an edit list cuts away does not count.
    """

    start: Fraction | None = None
    end: Fraction = Fraction(0)
    shown: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, packet: "Packet[Stream]", *, keep: bool) -> None:
        """Take a packet's time; into `shown` too where asked to `keep` it."""
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is None or packet.is_discard:
            return
        time = ticks * packet.time_base
        end = time + (packet.duration or 0) * packet.time_base
        self.start, self.end = (time, end) if self.start is None else (min(self.start, time), max(self.end, end))
        if keep:
            self.shown.append(ticks)


@dataclass(slots=True)
class Track:
    """One stream's parts, in the order they play; all files but joined ones have just one."""

    parts: list[Part] = field(default_factory=list)

    def part(self, number: int) -> Part:
        """The part of that number, 0 the first; an empty one if it is new."""
        while len(self.parts) <= number:
            self.parts.append(Part())
        return self.parts[number]


def read_tracks(source: Source, on_progress: Callable[[float], None]) -> dict[int, Track]:
    """Read all packets of `source`, decoding none: a track by each stream's index.

    `on_progress` hears the share of the file read, 0–1.
    """
    streams = tuple(source.container.streams)
    tracks = {stream.index: Track() for stream in streams}
    counter = PartCounter(source.container)
    size, reached = max(source.container.size, 1), 0
    for packet in source.packets(*streams):
        index = packet.stream.index
        tracks[index].part(counter.part_of(packet)).add(packet, keep=index == source.video.index)
        reached = max(reached, packet.pos or 0)  # streams are not always read in the order they lie in
        on_progress(min(reached / size, 1.0))
    return tracks
