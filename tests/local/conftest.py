import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.folders import scratch_root
from local.programs import ROOT


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder in shared memory, which everybody may enter: pytest's own is for its user alone."""
    with tempfile.TemporaryDirectory(dir=scratch_root()) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
        for link in Path(folder).rglob("short"):  # left by the killed, for a next start that never comes
            shutil.rmtree(link.readlink(), ignore_errors=True)


@pytest.fixture
def ended() -> Callable[[int], bool]:
    """Waits for the end of a process that need not be our child; tells whether it came within ten seconds."""

    def wait(pid: int) -> bool:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([descriptor], [], [], 10)[0])
        finally:
            os.close(descriptor)

    return wait


@pytest.fixture
def script() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a Python script of a few lines in the checkout, its output in a pipe; kills it in the end."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: str, **options: object) -> subprocess.Popen[str]:
        options = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} | options
        started.append(subprocess.Popen([sys.executable, *arguments], **options))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()
