"""Starting, reading and stopping the processes that belong to us."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from local import launch
from local.errors import LocalError
from local.launch import Identity

_TAIL_BYTES = 16 * 1024


@dataclass(frozen=True)
class Command:
    """A program to run, as plain data."""

    argv: Sequence[str]
    """The program's absolute path, then its arguments."""
    folder: Path
    """Its working directory."""
    log: Path | None
    """Where its output and its errors are appended; None for where ours go."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Its whole environment."""
    identity: Identity = Identity.SAME
    death_signal: signal.Signals = signal.SIGKILL
    """What it gets when we die. `SIGKILL` unless it would lose something by that."""
    kept_open: tuple[int, ...] = ()
    """File descriptors that it inherits."""


def start(command: Command) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own; it dies when the calling **thread** does, so call from the main one.

    Raises:
        LocalError: the log cannot be written.

    """
    try:
        with _output(command.log) as output:
            return subprocess.Popen(
                launch_argv(command),
                env=dict(command.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,  # Ctrl-C in the terminal reaches us alone, and we stop the others in order
                pass_fds=command.kept_open,
            )
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise LocalError(f"Cannot start {Path(command.argv[0]).name}: {error.strerror}{place}.") from error


def launch_argv(command: Command) -> list[str]:
    """Return what is really executed for a command: the launcher, then the program."""
    head = [str(os.getpid()), str(int(command.death_signal)), command.identity, str(command.folder)]
    return [sys.executable, "-I", "-S", str(Path(launch.__file__)), *head, *command.argv]


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, seconds: float) -> None:
    """Ask a process to stop, and after some seconds kill it with all that it started in its session."""
    if process.poll() is None:
        process.send_signal(stop_signal)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        _kill_group(process.pid)
        process.wait()


def last_line(log: Path) -> str:
    """Return the last line of a log that says something, or an empty text."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def pause(deadline: float, step: float = 0.005) -> bool:
    """Sleep for a moment; return whether there is time left until a deadline (`time.monotonic()` seconds)."""
    time.sleep(step)
    return time.monotonic() < deadline


def _output(log: Path | None) -> AbstractContextManager[BinaryIO | None]:
    if log is None:
        return nullcontext()
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("ab")


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
