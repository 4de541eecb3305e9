"""The whole task of a media child: one source file in, its figures, a poster and a proxy out."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from domain.media import IngestStep, Limits
from media.poster import make_poster
from media.probe import survey
from media.protocol import IngestResult
from media.proxy import make_proxy


def ingest(
    source: Path, folder: Path, limits: Limits, on_progress: Callable[[IngestStep, float], None]
) -> IngestResult:
    """Probe `source` and write `poster.jpg` and `proxy.mp4` into `folder`, which must exist.

    Raises RefusedMedia with the reason; the folder may then hold half-made files.
    """
    found = survey(source, limits, partial(on_progress, IngestStep.PROBE))
    poster, proxy = folder / "poster.jpg", folder / "proxy.mp4"
    make_poster(source, poster, found.look, found.timeline, limits)
    on_progress(IngestStep.POSTER, 1.0)
    frames = make_proxy(source, proxy, found.look, found.timeline, limits, partial(on_progress, IngestStep.PROXY))
    # Packets are not always frames (hidden ones, fields): what the decoder gave counts.
    return IngestResult(replace(found.probe, frame_count=frames), poster, proxy)
