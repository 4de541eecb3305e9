"""The child's half: whose fault it says a failure was."""

import errno
import os
from pathlib import Path

import av
import pytest

from domain.media import Limits, Refusal, RefusedMedia
from media import child, protocol
from media.memory import MemoryGauge
from tests import clips

LIMITS = Limits(max_pixels=8192 * 4320, max_seconds=60, threads=2, memory_bytes=1 << 50, wall_seconds=60)


def answer(source, folder, on_progress=lambda step, fraction: None):
    request = protocol.Request(os.getpid(), folder, LIMITS, source)
    with MemoryGauge(LIMITS.memory_bytes) as gauge:
        return child._answer(request, source, gauge, on_progress)


def failing_with(error):
    def on_progress(step, fraction):
        raise error

    return on_progress


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), IndexError(), OverflowError(), av.error.FileNotFoundError(2, "no")]
)
def test_what_reading_runs_into_is_the_files_fault(tmp_path, capfd, error):
    said = answer(clips.silent(tmp_path), tmp_path, failing_with(error))
    assert said == protocol.Stumbled(type(error).__name__)
    complaint = capfd.readouterr().err
    assert "Traceback" in complaint
    assert "media/tracks.py" in complaint, "where it happened"


def test_a_lack_of_memory_is_what_the_file_costs(tmp_path):
    said = answer(clips.silent(tmp_path), tmp_path, failing_with(MemoryError()))
    assert isinstance(said, RefusedMedia)
    assert (said.code, said.params) == (Refusal.TOO_COSTLY, {"resource": "memory"})


@pytest.mark.parametrize("name", ["poster.jpg", "proxy.mp4"])
def test_a_full_disk_is_no_fault_of_the_file(tmp_path, name):
    """/dev/full answers every write as a full disk does."""
    (tmp_path / name).symlink_to("/dev/full")
    assert answer(clips.mp4(tmp_path, seconds=1), tmp_path) == protocol.ScratchFailed(errno.ENOSPC)


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "no"), ImportError("no such library")])
def test_what_is_wrong_with_this_machine_is_our_fault(tmp_path, error):
    with pytest.raises(type(error)):
        answer(clips.silent(tmp_path), tmp_path, failing_with(error))


def test_a_missing_folder_is_our_fault(tmp_path):
    with pytest.raises(FileNotFoundError):
        answer(clips.silent(tmp_path), Path(tmp_path / "none"))
