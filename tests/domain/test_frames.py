"""Which frame is on screen when: for every frame of a day at the rates of the trade, and for whatever rate there is."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.frames import Steady, first_ms, frame_at

DAY = 86_400_000
RATES = [
    Fraction(24_000, 1001), Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(30), Fraction(50),
    Fraction(60_000, 1001), Fraction(60), Fraction(120_000, 1001),
]  # fmt: skip

rates = st.builds(Fraction, st.integers(1, 10**7), st.integers(1, 10**4))
moments = st.integers(0, 10**12)


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_every_frame_of_a_day_is_on_screen_from_its_start_to_the_next_ones(rate):
    frames = np.arange(DAY * rate // 1000 + 1)
    for some in np.array_split(frames, len(frames) // 100_000):  # as many as the processor has at hand
        firsts = first_ms(some, rate)
        starts = some * (1000 * rate.denominator)  # everything times the numerator, in which starts are whole
        assert np.all(firsts * rate.numerator >= starts)
        assert np.all((firsts - 1) * rate.numerator < starts)
        assert np.array_equal(frame_at(firsts, rate), some)
        assert np.array_equal(frame_at(firsts - 1, rate), some - 1)


@pytest.mark.parametrize(
    ("rate", "frame", "ms"),
    [(Fraction(25), 1, 40), (Fraction(24_000, 1001), 24, 1001), (Fraction(30_000, 1001), 1, 34),
     (Fraction(30_000, 1001), 107_892, 3_599_997), (Fraction(60_000, 1001), 3, 51), (Fraction(1, 3600), 2, 7_200_000)],
)  # fmt: skip
def test_a_frame_starts_where_one_works_it_out_by_hand(rate, frame, ms):
    assert first_ms(frame, rate) == ms


@given(rate=rates, ms=moments)
def test_a_frame_is_on_screen_in_its_interval(rate, ms):
    frame = frame_at(ms, rate)
    assert Fraction(frame) / rate <= Fraction(ms, 1000) < Fraction(frame + 1) / rate


@given(rate=rates, ms=moments, frame=st.integers(0, 10**9))
def test_a_moment_is_at_or_after_a_frame_just_where_its_frame_is(rate, ms, frame):
    for near in (ms, first_ms(frame, rate), first_ms(frame, rate) - 1):
        assert (first_ms(frame, rate) <= near) is (frame <= frame_at(near, rate))
    assert frame_at(first_ms(frame_at(ms, rate), rate), rate) == frame_at(ms, rate)


@given(rate=rates.filter(lambda rate: rate <= 1000), frame=st.integers(0, 10**9))
def test_up_to_a_thousand_a_second_every_frame_is_found_again(rate, frame):
    assert frame_at(first_ms(frame, rate), rate) == frame


def test_beyond_a_thousand_a_second_several_frames_share_a_millisecond():
    assert [first_ms(frame, Fraction(1000)) for frame in range(3)] == [0, 1, 2]
    assert [first_ms(frame, Fraction(2000)) for frame in range(5)] == [0, 1, 1, 2, 2]
    assert [frame_at(ms, Fraction(2000)) for ms in range(3)] == [0, 2, 4]


def test_the_last_frame_stays_after_the_end():
    frames = Steady(Fraction(25), 50)
    assert [frames.at(ms) for ms in (0, 39, 40, 1999, 2000, DAY)] == [0, 0, 1, 49, 49, 49]
    assert [frames.first_ms(frame) for frame in (0, 1, 49)] == [0, 40, 1960]
