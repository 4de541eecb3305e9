"""Tables of when the frames of a video begin: small enough to keep, and to look into without unpacking all of it."""

import struct
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise

from domain.frames import first_ms

MOST_LISTED = 4 * 3600 * 120
"""How many frames a table may have: those of four hours, 120 a second."""
MOST_BYTES = 8 << 20
"""How long a table may be: what cannot be compressed is not much longer than it was."""
_BLOCK = 512
"""Frames that are packed together."""
_WIDTH = 4
"""Bytes of a number."""
_RAW = -15
"""For zlib: without a header and a checksum."""


def takes_table(times: Sequence[int], rate: Fraction, *, variable: bool) -> bool:
    """Whether frames that begin at these milliseconds need one: the arithmetic of `Steady` would say something else.

    At a `variable` rate there is none. More than `MOST_LISTED` frames get no table.
    """
    if len(times) > MOST_LISTED:
        return False
    return variable or any(time != first_ms(frame, rate) for frame, time in enumerate(times))


def packed(times: Sequence[int]) -> bytes:
    """A table of times that never fall, in milliseconds; at least one.

    It begins with how many there are and, for each block of them, the first and where the block ends; all numbers have
    4 bytes, the lowest first.
    """
    blocks = [times[first : first + _BLOCK] for first in range(0, len(times), _BLOCK)]
    squeezed = [_squeezed(block) for block in blocks]
    ends = accumulate(map(len, squeezed))
    index = [number for block, end in zip(blocks, ends, strict=True) for number in (block[0], end)]
    return struct.pack(f"<{1 + len(index)}I", len(times), *index) + b"".join(squeezed)


def _squeezed(block: Sequence[int]) -> bytes:
    """The steps from each time to the next: all lowest bytes, then all second ones, most of which are nothing."""
    steps = [later - earlier for earlier, later in pairwise(block)]
    data = struct.pack(f"<{len(steps)}I", *steps)
    return zlib.compress(b"".join(data[place::_WIDTH] for place in range(_WIDTH)), wbits=_RAW)


class Listed:
    """Frames at uneven times, or that begin after the clip does: by a table of the first whole millisecond of each.

    Rounding up loses nothing: a frame that starts at t is on screen at a whole ms ≥ t just where ms ≥ ceil(t). Of two
    that start within one millisecond the earlier is never found. See `Frames`.
    """

    def __init__(self, table: bytes) -> None:
        """Looks at the beginning alone; ValueError for what is no table. `require_whole` looks at the rest."""
        self._table = table
        try:
            (self.count,) = struct.unpack_from("<I", table)
            blocks = -(-self.count // _BLOCK)
            _require(0 < self.count <= MOST_LISTED)
            index = struct.unpack_from(f"<{2 * blocks}I", table, _WIDTH)
        except struct.error as error:
            raise ValueError(_NONE) from error
        self._firsts, self._ends = array("I", index[::2]), array("I", (0, *index[1::2]))
        self._begin = (1 + 2 * blocks) * _WIDTH
        self._opened: tuple[int, array[int]] = (-1, array("I"))

    @property
    def bytes(self) -> int:
        """How much memory it takes, about."""
        return len(self._table) + (2 * len(self._firsts) + _BLOCK) * _WIDTH

    def at(self, ms: int) -> int:
        """See `Frames`; before the first one it is that, which players show meanwhile."""
        number = max(0, bisect_right(self._firsts, ms) - 1)
        return number * _BLOCK + max(0, bisect_right(self._block(number), ms) - 1)

    def first_ms(self, frame: int) -> int:
        """See `Frames`."""
        number, place = divmod(frame, _BLOCK)
        return self._block(number)[place]

    def require_whole(self) -> None:
        """ValueError if not all of it is a table."""
        _require(len(self._table) == self._begin + self._ends[-1])
        latest = 0
        for number, first in enumerate(self._firsts):
            _require(latest <= first)
            latest = self._block(number)[-1]

    def _block(self, number: int) -> "array[int]":
        """The times of one block. The last that was opened is kept: comments are read in the order of their moments."""
        if self._opened[0] != number:
            self._opened = number, self._read(number)
        return self._opened[1]

    def _read(self, number: int) -> "array[int]":
        count = min(_BLOCK, self.count - number * _BLOCK) - 1
        begin, end = (self._begin + offset for offset in self._ends[number : number + 2])
        reading = zlib.decompressobj(_RAW)
        try:
            planes = reading.decompress(self._table[begin:end], count * _WIDTH + 1)
            _require(len(planes) == count * _WIDTH and reading.eof)
            data = bytearray(len(planes))
            for place in range(_WIDTH):
                data[place::_WIDTH] = planes[place * count : (place + 1) * count]
            return array("I", accumulate(struct.unpack(f"<{count}I", data), initial=self._firsts[number]))
        except (zlib.error, OverflowError) as error:
            raise ValueError(_NONE) from error


def _require(right: bool) -> None:  # noqa: FBT001 - a condition
    if not right:
        raise ValueError(_NONE)


_NONE = "not a table of frames"
