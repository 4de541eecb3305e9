"""A moment of one version, said in milliseconds, as a frame or as a time code."""

from dataclasses import dataclass
from fractions import Fraction

from domain.errors import Invalid
from domain.frames import Frames, Steady
from domain.quantities import Ordinal
from domain.timecodes import Counting, counting_of


@dataclass(frozen=True, slots=True)
class Moments:
    """What the moments of one version are called. Milliseconds are the truth, and the rest is worked out from them.

    `frames` is None where nobody can say which frame is on screen: the time between them varies, and no table of it was
    kept. `counting` is None where there are no time codes: those count an even rate, so that a table gives none either.
    """

    frames: Frames | None
    counting: Counting | None

    @classmethod
    def of(cls, rate: Fraction, count: int, *, variable: bool, listed: Frames | None = None) -> "Moments":
        """Those of a version with `count` frames, `rate` a second: exact, or the mean of a `variable` one.

        `listed` are the frames by their table, where there is one.
        """
        if variable:
            return cls(listed, None)
        return cls(listed or Steady(rate, count), counting_of(rate))

    def frame_at(self, ms: int) -> int | None:
        """The frame on screen at `ms` ≥ 0, numbered from 0; None where nobody can say."""
        return self.frames.at(ms) if self.frames else None

    def timecode_at(self, ms: int) -> str | None:
        """The time code of the frame on screen at `ms` ≥ 0; None where there are none."""
        return self.counting.label(self.frames.at(ms)) if self.frames and self.counting else None

    def ms_of_frame(self, frame: int, *, path: tuple[str, ...]) -> int:
        """The first whole millisecond at which `frame` is on screen.

        Invalid where the version has no such frame, or nobody can say when it is on screen.
        """
        if not self.frames:
            raise Invalid("problem.frame_unknown", path=path)
        if not 0 <= frame < self.frames.count:
            raise Invalid("problem.frame", path=path, most=Ordinal(self.frames.count - 1))
        return self.frames.first_ms(frame)

    def ms_of_timecode(self, timecode: str, *, path: tuple[str, ...]) -> int:
        """The first whole millisecond at which the frame with this time code is on screen.

        Invalid for what is no time code, for that of a frame after the last, and where the version has none.
        """
        if not (self.frames and self.counting):
            raise Invalid("problem.timecode_none", path=path)
        frame = self.counting.frame(timecode, path=path)
        if frame >= self.frames.count:
            last = self.counting.label(self.frames.count - 1)
            raise Invalid("problem.timecode_end", path=path, last=last)
        return self.frames.first_ms(frame)
