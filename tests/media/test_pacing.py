"""Frames and times put in step, without any file."""

from fractions import Fraction

import av
import pytest

from media.pacing import Pacer
from media.timeline import Timeline

CLOCK = Fraction(1, 1000)


def paced(ticks, *, variable, rate=Fraction(10)):
    """Milliseconds in, milliseconds out; the frames keep their order."""
    start, end = Fraction(5), Fraction(10)
    pacer = Pacer(Timeline(start, end, len(ticks), rate, variable, (Fraction(0),)), CLOCK)
    frames = [av.VideoFrame(16, 16, "gray") for _ in ticks]
    out = []
    for frame, tick in zip(frames, ticks, strict=True):
        frame.time_base = CLOCK
        frame.pts = None if tick is None else 5000 + tick
        out += pacer.feed(frame)
    out += pacer.finish()
    assert [id(frame) for frame in out] == [id(frame) for frame in frames]
    assert len(pacer.times) == len(ticks)
    assert {frame.time_base for frame in out} == {CLOCK}
    return [frame.pts for frame in out], pacer.astray


@pytest.mark.parametrize("variable", [True, False])
@pytest.mark.parametrize(
    ("ticks", "expected"),
    [
        ([0, 100, 200], [0, 100, 200]),
        ([100, 300, 200, 400], [100, 200, 300, 400]),
        ([0, None, 200, None], [0, 100, 200, 300]),
        ([None, 100], [0, 100]),
    ],
)
def test_times_are_kept_put_in_order_and_filled_in(ticks, expected, variable):
    assert paced(ticks, variable=variable) == (expected, 0)


def test_equal_times_give_way_by_a_frame_or_by_a_tick():
    assert paced([0, 0, 0, 300], variable=False) == ([0, 100, 200, 300], 0)
    assert paced([0, 0, 0, 300], variable=True) == ([0, 1, 2, 300], 0)


def test_frames_before_the_start_begin_with_it():
    assert paced([-200, -100, 0, 100], variable=True) == ([0, 1, 2, 100], 0)


def test_times_that_fall_far_back_are_counted():
    ticks = [100 * n for n in range(40)]
    times, astray = paced(ticks + ticks[:20], variable=True)
    assert times == sorted(set(times))
    assert astray >= 15
