"""Which frame is on screen when, looked up: in tables of few frames and of many blocks, and in what is no table."""

import math
import struct
import zlib
from bisect import bisect_right
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.frame_tables import MOST_BYTES, MOST_LISTED, Listed, packed, takes_table
from domain.frames import first_ms


@given(ticks=st.lists(st.integers(0, 10_000), min_size=1, max_size=10), ms=st.integers(0, 1000))
def test_a_table_of_whole_milliseconds_finds_what_the_exact_times_would(ticks, ms):
    """Frames begin at ticks of a 90 kHz clock, as in MPEG."""
    starts = [Fraction(sum(ticks[: index + 1]), 90) for index in range(len(ticks))]
    frames = Listed(packed([math.ceil(start) for start in starts]))
    begun = [frame for frame, start in enumerate(starts) if start <= ms]
    assert frames.at(ms) == (begun[-1] if begun else 0)
    assert frames.count == len(ticks)


def test_frames_of_a_table_are_found_again():
    frames = Listed(packed([500, 534, 1200, 1201]))
    assert [frames.first_ms(frame) for frame in range(4)] == [500, 534, 1200, 1201]
    assert [frames.at(ms) for ms in (0, 499, 500, 533, 534, 1200, 1201, 9000)] == [0, 0, 0, 0, 1, 2, 3, 3]


@pytest.mark.parametrize("count", [1, 2, 511, 512, 513, 5000])
@pytest.mark.parametrize("most", [1, 40, 2**18])
def test_every_frame_of_every_block_is_found_both_ways(count, most):
    """With steps of none, too, so that many frames share a millisecond, and blocks one with the next."""
    times = (500 + np.cumsum(np.random.default_rng(count).integers(0, most + 1, count))).tolist()
    listed = Listed(packed(times))
    listed.require_whole()
    assert listed.count == count
    assert [listed.first_ms(frame) for frame in range(count)] == times
    for ms in sorted({0, times[-1] + 10**6, *times, *(time - 1 for time in times)}):
        assert listed.at(ms) == max(0, bisect_right(times, ms) - 1)


def test_a_table_is_small():
    """60 frames a second that stray by up to a millisecond take a third of a byte each, and noise what it is."""
    draw = np.random.default_rng(1)
    for steps, most in ((1000 / 60 + draw.uniform(-1, 1, 50_000), 0.4), (draw.integers(0, 2**21, 2000), 4.1)):
        times = np.ceil(np.cumsum(steps)).astype(int).tolist()
        assert len(packed(times)) < most * len(times)
    assert 4.1 * MOST_LISTED < MOST_BYTES


GOOD = packed([0, 40, 80])
HUGE = struct.pack("<3I", 3, 0, 100) + zlib.compress(bytes(10**7), wbits=-15)
LONG = packed(range(50_000, 50_513))
NONE = {
    "nothing": b"",
    "too short for a number": GOOD[:3],
    "without an index": GOOD[:4],
    "cut off": GOOD[:-1],
    "longer than it says": GOOD + b"x",
    "of no frames": struct.pack("<3I", 0, 0, 0),
    "of more frames than four hours have": struct.pack("<I", MOST_LISTED + 1) + bytes(10**6),
    "of a billion frames": struct.pack("<I", 10**9) + bytes(10**6),
    "of other bytes": GOOD[:12] + b"\xff" * (len(GOOD) - 12),
    "of a block with more in it than it may have": struct.pack("<3I", 3, 0, len(HUGE) - 12) + HUGE[12:],
    "of a block that ends before it begins": struct.pack("<5I", 513, 0, 9, 0, 3) + bytes(3),
    "of times that fall": LONG[:12] + struct.pack("<I", 7) + LONG[16:],
    "of times beyond all numbers": struct.pack("<3I", 2, 2**32 - 1, 6) + zlib.compress(b"\x01\0\0\0", wbits=-15),
}


@pytest.mark.parametrize("table", NONE.values(), ids=NONE)
def test_what_is_no_table_is_refused(table):
    with pytest.raises(ValueError, match="not a table of frames"):
        Listed(table).require_whole()


def test_only_frames_that_are_not_where_the_rate_says_take_a_table():
    ntsc = Fraction(30_000, 1001)
    even = [first_ms(frame, ntsc) for frame in range(1000)]
    assert not takes_table(even, ntsc, variable=False)
    assert takes_table(even, Fraction(30), variable=False)
    assert takes_table([*even[:-1], even[-1] + 1], ntsc, variable=False)
    assert takes_table([500 + time for time in even], ntsc, variable=False)
    assert takes_table(even, ntsc, variable=True), "a mean says nothing"


def test_no_table_is_kept_of_more_frames_than_four_hours_have():
    assert takes_table(range(MOST_LISTED), Fraction(25), variable=True)
    assert not takes_table(range(MOST_LISTED + 1), Fraction(25), variable=True)
