"""What is known about a media file, why one is refused, and how far its ingest has come. Pure values, no decoding."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from domain.quantities import Milliseconds


@dataclass(frozen=True, slots=True)
class Probe:
    """The figures of a playable video, measured by reading the whole file, not believed from its header.

    Sizes are those of the picture as it is shown: turned upright and with square pixels. `rotation` is by how many
    degrees clockwise (0, 90, 180, 270) the stored picture was turned for that. `frame_rate` is exact where the rate
    is constant (30000/1001) and the mean where it varies. `bit_rate` is in bits a second, of the whole file.
    """

    duration_ms: int
    width: int
    height: int
    rotation: int
    frame_rate: Fraction
    variable_frame_rate: bool
    frame_count: int
    video_codec: str
    audio_codec: str | None
    audio_channels: int | None
    audio_sample_rate: int | None
    bit_rate: int
    container: str
    size_bytes: int


class Refusal(StrEnum):
    """Why a file does not become a version. The comment behind each names the parameters of its message.

    Under each stands what its owner can do: see `local/guide.py`.
    """

    EMPTY = "EMPTY"
    """Upload the right file."""
    TRUNCATED = "TRUNCATED"
    """Export it again, or copy it to its end, and upload that."""
    NOT_MEDIA = "NOT_MEDIA"
    """Upload a video: MP4, MOV, WebM, MKV, AVI, MPEG, MXF and a few others."""
    PLAYLIST = "PLAYLIST"
    """Upload the video that it points to."""
    PICTURE = "PICTURE"
    """Upload a video."""
    DAMAGED = "DAMAGED"
    """Export it again, and upload that."""
    NO_VIDEO = "NO_VIDEO"
    """Upload a file with a picture."""
    UNKNOWN_CODEC = "UNKNOWN_CODEC"  # codec
    """Export it with another codec, such as H.264."""
    TOO_MANY_PIXELS = "TOO_MANY_PIXELS"  # width, height, limit (pixels)
    """Export it smaller."""
    TOO_MANY_STREAMS = "TOO_MANY_STREAMS"  # streams, limit
    """Export it with fewer tracks."""
    TOO_LONG = "TOO_LONG"  # seconds, limit (seconds)
    """Cut it into parts."""
    TOO_COSTLY = "TOO_COSTLY"  # resource: "memory", "time" or "disk"
    """Export it with usual settings, or smaller."""
    CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"  # expected, actual
    """Upload it again: it has changed on its way, or the SHA-256 is that of another file."""


class RefusedMedia(Exception):
    """The file is at fault, not we: trying again would end the same way.

    `params` are the plain values that the message of `code` needs.
    """

    def __init__(self, code: Refusal, **params: int | str) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params


def told(params: Mapping[str, Any]) -> dict[str, Any]:
    """The `params` of a failure as people read them; what was kept of them as JSON is plain."""
    if "seconds" not in params:
        return dict(params)
    return {"length": Milliseconds(params["seconds"] * 1000), "limit": Milliseconds(params["limit"] * 1000)}


class IngestStep(StrEnum):
    """The steps from an uploaded file to a version, in their order."""

    DOWNLOAD = "DOWNLOAD"
    VERIFY = "VERIFY"
    PROBE = "PROBE"
    POSTER = "POSTER"
    PROXY = "PROXY"
    STORE = "STORE"


# Shares of 100, roughly as the steps take time for a few minutes of 1080p: nearly all of it is encoding the proxy.
_SHARES = {
    IngestStep.DOWNLOAD: 8,
    IngestStep.VERIFY: 4,
    IngestStep.PROBE: 3,
    IngestStep.POSTER: 2,
    IngestStep.PROXY: 77,
    IngestStep.STORE: 6,
}


def percent(step: IngestStep, fraction: float) -> int:
    """Say how much of the whole ingest is done, 0–100, with `step` done by `fraction` (clamped to 0–1).

    It never falls while steps follow each other in their order; 100 is the last step, done.
    """
    steps = list(IngestStep)
    before = sum(_SHARES[earlier] for earlier in steps[: steps.index(step)])
    return int(before + _SHARES[step] * min(max(fraction, 0.0), 1.0))


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost: pixels of its picture, seconds of its length, and the means of the child that reads it.

    `memory_bytes` is address space, `wall_seconds` the longest run of the child.
    """

    max_pixels: int
    max_seconds: int
    threads: int
    memory_bytes: int
    wall_seconds: int
