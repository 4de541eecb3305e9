"""What parent and media child say to each other: one JSON request, then JSON lines of one key each.

The child decodes strangers' files, so the parent takes nothing it says on trust: `parse_line` checks every value.
"""

import errno
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

from domain.media import IngestStep, Limits, Probe, Refusal, RefusedMedia
from media.sandbox import Protection


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What an ingest leaves behind: the figures, the two files and, where it takes one, the table of its frames.

    `frames` is as `domain.frame_tables.packed` makes it.
    """

    probe: Probe
    poster: Path
    proxy: Path
    frames: bytes | None = None


FRAMES = "frames"
"""The file that a table of frames is written to."""

DRAWN = "drawn.webp"
"""The file that a picture is drawn to."""


class Task(StrEnum):
    """What can be made of a source."""

    INGEST = "ingest"
    AVATAR = "avatar"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Request:
    """What the child is to do. Without a `source` it only reports how it is protected. `parent` is a process id."""

    parent: int
    folder: Path
    limits: Limits
    source: Path | None = None
    task: Task = Task.INGEST


@dataclass(frozen=True, slots=True)
class Progress:
    """A step is done by `fraction`, 0–1."""

    step: IngestStep
    fraction: float


@dataclass(frozen=True, slots=True)
class Done:
    """The last word of an ingest that went well."""

    probe: Probe


@dataclass(frozen=True, slots=True)
class Drawn:
    """The last word of a picture that was made: it is in the folder."""


@dataclass(frozen=True, slots=True)
class Stumbled:
    """Reading the file failed in a way that nobody foresaw; `error` names it, its traceback is on stderr."""

    error: str


@dataclass(frozen=True, slots=True)
class ScratchFailed:
    """The folder could not be written; `errno` is one of `SCRATCH_ERRORS`."""

    errno: int


SCRATCH_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
"""What a disk says that is full or broken: no file's fault, and it passes."""

LastWord = Done | Drawn | RefusedMedia | Stumbled | ScratchFailed
Message = Progress | Protection | LastWord


def request_line(request: Request) -> bytes:
    """Encode a request."""
    return _line({"request": asdict(request)})


def parse_request(line: bytes) -> Request:
    """Decode a request; it comes from our own parent and is believed."""
    body = json.loads(line)["request"]
    source = Path(body["source"]) if body["source"] else None
    return Request(body["parent"], Path(body["folder"]), Limits(**body["limits"]), source, Task(body["task"]))


def message_line(message: Message) -> bytes:
    """Encode what the child has to say."""
    if isinstance(message, Progress):
        return _line({"progress": asdict(message)})
    if isinstance(message, Done):
        return _line({"result": asdict(message.probe)})
    if isinstance(message, Drawn):
        return _line({"drawn": {}})
    if isinstance(message, RefusedMedia):
        return _line({"refused": {"code": message.code, "params": message.params}})
    if isinstance(message, Stumbled):
        return _line({"stumbled": asdict(message)})
    if isinstance(message, ScratchFailed):
        return _line({"scratch_failed": asdict(message)})
    return _line({"protection": asdict(message)})


def parse_line(line: bytes) -> Message:
    """Decode and check what a child said. Raises ValueError for anything that `message_line` would not have written."""
    try:
        ((kind, body),) = json.loads(line).items()
        return _PARSERS[kind](body)
    except (AttributeError, KeyError, TypeError, RecursionError, ZeroDivisionError) as error:
        raise ValueError("not a message of a media child") from error


def _line(value: object) -> bytes:
    return json.dumps(value, default=str, separators=(",", ":")).encode() + b"\n"


def _parse_progress(body: Any) -> Progress:
    return Progress(IngestStep(body["step"]), min(max(_typed(body["fraction"], float), 0.0), 1.0))


def _parse_drawn(body: Any) -> Drawn:
    return Drawn(**body)


def _parse_refused(body: Any) -> RefusedMedia:
    params = {_typed(name, str): _typed(value, int, str) for name, value in body["params"].items()}
    return RefusedMedia(Refusal(body["code"]), **params)


def _parse_stumbled(body: Any) -> Stumbled:
    return Stumbled(_typed(body["error"], str))


def _parse_scratch_failed(body: Any) -> ScratchFailed:
    number = _typed(body["errno"], int)
    if number not in SCRATCH_ERRORS:
        raise ValueError("not an error of a disk")
    return ScratchFailed(number)


def _parse_protection(body: Any) -> Protection:
    return Protection(**{name: _typed(value, int, bool) for name, value in body.items()})


_COUNTS = ("duration_ms", "width", "height", "rotation", "frame_count", "bit_rate", "size_bytes")
_COUNTS_OF_SOUND = ("audio_channels", "audio_sample_rate")


def _parse_result(body: Any) -> Done:
    rate = Fraction(_typed(body["frame_rate"], str))
    if rate <= 0 or any(_typed(body[name], int) < 0 for name in _COUNTS):
        raise ValueError("a figure below zero")
    probe = Probe(
        **{name: body[name] for name in _COUNTS},
        **{name: _typed(body[name], int, type(None)) for name in _COUNTS_OF_SOUND},
        frame_rate=rate,
        variable_frame_rate=_typed(body["variable_frame_rate"], bool),
        video_codec=_typed(body["video_codec"], str),
        audio_codec=_typed(body["audio_codec"], str, type(None)),
        container=_typed(body["container"], str),
    )
    return Done(probe)


def _typed(value: Any, *types: type) -> Any:
    # To Python a bool is an int; here it is not.
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise TypeError(f"{type(value).__name__} is not expected here")
    return value


_PARSERS: dict[str, Callable[[Any], Message]] = {
    "progress": _parse_progress,
    "result": _parse_result,
    "drawn": _parse_drawn,
    "refused": _parse_refused,
    "stumbled": _parse_stumbled,
    "scratch_failed": _parse_scratch_failed,
    "protection": _parse_protection,
}
