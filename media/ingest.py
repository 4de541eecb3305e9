"""The whole task of a media child: one source file in, its figures, a poster and a proxy out."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from domain.frame_tables import packed, takes_table
from domain.media import IngestStep, Limits
from media.poster import make_poster
from media.probe import survey
from media.protocol import FRAMES, IngestResult
from media.proxy import make_proxy


def ingest(
    source: Path, folder: Path, limits: Limits, on_progress: Callable[[IngestStep, float], None]
) -> IngestResult:
    """Probe `source` and write `poster.jpg`, `proxy.mp4` and a table of its frames into `folder`, which must exist.

    Raises RefusedMedia with the reason; the folder may then hold half-made files.
    """
    found = survey(source, limits, partial(on_progress, IngestStep.PROBE))
    poster, proxy = folder / "poster.jpg", folder / "proxy.mp4"
    make_poster(source, poster, found.look, found.timeline, limits)
    on_progress(IngestStep.POSTER, 1.0)
    times = make_proxy(source, proxy, found.look, found.timeline, limits, partial(on_progress, IngestStep.PROXY))
    # Packets are not always frames (hidden ones, fields): what the decoder gave counts.
    probe = replace(found.probe, frame_count=len(times))
    table = packed(times) if takes_table(times, probe.frame_rate, variable=probe.variable_frame_rate) else None
    if table is not None:
        (folder / FRAMES).write_bytes(table)
    return IngestResult(probe, poster, proxy, table)
