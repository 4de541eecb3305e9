"""SMPTE time codes: labels of frames, counted as SMPTE ST 12-1 counts them.

A label, `HH:MM:SS:FF`, names a frame, not a moment. Counting 30 labels a second at 29.97 frames a second (30000/1001)
falls behind the clock by 3.6 s an hour. Drop-frame counting keeps up: it leaves out labels, never frames, and is
written with a semicolon, `HH:MM:SS;FF`. (The standard knows no written form; this is the editing programs'.)

The first frame of a video is 00:00:00:00, whatever time code its camera may have written into the file.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from domain.errors import Invalid
from domain.quantities import Ordinal

_FORM = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})([:;])([0-9]{2,3})")
_SLOWED = Fraction(1001, 1000)
"""By how much the rates of NTSC are slower than whole numbers."""
_CLOSE = Fraction(1, 4000)
"""How far a rate may be from what it is counted as, as a share: files say 29.97 for 30000/1001, or even 23.98."""
_MOST = 1000
"""Frames a second with a whole millisecond for each: a label must lead to its own frame."""


@dataclass(frozen=True, slots=True)
class Counting:
    """How frames are labelled.

    A label has a number, too, the place that it has on a full day's list: ((60 HH + MM) × 60 + SS) × `nominal` + FF.
    Without drop-frame counting that is the frame's number.
    """

    nominal: int
    """Labels a second: 30 for 29.97 frames."""
    dropped: int = 0
    """Labels left out at the beginning of every minute but each tenth; 0 without drop-frame counting."""

    @property
    def frames_a_day(self) -> int:
        """How many labels there are: 2,589,408 for 29.97 with drop-frame counting."""
        return 144 * self._ten_minutes

    def label(self, frame: int) -> str:
        """The time code of `frame`. After 24 hours of labels they begin again, as on every SMPTE device."""
        seconds, part = divmod(self.number(frame % self.frames_a_day), self.nominal)
        minutes, second = divmod(seconds, 60)
        hour, minute = divmod(minutes, 60)
        return f"{hour:02}:{minute:02}:{second:02}{self._mark}{part:0{self._digits}}"

    def frame(self, label: str, *, path: tuple[str, ...]) -> int:
        """The first frame with this time code, written just as `label` writes it; otherwise Invalid, which says why."""
        minutes, second, part = self._parts(label, path)
        number = (60 * minutes + second) * self.nominal + part
        frame = self.frame_of(number)
        if self.number(frame) != number:
            following = self.frame_of(number - part + self.dropped)
            raise Invalid("problem.timecode_dropped", path=path, timecode=label, next=self.label(following))
        return frame

    def number(self, frame: int) -> int:
        """The number of the label of `frame`, 0 to `frames_a_day` − 1: so much more as labels were left out before it.

        Those are 9 × `dropped` every ten minutes, of which the first is whole and the others shorter by `dropped`. This
        and its inverse, `frame_of`, have no branches, so that they take whole arrays as well.
        """
        tens, rest = divmod(frame, self._ten_minutes)
        minutes = (rest - self.dropped * (rest >= self.dropped)) // self._short_minute
        return frame + self.dropped * (9 * tens + minutes)

    def frame_of(self, number: int) -> int:
        """The frame whose label has this number, where that is not left out.

        It is number − `dropped` × (M − floor(M ÷ 10)), where M are the minutes before the label, all told.
        """
        minutes = number // (60 * self.nominal)
        return number - self.dropped * (minutes - minutes // 10)

    def _parts(self, label: str, path: tuple[str, ...]) -> tuple[int, int, int]:
        """Read a label: its minutes, hours among them, its seconds and its frames."""
        found = _FORM.fullmatch(label)
        if not found or found[4] != self._mark or len(found[5]) != self._digits:
            raise Invalid("problem.timecode", path=path, example=self.label(62 * self.nominal))
        hour, minute, second, part = (int(found[group]) for group in (1, 2, 3, 5))
        if hour > 23 or minute > 59 or second > 59 or part >= self.nominal:
            raise Invalid("problem.timecode_range", path=path, most=Ordinal(self.nominal - 1))
        return 60 * hour + minute, second, part

    @property
    def _short_minute(self) -> int:
        return 60 * self.nominal - self.dropped

    @property
    def _ten_minutes(self) -> int:
        return 600 * self.nominal - 9 * self.dropped

    @property
    def _mark(self) -> str:
        return ";" if self.dropped else ":"

    @property
    def _digits(self) -> int:
        return max(2, len(str(self.nominal - 1)))


def counting_of(rate: Fraction, *, drop: bool = True) -> Counting | None:
    """How frames at a constant `rate` a second are counted: by the whole number at or just above it.

    `drop` says whether by drop-frame counting where there is one: for 29.97 with 2 labels left out and its multiples
    with as many more, 4 for 59.94 (30 × n × 1000/1001: the standard's rule, as it is used beyond 30 frames). None for
    a rate that is near no such number, as 12.5, and beyond 1,000.
    """
    slowed = _strayed(rate * _SLOWED) < _strayed(rate)
    counted = rate * _SLOWED if slowed else rate
    if rate > _MOST or _strayed(counted) > _CLOSE:
        return None
    nominal = round(counted)
    return Counting(nominal, nominal // 15 if drop and slowed and nominal % 30 == 0 else 0)


def _strayed(rate: Fraction) -> Fraction:
    """How far it is from a whole number, as a share of it."""
    return abs(rate - round(rate)) / rate
