"""How many frames a second there are: what a file's own times say, whatever its header does."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

_STEADY_SECONDS, _STEADY_SHARE = Fraction(2, 1000), Fraction(1, 10)
_COMMON_RATES = tuple(
    Fraction(*rate) for rate in ((24000, 1001), (30000, 1001), (60000, 1001), (48000, 1001), (120000, 1001))
)
_USUAL = (1, 2, 1001)
"""What rates are divided by that somebody has chosen."""
_MAX_DENOMINATOR = 1001
_MAX_NUMERATOR = (1 << 31) - 1  # of a rate in every container and in libavcodec


@dataclass(frozen=True, slots=True)
class Rate:
    """`a_second` is how many frames a second there are: exact where they are constant, the mean where they vary.

    `even` says that each frame plays where its number puts it, but for less than one tick of the file's clock: for what
    a container rounds. `variable` says that a rate is no more than a mean: the time from one frame to the next strays
    by more than a tenth and 2 ms, or a frame by more than one frame's time from its place. Between the two are the
    clocks of phones, which are not quite constant.
    """

    a_second: Fraction
    even: bool
    variable: bool


def rate_of(ticks: Sequence[int], tick: Fraction, stated: Fraction) -> Rate:
    """The rate of frames that begin at these `ticks` of `tick` seconds each, in order; `stated` is the header's."""
    if len(ticks) < 2 or ticks[-1] == ticks[0]:
        return Rate(stated, even=len(ticks) < 2, variable=False)
    span = (ticks[-1] - ticks[0]) * tick
    measured = (len(ticks) - 1) / span
    rates = list(_names(measured, stated, span))
    for rate in rates:
        if _farthest(ticks, tick, rate) < rate * tick:
            return Rate(rate, even=True, variable=False)
    return Rate(rates[0], even=False, variable=not _is_steady(ticks, tick, measured, rates[0]))


def _is_steady(ticks: Sequence[int], tick: Fraction, measured: Fraction, rate: Fraction) -> bool:
    interval = 1 / measured
    tolerance = max(_STEADY_SECONDS, _STEADY_SHARE * interval)
    shortest, longest = math.ceil((interval - tolerance) / tick), math.floor((interval + tolerance) / tick)
    if not all(shortest <= later - earlier <= longest for earlier, later in pairwise(ticks)):
        return False
    return _farthest(ticks, tick, rate) <= 1


def _farthest(ticks: Sequence[int], tick: Fraction, rate: Fraction) -> Fraction:
    """By how many frames' time the frame that is farthest from its place strays from it.

    In whole numbers: a fraction for each of a million frames would take seconds.
    """
    ahead, behind = (rate * tick).as_integer_ratio()
    first = ticks[0]
    return Fraction(max(abs((shown - first) * ahead - n * behind) for n, shown in enumerate(ticks)), behind)


def _names(measured: Fraction, stated: Fraction, span: Fraction) -> Iterator[Fraction]:
    """What a measured rate may be called, as the field does: the stated one, 30000/1001 and its kin, a small fraction.

    Two rates are the same if over the whole `span` (seconds) they stay within half a frame of each other. Where no
    header says a rate libavformat guesses one, of clocks in milliseconds rather oddly: 19001/317. It comes later.
    """
    likely = (stated,) if stated.denominator in _USUAL else ()
    for candidate in (*likely, *_COMMON_RATES, Fraction(round(measured)), stated):
        if candidate > 0 and abs(candidate - measured) * span <= Fraction(1, 2):
            yield candidate
    if measured < 1:  # a frame every so many seconds: there it is the interval that is a small fraction
        yield 1 / (1 / measured).limit_denominator(_MAX_DENOMINATOR)
    else:
        yield measured.limit_denominator(min(_MAX_DENOMINATOR, max(1, _MAX_NUMERATOR // math.ceil(measured))))
