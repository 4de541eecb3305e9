"""The parent's half: starts a media child, listens to it, and makes sure that nothing of it outlives the call."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import structlog

import domain
from domain.frame_tables import MOST_BYTES, Listed
from domain.media import IngestStep, Limits, Refusal, RefusedMedia
from domain.pictures import MOST_IMAGE_PIXELS, MOST_PIXELS
from media import protocol
from media.protocol import Done, Drawn, IngestResult, LastWord, Progress, Request, ScratchFailed, Stumbled, Task
from media.sandbox import Protection
from media.steps import followed, note_end

log = structlog.stdlib.get_logger(__name__)

R = TypeVar("R", Done, Drawn)

_PICTURE_SECONDS = 30
_LONGEST_LINE = 64 * 1024
_STDERR_KEPT = 16 * 1024
_PROBE_LIMITS = Limits(max_pixels=1, max_seconds=1, threads=1, memory_bytes=2 << 30, wall_seconds=10)
_OUT_OF_TIME = -signal.SIGXCPU


class MediaCrashed(Exception):
    """A media child ended without an answer: a decoder's crash, or something wrong on our side.

    `status` is its exit status, negative for a signal; `stderr` the end of what it wrote there.
    """

    def __init__(self, what: str, status: int | None, stderr: str) -> None:
        super().__init__(f"{what} (status {status})" + (f"\n{stderr}" if stderr else ""))
        self.what = what
        self.status = status
        self.stderr = stderr


class ScratchFull(OSError):
    """The folder for scratch files could not be written: its disk is full, or broken. No fault of the file's."""


@dataclass(slots=True)
class _Child:
    process: asyncio.subprocess.Process
    stdout: asyncio.StreamReader
    stderr: bytearray = field(default_factory=bytearray)

    @property
    def complaint(self) -> str:
        return self.stderr.decode(errors="replace")

    def crash(self, what: str) -> MediaCrashed:
        return MediaCrashed(what, self.process.returncode, self.complaint)


async def ingest(
    source: Path, folder: Path, limits: Limits, on_progress: Callable[[IngestStep, float], None]
) -> IngestResult:
    """Turn `source` into figures, a poster, a proxy and a table of its frames, in a sandboxed child process.

    The files are in `folder`. `on_progress` is called in this task, in order, with a step and its share done, 0–1.
    Cancelling the caller kills the child. Raises RefusedMedia where the file is at fault (TOO_COSTLY included),
    ScratchFull where `folder` cannot be written for now, and MediaCrashed for all else.
    """
    done = await _result(_request(folder, limits, source), Done, on_progress)
    frames = _frames(folder / protocol.FRAMES, done.probe.frame_count)
    return IngestResult(done.probe, folder / "poster.jpg", folder / "proxy.mp4", frames)


def _frames(path: Path, count: int) -> bytes | None:
    """The table that a child has written, if it has: looked through, since it is not believed."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        table = file.read(MOST_BYTES + 1)
    try:
        listed = Listed(table)
        listed.require_whole()
    except ValueError as error:
        raise MediaCrashed("the media child wrote no table of frames", None, "") from error
    if listed.count != count:
        raise MediaCrashed(f"the media child listed {listed.count} of {count} frames", None, "")
    return table


async def draw_avatar(source: Path, folder: Path, limits: Limits) -> Path:
    """Draw the still picture `source` small and square into `folder`, in a sandboxed child process; answer the file.

    Raises as `ingest` does.
    """
    return await _draw(Task.AVATAR, source, folder, replace(limits, max_pixels=MOST_PIXELS))


async def draw_image(source: Path, folder: Path, limits: Limits) -> Path:
    """Draw the still picture `source` as large as a comment shows it into `folder`, as `draw_avatar` does."""
    return await _draw(Task.IMAGE, source, folder, replace(limits, max_pixels=MOST_IMAGE_PIXELS))


async def _draw(task: Task, source: Path, folder: Path, limits: Limits) -> Path:
    quick = replace(limits, wall_seconds=min(limits.wall_seconds, _PICTURE_SECONDS))
    await _result(_request(folder, quick, source, task), Drawn, lambda _step, _fraction: None)
    return folder / protocol.DRAWN


async def _result(request: Request, kind: type[R], on_progress: Callable[[IngestStep, float], None]) -> R:
    """What a child says in the end, if that is of the kind that was asked for."""
    with followed(request.task.value, on_progress) as told:
        child, last_word = await _ended(request, told)
        note_end(child.process.pid, child.process.returncode)
        _require_success(child, last_word)
    if not isinstance(last_word, kind):
        raise child.crash("the media child ended without a result")
    return last_word


async def _ended(request: Request, on_progress: Callable[[IngestStep, float], None]) -> tuple[_Child, LastWord | None]:
    """A child that has done what it could, and what it says in the end."""
    try:
        async with asyncio.timeout(request.limits.wall_seconds), _child(request) as child:
            return child, await _last_word(child, on_progress)
    except TimeoutError as error:
        raise RefusedMedia(Refusal.TOO_COSTLY, resource="time") from error


async def _last_word(child: _Child, on_progress: Callable[[IngestStep, float], None]) -> LastWord | None:
    """Listen until the child has said how it ended; when all went well, until it has ended, too."""
    done: LastWord | None = None
    async for message in _messages(child):
        if isinstance(message, Progress):
            on_progress(message.step, message.fraction)
        elif isinstance(message, Done | Drawn):
            done = message
        elif not isinstance(message, Protection):
            return message
    await child.process.wait()
    return done


def _require_success(child: _Child, last_word: LastWord | None) -> None:
    if isinstance(last_word, RefusedMedia):
        raise last_word
    if isinstance(last_word, ScratchFailed):
        raise ScratchFull(last_word.errno, os.strerror(last_word.errno))
    if isinstance(last_word, Stumbled):
        log.error("media.stumbled", error=last_word.error, stderr=child.complaint)
        raise RefusedMedia(Refusal.DAMAGED)
    if child.process.returncode == _OUT_OF_TIME:
        raise RefusedMedia(Refusal.TOO_COSTLY, resource="time")
    if last_word is None or child.process.returncode != 0:
        raise child.crash("the media child ended without a result")


async def probe_protection(folder: Path) -> Protection:
    """Start a child that only confines itself to `folder` and says which layers hold here. Raises MediaCrashed."""
    request = _request(folder, _PROBE_LIMITS)
    async with asyncio.timeout(_PROBE_LIMITS.wall_seconds), _child(request) as child:
        async for message in _messages(child):
            if isinstance(message, Protection):
                return message
        await child.process.wait()
    raise child.crash("the media child did not report its protection")


def _request(folder: Path, limits: Limits, source: Path | None = None, task: Task = Task.INGEST) -> Request:
    # The child runs in another folder, and Landlock names real files: no relative paths, no symbolic links.
    return Request(os.getpid(), folder.resolve(), limits, source.resolve() if source else None, task)


@asynccontextmanager
async def _child(request: Request) -> AsyncIterator[_Child]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "media.child"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        cwd=Path(domain.__path__[0]).parent,
        env=_environment(),
        start_new_session=True,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    child = _Child(process, process.stdout)
    draining = asyncio.create_task(_drain(process.stderr, child.stderr))
    try:
        process.stdin.write(protocol.request_line(request))
        process.stdin.close()
        yield child
    finally:
        _kill(process)
        # A process counts as ended only when its pipes are read to their ends.
        await _drain(process.stdout, bytearray())
        await draining
        await process.wait()


def _environment() -> dict[str, str]:
    """Give the child none of our own environment, which holds secrets."""
    # Each arena of the C library reserves 64 MiB of the address space that is all a child has.
    return {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2", "PYTHONDONTWRITEBYTECODE": "1"}


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


async def _messages(child: _Child) -> AsyncIterator[protocol.Message]:
    """Yield what the child says until it closes its mouth. Raises MediaCrashed for a line that is no message."""
    while True:
        try:
            line = await child.stdout.readline()
            if not line:
                return
            message = protocol.parse_line(line)
        except ValueError as error:  # too long, not JSON, or not a message
            raise child.crash("the media child spoke nonsense") from error
        yield message


async def _drain(stream: asyncio.StreamReader, kept: bytearray) -> None:
    """Read everything, so that the child never blocks on it, and keep the end."""
    while chunk := await stream.read(_STDERR_KEPT):
        kept += chunk
        del kept[:-_STDERR_KEPT]
