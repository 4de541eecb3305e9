"""Probing: from a path to exact figures, or to the reason why there are none."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from av.container import InputContainer

from domain.media import Limits, Probe
from media.look import Look, read_look
from media.sniff import inspect
from media.source import Source, open_source
from media.timeline import Timeline, read_timeline


@dataclass(frozen=True, slots=True)
class Survey:
    """All that later steps need to know of a file: its figures, its look and its times."""

    probe: Probe
    look: Look
    timeline: Timeline


def survey(path: Path, limits: Limits, on_progress: Callable[[float], None]) -> Survey:
    """Measure the video at `path`; `on_progress` hears the share of the file read, 0–1.

    Raises RefusedMedia with any code but CHECKSUM_MISMATCH and TOO_COSTLY.
    """
    head = inspect(path, limits.max_pixels)
    with open_source(path, limits) as source:
        look = read_look(source)
    with open_source(path, limits) as source:  # anew: some containers cannot go back to their first packet
        timeline = read_timeline(source, limits, on_progress)
        return Survey(_probe(source, look, timeline, path.stat().st_size, head), look, timeline)


def _probe(source: Source, look: Look, timeline: Timeline, size: int, head: bytes) -> Probe:
    audio = source.audio
    return Probe(
        duration_ms=round(timeline.seconds * 1000),
        width=look.width,
        height=look.height,
        rotation=look.orientation.rotation,
        frame_rate=timeline.frame_rate,
        variable_frame_rate=timeline.variable,
        frame_count=timeline.frame_count,
        video_codec=source.video.codec_context.codec.canonical_name,
        audio_codec=audio.codec_context.codec.canonical_name if audio else None,
        audio_channels=audio.codec_context.channels if audio else None,
        audio_sample_rate=audio.codec_context.sample_rate if audio else None,
        bit_rate=round(size * 8 / timeline.seconds) if timeline.seconds else 0,
        container=_container_name(source.container, head),
        size_bytes=size,
    )


def _container_name(container: InputContainer, head: bytes) -> str:
    """Tell apart what one reader reads: MOV and MP4 by their brand, WebM and Matroska by their document type."""
    name = container.format.name
    if name.startswith("mov,"):
        return "mov" if container.metadata.get("major_brand", "qt").startswith("qt") else "mp4"
    if name.startswith("matroska"):
        return "webm" if b"webm" in head else "matroska"
    return name
