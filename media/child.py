"""`python -m media.child`: reads one request from stdin, confines itself, does it, and tells about it on stdout."""

import errno
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from domain.media import IngestStep, Refusal, RefusedMedia
from media import protocol, sandbox
from media.memory import MemoryGauge

_SMALLEST_STEP = 0.005
_SPARE_BYTES = 1 << 30
_OUTPUT_PER_INPUT = 4


class _Reporter:
    """Speaks to the parent; progress is passed on only when it moved."""

    def __init__(self, channel: BinaryIO) -> None:
        self._channel = channel
        self._last: tuple[IngestStep, float] | None = None

    def send(self, message: protocol.Message) -> None:
        self._channel.write(protocol.message_line(message))
        self._channel.flush()

    def progress(self, step: IngestStep, fraction: float) -> None:
        if self._last and self._last[0] is step and self._last[1] < 1.0:
            needed = min(self._last[1] + _SMALLEST_STEP, 1.0)
            if fraction < needed:
                return
        elif self._last == (step, fraction):
            return
        self._last = (step, fraction)
        self.send(protocol.Progress(step, fraction))


def main() -> None:
    """Do what the parent asks. Ends with status 0 after a result or a refusal; anything else is a crash."""
    request = protocol.parse_request(sys.stdin.buffer.readline())
    reporter = _Reporter(_private_stdout())
    with MemoryGauge(request.limits.memory_bytes) as gauge:
        reporter.send(sandbox.enter(_confinement(request), request.parent))
        if request.source is not None:
            reporter.send(_answer(request, request.source, gauge, reporter.progress))


def _answer(
    request: protocol.Request, source: Path, gauge: MemoryGauge, on_progress: Callable[[IngestStep, float], None]
) -> protocol.Message:
    try:
        # Only now are the decoders loaded: into a process that can no longer do harm.
        if request.task is not protocol.Task.INGEST:
            return _drawn(request, source)
        from media.ingest import ingest

        return protocol.Done(ingest(source, request.folder, request.limits, on_progress).probe)
    except Exception as error:  # noqa: BLE001  # a stranger's file can make anything fail, and in any way
        return _verdict(error, gauge)


def _drawn(request: protocol.Request, source: Path) -> protocol.Message:
    from media.avatar import draw_avatar
    from media.image import draw_image

    draw = draw_avatar if request.task is protocol.Task.AVATAR else draw_image
    draw(source, request.folder / protocol.DRAWN, request.limits)
    return protocol.Drawn()


def _verdict(error: Exception, gauge: MemoryGauge) -> protocol.Message:
    """Say whose fault it was. Raises `error` again where it was ours: something is not installed as it should be."""
    number = error.errno if isinstance(error, OSError) else None
    if number in protocol.SCRATCH_ERRORS:  # of the source no error comes so far: it is the output that is not written
        return protocol.ScratchFailed(number)
    if isinstance(error, MemoryError) or gauge.is_full():  # decoders name a lack of memory in many ways
        return RefusedMedia(Refusal.TOO_COSTLY, resource="memory")
    if number == errno.EFBIG:
        return RefusedMedia(Refusal.TOO_COSTLY, resource="disk")
    if isinstance(error, RefusedMedia):
        return error
    if isinstance(error, OSError | ImportError) and not _is_of_libav(error):
        raise error
    # The same file would fail in the same way again.
    traceback.print_exception(error)
    return protocol.Stumbled(type(error).__name__)


def _is_of_libav(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] == "av"


def _private_stdout() -> BinaryIO:
    """Keep stdout for the protocol alone: what a library prints goes to stderr."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return channel


def _confinement(request: protocol.Request) -> sandbox.Confinement:
    limits = request.limits
    size = request.source.stat().st_size if request.source else 0
    return sandbox.Confinement(
        readable=(request.source,) if request.source else (),
        writable=(request.folder,),
        memory_bytes=limits.memory_bytes,
        # Every thread may be busy for as long as the parent waits; beyond that the parent itself must be stuck.
        cpu_seconds=limits.wall_seconds * (limits.threads + 1),
        file_bytes=_SPARE_BYTES + _OUTPUT_PER_INPUT * size,
    )


if __name__ == "__main__":
    main()
