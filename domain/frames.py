"""Which frame of a video is on screen at which millisecond, exactly.

Moments are whole milliseconds from the clip's beginning, as everywhere in the product; frames are numbered from 0. A
frame is on screen from its own start until the next one's, that moment not included.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

_SECOND = 1000
"""Milliseconds."""


def frame_at(ms: int, rate: Fraction) -> int:
    """The frame that is on screen at `ms`, with `rate` frames a second for ever: floor(ms × rate ÷ 1000).

    Frame k is on screen in [1000 k ÷ rate, 1000 (k + 1) ÷ rate) ms.
    """
    return ms * rate.numerator // (_SECOND * rate.denominator)


def first_ms(frame: int, rate: Fraction) -> int:
    """The first whole millisecond at which `frame` is on screen: ceil(1000 × frame ÷ rate).

    Up to 1,000 frames a second every frame is on screen at a whole millisecond, and `frame_at` leads back to it. Above
    that some are not: theirs is the next whole one, at which a later frame is on screen. Everywhere
    `first_ms(k) <= ms` just where `k <= frame_at(ms)`, so that a frame found by `frame_at` is found again.
    """
    return -(-frame * _SECOND * rate.denominator // rate.numerator)


class Frames(Protocol):
    """The frames of one video."""

    @property
    def count(self) -> int:
        """How many there are, at least one."""
        ...

    def at(self, ms: int) -> int:
        """The frame that is on screen at `ms` ≥ 0; after the end the last one, which stays."""
        ...

    def first_ms(self, frame: int) -> int:
        """The first whole millisecond at which `frame`, 0 to `count` − 1, is on screen."""
        ...


@dataclass(frozen=True, slots=True)
class Steady:
    """Frames at a constant `rate` a second, the first at the clip's beginning.

    Versions from before tables were kept may stray from these, by what was taken for constant then: a tenth of a frame
    or 2 ms. Where sound begins before the picture does, their frames are counted from the sound's beginning.
    """

    rate: Fraction
    count: int

    def at(self, ms: int) -> int:
        """See `Frames`."""
        return min(frame_at(ms, self.rate), self.count - 1)

    def first_ms(self, frame: int) -> int:
        """See `Frames`."""
        return first_ms(frame, self.rate)
