"""Scratch folders: private, one for each attempt, and gone afterwards even when their process was killed."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path


@contextmanager
def process_folder(work_dir: Path, name: str) -> Iterator[Path]:
    """A folder of this process (mode 0700) under `work_dir`, removed in the end; those of dead processes go first.

    A process holds a lock on its folder: one that can be locked belongs to nobody any more.
    """
    work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in work_dir.glob(f"{name}-*"):
        _remove_if_dead(folder)
    folder, lock = _make(work_dir, name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@asynccontextmanager
async def attempt_folder(parent: Path, name: str) -> AsyncIterator[Path]:
    """A folder for one attempt (mode 0700), removed in the end."""
    folder = parent / name
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _make(work_dir: Path, name: str) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=work_dir))
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder, lock
        os.close(lock)  # another process that was starting took it for a dead one's, before it was locked


def _remove_if_dead(folder: Path) -> None:
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return  # gone already, or no folder of ours
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(lock)
