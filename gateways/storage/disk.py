"""Steps on a file system that hold through a crash. Everything here blocks: call it from a thread."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path, *, below: Path) -> None:
    """Make `folder` and its parents, durably, down from the existing folder `below`."""
    if folder != below and not folder.is_dir():
        make_folders(folder.parent, below=below)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def move(source: Path, target: Path) -> None:
    """Give `source` the name `target` in one step, durably, in place of any file that had it."""
    source.replace(target)
    sync_folder(target.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """Let `target`, a new name, have the bytes of `source`: the same ones if they share a file system, else a copy."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # Another file system, one without links, or a file of another user: only a copy will do.
        shutil.copyfile(source, target)


def sync_file(path: Path) -> None:
    """Make the bytes of `path` durable."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other holders of this folder's lock out, in this process and in others. Raises FileNotFoundError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def discard(folder: Path, trash: Path) -> None:
    """Delete a folder in two steps, so that nobody adds to it while it goes: out of the way into `trash`, then away."""
    doomed = trash / f"{uuid4().hex}.gone"
    try:
        folder.rename(doomed)
    except FileNotFoundError:
        return
    shutil.rmtree(doomed)
