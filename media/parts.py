"""Files that were joined end to end, as MPEG-TS recordings often are: the clock starts anew at each joint."""

from collections.abc import Sequence
from fractions import Fraction

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

_MAY_BE_JOINED = 0x0200  # libavformat's AVFMT_TS_DISCONT
# Decoding times of one stream only ever rise; by so much they never fall for want of care in the writing either.
_FALL_SECONDS = Fraction(1, 2)


class PartCounter:
    """Tells which part of a file a packet belongs to, counted from 0: in each stream a clock that falls back ends one.

    Containers whose format has no such joints are of one part.
    """

    def __init__(self, container: InputContainer) -> None:
        self._may_be_joined = bool(container.format.flags & _MAY_BE_JOINED)
        self._parts: dict[int, int] = {}
        self._latest: dict[int, Fraction] = {}

    def part_of(self, packet: "Packet[Stream]") -> int:
        """Count `packet`; to be asked once for each, in the file's order."""
        stream = packet.stream.index
        ticks = packet.dts if packet.dts is not None else packet.pts
        if ticks is not None and self._may_be_joined:
            self._advance(stream, ticks * packet.time_base)
        return self._parts.get(stream, 0)

    def _advance(self, stream: int, time: Fraction) -> None:
        latest = self._latest.get(stream, time)
        if time < latest - _FALL_SECONDS:
            self._parts[stream] = self._parts.get(stream, 0) + 1
            latest = time
        self._latest[stream] = max(latest, time)


class Joiner:
    """Moves the packets of a joined file's parts to where they play: `offsets` has the seconds to add for each part."""

    def __init__(self, container: InputContainer, offsets: Sequence[Fraction]) -> None:
        self._counter = PartCounter(container)
        self._offsets = offsets

    def move(self, packet: "Packet[Stream]") -> None:
        """Put `packet` on the clip's one clock; to be called once for each, in the file's order."""
        offset = self._offsets[self._counter.part_of(packet)]
        if not offset or packet.pts is None:
            return
        ticks = round(offset / packet.time_base)
        packet.pts += ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks
