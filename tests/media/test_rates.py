"""What a file's own times say about its rate, without any file."""

import math
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest

from media.rates import Rate, rate_of

MS, FINE = Fraction(1, 1000), Fraction(1, 90_000)
RATES = [
    Fraction(24_000, 1001), Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(30), Fraction(50),
    Fraction(60_000, 1001), Fraction(60), Fraction(120_000, 1001), Fraction(25, 2), Fraction(15),
]  # fmt: skip


def places(rate, tick, seconds, rounded=round, begin=Fraction(0)):
    """Where the frames of a constant rate lie on a clock."""
    return [rounded((begin + n / rate) / tick) for n in range(int(seconds * rate))]


@pytest.mark.parametrize("rounded", [math.floor, round, math.ceil])
@pytest.mark.parametrize("rate", RATES, ids=str)
def test_what_a_clock_in_milliseconds_rounds_is_even(rate, rounded):
    """Whatever the header says: nothing that fits, a rounded rate, or what libavformat guesses."""
    ticks = places(rate, MS, 60, rounded, Fraction(7, 30_000))
    for stated in (Fraction(1000), Fraction(round(rate * 100), 100), Fraction(19_001, 317), rate):
        assert rate_of(ticks, MS, stated) == Rate(rate, even=True, variable=False)


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_clip_of_a_second_has_the_rate_that_its_header_says(rate):
    assert rate_of(places(rate, MS, 1), MS, rate) == Rate(rate, even=True, variable=False)


def test_a_tick_is_what_rounding_may_stray_by_and_no_more():
    ticks = places(Fraction(25), FINE, 10)
    for strays, even in ((0, True), (1, False), (-1, False)):
        moved = [*ticks[:100], ticks[100] + strays, *ticks[101:]]
        assert rate_of(moved, FINE, Fraction(25)) == Rate(Fraction(25), even=even, variable=False)
    rounded = places(Fraction(30), MS, 10)
    rounded[100] -= 1
    assert not rate_of(rounded, MS, Fraction(30)).even


def test_a_clock_that_is_not_quite_constant_has_a_rate_all_the_same():
    strays = np.random.default_rng(1).integers(-150, 151, 3000)
    rate = rate_of([3000 * n + int(stray) // 2 for n, stray in enumerate(strays)], FINE, Fraction(30))
    assert rate == Rate(Fraction(30), even=False, variable=False)


@pytest.mark.parametrize(
    "steps",
    [
        [3000] * 50 + [6000] + [3000] * 50,  # a frame is missing
        [2850] * 100 + [3150] * 100,  # each step is a twentieth off, and they add up
        [1500, 4500] * 50,
        [900, 40_000, 30_000, 1200],
    ],
)
def test_frames_far_from_their_places_come_at_a_variable_rate(steps):
    rate = rate_of([0, *accumulate(steps)], FINE, Fraction(30))
    assert (rate.even, rate.variable) == (False, True)
    assert rate.a_second == pytest.approx(Fraction(90_000 * len(steps), sum(steps)), rel=0.02)


def test_one_picture_or_none_that_moves_on_has_the_rate_that_is_stated():
    assert rate_of([7], MS, Fraction(25)) == Rate(Fraction(25), even=True, variable=False)
    assert rate_of([7, 7, 7], MS, Fraction(25)) == Rate(Fraction(25), even=False, variable=False)
