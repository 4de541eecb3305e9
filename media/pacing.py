"""Frames in the order they are shown, each at a time later than the one before."""

import heapq
import math
from array import array
from collections import deque
from collections.abc import Iterator
from fractions import Fraction

from av.video.frame import VideoFrame

from media.timeline import Timeline

# No codec shows a frame more than 16 places away from where it lies in the file.
_DEPTH = 16


class Pacer:
    """Puts decoded frames on a clock of `clock` seconds a tick that counts from the clip's start.

    Decoders give frames in the order they are shown. Where their times disagree with it (AVI knows no presentation
    times, so that those of B-frames come in the order of decoding), the times are put in order among the frames around.
    No frame is dropped: one that is not later than its predecessor follows it by a frame's interval where the rate is
    constant, else by one tick. Where the rate is even, what the file's clock has rounded is set right.

    `times` are those of the frames that were taken: the first whole milliseconds at which they are on screen.
    """

    def __init__(self, timeline: Timeline, clock: Fraction) -> None:
        self._start = timeline.start
        self._clock = clock
        self._milliseconds = 1000 * clock
        self._interval = max(1, round(1 / timeline.frame_rate / clock))
        self._least_step = 1 if timeline.variable else self._interval
        self._grid = self._interval if timeline.even else 1
        self._lead = round(timeline.lead / clock)
        self._frames: deque[VideoFrame] = deque()
        self._dues: list[int] = []
        self._newest_due = -self._interval
        self._latest_due = -math.inf
        self.times = array("q")
        self.astray = 0
        self.last_pts = -1

    def feed(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Put in one frame; take what is ready, with its time set."""
        self._frames.append(frame)
        self._newest_due = self._due(frame)
        heapq.heappush(self._dues, self._newest_due)
        if len(self._frames) > _DEPTH:
            yield self._next()

    def finish(self) -> Iterator[VideoFrame]:
        """Take what was held back."""
        while self._frames:
            yield self._next()

    def _due(self, frame: VideoFrame) -> int:
        if frame.pts is None or not frame.time_base:
            return self._newest_due + self._interval
        return self._in_place(round((frame.pts * frame.time_base - self._start) / self._clock))

    def _in_place(self, due: int) -> int:
        """The nearest place at which a frame can be."""
        return self._lead + (due - self._lead + self._grid // 2) // self._grid * self._grid

    def _next(self) -> VideoFrame:
        frame, due = self._frames.popleft(), heapq.heappop(self._dues)
        self.astray += due < self._latest_due
        self._latest_due = max(due, self._latest_due)
        earliest = self.last_pts + self._least_step if self.times else 0
        self.last_pts = due if due > self.last_pts else earliest
        self.times.append(math.ceil(self.last_pts * self._milliseconds))
        frame.pts, frame.time_base = self.last_pts, self._clock
        return frame
