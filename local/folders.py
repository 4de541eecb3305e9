"""The folder of one embedded service: its lock, and a short path for its socket."""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

from local.errors import LocalError
from local.launch import OVERFLOW_ID
from local.processes import pause

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only ever a folder made by mkdtemp inside it
_SCRATCH_BYTES = 1024**3


def make_private(folder: Path) -> Path:
    """Make a folder that only we may enter, unless it exists; return its absolute path.

    Raises:
        LocalError: it cannot be made or written to.

    """
    folder = folder.absolute()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise LocalError(f"Cannot write to {folder}: {error.strerror}.") from error


def lock(file: Path, seconds: float, busy: str) -> int:
    """Lock a file for ourselves and those who inherit the descriptor that is returned; closing the last one unlocks.

    Args:
        file: made if there is none.
        seconds: how long to wait for another holder, who may just be stopping.
        busy: the sentence to raise when it stays locked.

    Raises:
        LocalError: it stays locked, or cannot be opened.

    """
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LocalError(f"Cannot write to {file}: {error.strerror}.") from error
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not pause(deadline, 0.02):
                os.close(descriptor)
                raise LocalError(busy) from None
        else:
            return descriptor


def scratch_root() -> Path:
    """Return where throw-away data is fastest: shared memory when there is enough, or else the temporary folder."""
    if os.access(_SHARED_MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(_SHARED_MEMORY).free > _SCRATCH_BYTES:
        return _SHARED_MEMORY
    return Path(tempfile.gettempdir())


class ShortFolder:
    """A private folder with a short path for sockets, found again and removed if its owner was killed.

    The kernel takes 107 bytes for the path of a socket, and a data folder may lie deeper than that. `<folder>/short` is
    a link to it: the note from which the next start knows what the last one left behind.
    """

    def __init__(self, folder: Path) -> None:
        self._link = folder / "short"
        self._made: Path | None = None

    def make(self) -> Path:
        """Make it, once: after a restart it is the same, without the sockets of before."""
        if self._made is None:
            self._remove_linked()  # what a killed owner left behind
            # Not TMPDIR: it may be as deep as the data folder.
            self._made = Path(tempfile.mkdtemp(prefix="video-creator-", dir="/tmp"))
            self._link.symlink_to(self._made)
        for path in self._made.iterdir():
            if not path.is_dir():
                path.unlink()
        return self._made

    def remove(self) -> None:
        """Remove it with all that it holds."""
        if self._made is not None:
            self._remove_linked()
            self._made = None

    def _remove_linked(self) -> None:
        if not self._link.is_symlink():
            return
        path = self._link.readlink()
        if path.is_dir() and not path.is_symlink() and path.stat().st_uid in {os.geteuid(), OVERFLOW_ID}:
            shutil.rmtree(path, ignore_errors=True)  # not when the name has become another user's meanwhile
        self._link.unlink()


def is_disk_full(text: str) -> bool:
    """Tell whether a program's last words say that the disk is full."""
    return "No space left on device" in text or "Disk quota exceeded" in text
