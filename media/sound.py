"""From decoded sound to what the proxy carries: stereo, 48 kHz, gap-free from the clip's first moment."""

from collections.abc import Iterator
from fractions import Fraction

import av
from av.audio.frame import AudioFrame
from av.filter import Graph

from domain.media import Refusal, RefusedMedia

SAMPLE_RATE = 48_000
_SAMPLES = "sample_fmts=fltp:channel_layouts=stereo"
_FIRST_TO_BOTH = "stereo|c0=c0|c1=c0"


class SoundFilter:
    """A filter graph that follows its input and keeps to the timestamps: gaps become silence, overlaps are cut.

    `start` is the clip's first moment on the file's clock, in seconds: what sounds before it is cut off, and a track
    that begins later is led in by silence, so that picture and sound stay together. Sound that cannot be mixed down
    raises RefusedMedia with DAMAGED.
    """

    def __init__(self, start: Fraction, threads: int) -> None:
        self._start = start
        self._threads = threads
        self._shape: tuple[str, str, int] | None = None
        self._graph: Graph | None = None
        self._from_the_start = True

    def feed(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        """Put in one frame; take what is ready."""
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape or self._graph is None:
            yield from self.finish()
            self._graph, self._shape = self._build(frame), shape
        if frame.pts is not None and frame.time_base:
            frame.pts = round(frame.pts - self._start / frame.time_base)
        self._graph.push(frame)
        yield from _ready(self._graph)

    def finish(self) -> Iterator[AudioFrame]:
        """Take what the filters still hold back; the next frame begins anew."""
        if self._graph is not None:
            self._graph.push(None)
            yield from _ready(self._graph)
            self._graph = None

    def _build(self, frame: AudioFrame) -> Graph:
        # After a change of format midway the timestamps go on; only the first graph starts the clock.
        first_pts = ":first_pts=0" if self._from_the_start else ""
        self._from_the_start = False
        # The general downmix would halve the power of a single channel on its way to two.
        downmixes = ("",) if frame.layout.nb_channels > 1 else (_FIRST_TO_BOTH,)
        for downmix in (*downmixes, _FIRST_TO_BOTH):
            try:
                return self._graph_of(frame, f"{SAMPLE_RATE}:async=1{first_pts}", downmix)
            except av.ArgumentError:  # no downmix is known: of ambisonics the first channel alone is the whole sound
                continue
        raise RefusedMedia(Refusal.DAMAGED)

    def _graph_of(self, frame: AudioFrame, resampling: str, downmix: str) -> Graph:
        graph = Graph()
        graph.threads = self._threads
        source = graph.add(
            "abuffer",
            sample_rate=str(frame.sample_rate),
            sample_fmt=frame.format.name,
            channel_layout=frame.layout.name,
            time_base=str(frame.time_base),
        )
        mixing = [graph.add("pan", downmix)] if downmix else []
        nodes = [*mixing, graph.add("aresample", resampling), graph.add("aformat", _SAMPLES), graph.add("abuffersink")]
        graph.link_nodes(source, *nodes).configure()
        return graph


def _ready(graph: Graph) -> Iterator[AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.EOFError, av.BlockingIOError):
            return
        if isinstance(frame, AudioFrame):
            yield frame
