"""The parent's half: whatever the child does or has done to it, the call ends, typed, and nothing is left running."""

import asyncio
import errno
import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from domain.frame_tables import MOST_BYTES, packed
from domain.media import IngestStep, Limits, Refusal, RefusedMedia
from media import protocol, runner
from media.runner import MediaCrashed, ScratchFull
from tests import clips

LIMITS = Limits(max_pixels=8192 * 4320, max_seconds=60, threads=2, memory_bytes=2 << 30, wall_seconds=60)
PROJECT = Path(runner.__file__).parent.parent


def children(parent):
    """Process ids of a process's children."""
    return [int(pid) for task in Path(f"/proc/{parent}/task").iterdir() for pid in children_of_thread(task)]


def children_of_thread(task):
    try:
        return (task / "children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile, and left its children to the others
        return []


@pytest.fixture
def new_children():
    before = set(children(os.getpid()))
    return lambda: [pid for pid in children(os.getpid()) if pid not in before]


def once(action):
    """A progress callback that does `action` the first time."""
    seen = []

    def on_progress(step, fraction):
        if not seen:
            seen.append(step)
            action()

    return on_progress


async def test_progress_and_result(tmp_path, new_children):
    seen = []
    result = await runner.ingest(
        clips.mp4(tmp_path), tmp_path, LIMITS, lambda step, fraction: seen.append((step, fraction))
    )
    assert result.probe.frame_count == 60
    assert result.poster.stat().st_size > 0
    assert result.proxy.stat().st_size > 0
    order = list(IngestStep)
    assert seen == sorted(seen, key=lambda entry: (order.index(entry[0]), entry[1]))
    assert {step for step, _ in seen} == {IngestStep.PROBE, IngestStep.POSTER, IngestStep.PROXY}
    assert seen[-1] == (IngestStep.PROXY, 1.0)
    assert new_children() == []


async def test_source_and_folder_may_be_links(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "work").symlink_to(tmp_path / "real")
    (tmp_path / "named.mp4").symlink_to(clips.silent(tmp_path))
    result = await runner.ingest(tmp_path / "named.mp4", tmp_path / "work", LIMITS, lambda step, fraction: None)
    assert result.proxy.exists()


async def test_cancelling_kills_the_child(tmp_path, new_children):
    begun = asyncio.Event()

    def stop_the_child():
        os.kill(new_children()[0], signal.SIGSTOP)  # so that it cannot finish first
        begun.set()

    task = asyncio.create_task(runner.ingest(clips.mp4(tmp_path), tmp_path, LIMITS, once(stop_the_child)))
    await begun.wait()
    assert len(new_children()) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert new_children() == [], "killed and reaped"


async def test_a_failing_callback_kills_the_child(tmp_path, new_children):
    def fail():
        raise LookupError("the caller's own fault")

    with pytest.raises(LookupError):
        await runner.ingest(clips.mp4(tmp_path), tmp_path, LIMITS, once(fail))
    assert new_children() == []


async def test_a_child_that_hangs_runs_out_of_time(tmp_path, new_children):
    limits = replace(LIMITS, wall_seconds=1)
    with pytest.raises(RefusedMedia) as caught:
        await runner.ingest(
            clips.mp4(tmp_path), tmp_path, limits, once(lambda: os.kill(new_children()[0], signal.SIGSTOP))
        )
    assert (caught.value.code, caught.value.params) == (Refusal.TOO_COSTLY, {"resource": "time"})
    assert new_children() == []


@pytest.mark.parametrize("memory_mib", [200, 260, 320, 380])
async def test_a_memory_bomb_ends_typed(tmp_path, memory_mib):
    source = clips.make_clip(tmp_path / "large.mp4", width=3840, height=2160, seconds=0.2, audio=None)
    with pytest.raises(RefusedMedia) as caught:
        await runner.ingest(
            source, tmp_path, replace(LIMITS, memory_bytes=memory_mib << 20), lambda step, fraction: None
        )
    assert (caught.value.code, caught.value.params) == (Refusal.TOO_COSTLY, {"resource": "memory"})


async def test_a_crash_is_told_apart_from_a_refusal(tmp_path, new_children):
    with pytest.raises(MediaCrashed) as caught:
        await runner.ingest(
            clips.mp4(tmp_path), tmp_path, LIMITS, once(lambda: os.kill(new_children()[0], signal.SIGSEGV))
        )
    assert caught.value.status == -signal.SIGSEGV


async def test_a_folder_that_is_missing_is_our_fault(tmp_path):
    with pytest.raises(MediaCrashed) as caught:
        await runner.ingest(clips.mp4(tmp_path), tmp_path / "none", LIMITS, lambda step, fraction: None)
    assert "Error" in caught.value.stderr


def child_that_says(line, folder, monkeypatch):
    """In place of the media child; it also complains on stderr."""
    script = folder / "child"
    script.write_text(f"#!/bin/sh\necho Traceback and all >&2\necho '{line}'\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    return script


async def test_what_nobody_foresaw_is_the_files_fault_and_logged(tmp_path, monkeypatch):
    source = child_that_says('{"stumbled": {"error": "ZeroDivisionError"}}', tmp_path, monkeypatch)
    with structlog.testing.capture_logs() as logs, pytest.raises(RefusedMedia) as caught:
        await runner.ingest(source, tmp_path, LIMITS, lambda step, fraction: None)
    assert caught.value.code is Refusal.DAMAGED
    (entry,) = logs
    assert (entry["event"], entry["log_level"], entry["error"]) == ("media.stumbled", "error", "ZeroDivisionError")
    assert "Traceback and all" in entry["stderr"]


async def test_a_full_disk_is_nobodys_fault(tmp_path, monkeypatch):
    source = child_that_says(f'{{"scratch_failed": {{"errno": {errno.ENOSPC}}}}}', tmp_path, monkeypatch)
    with pytest.raises(ScratchFull) as caught:
        await runner.ingest(source, tmp_path, LIMITS, lambda step, fraction: None)
    assert (caught.value.errno, caught.value.strerror) == (errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("head -c 10000000 /dev/zero", "nonsense"),
        ("echo hello", "nonsense"),
        ('echo \'{"progress": {"step": "PROXY", "fraction": "all"}}\'', "nonsense"),
        ("head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 3", "without a result"),
        ("exit 0", "without a result"),
    ],
)
async def test_hostile_output_is_survived(tmp_path, monkeypatch, body, what):
    script = tmp_path / "child"
    script.write_text(f"#!/bin/sh\nPATH=/bin:/usr/bin\n{body}\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    with pytest.raises(MediaCrashed, match=what) as caught:
        await runner.ingest(script, tmp_path, LIMITS, lambda step, fraction: None)
    assert len(caught.value.stderr) <= 16 * 1024


@pytest.mark.parametrize("table", [b"no table", b"", packed([0, 40]), bytes(MOST_BYTES + 1)])
async def test_a_table_of_frames_that_is_none_is_not_taken(tmp_path, monkeypatch, table):
    """A child that somebody has got hold of says that there are 60 frames, and writes something else."""
    result = await runner.ingest(clips.mp4(tmp_path), tmp_path, LIMITS, lambda step, fraction: None)
    assert (result.probe.frame_count, result.frames) == (60, None)
    (tmp_path / protocol.FRAMES).write_bytes(table)
    source = child_that_says(protocol.message_line(protocol.Done(result.probe)).decode().strip(), tmp_path, monkeypatch)
    with pytest.raises(MediaCrashed, match="frames"):
        await runner.ingest(source, tmp_path, LIMITS, lambda step, fraction: None)


def test_a_killed_parent_takes_its_child_along(tmp_path):
    source = clips.mp4(tmp_path)
    program = f"""
import asyncio, os, signal
from pathlib import Path
from domain.media import Limits
from media import runner
from tests.media.test_runner import children, once

def stop_and_tell():
    (child,) = children(os.getpid())
    os.kill(child, signal.SIGSTOP)
    print(child, flush=True)

asyncio.run(runner.ingest(Path({str(source)!r}), Path({str(tmp_path)!r}), {LIMITS!r}, once(stop_and_tell)))
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, stdout=subprocess.PIPE) as parent:
        watch = os.pidfd_open(int(parent.stdout.readline()))
        try:
            parent.kill()
            assert select.select([watch], [], [], 5)[0], "the child still runs"
        finally:
            os.close(watch)


GOOD_RESULT = {
    "duration_ms": 1, "width": 1, "height": 1, "rotation": 0, "frame_rate": "30", "variable_frame_rate": False,
    "frame_count": 1, "video_codec": "h264", "audio_codec": None, "audio_channels": None, "audio_sample_rate": None,
    "bit_rate": 1, "container": "mp4", "size_bytes": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\xff\xfe", b"[]", b"null", b"{}", b'{"progress": 1, "result": 2}', b'{"unknown": {}}',
        b'{"progress": {"step": "SLEEP", "fraction": 0.5}}', b'{"progress": {"step": "PROXY", "fraction": true}}',
        b'{"refused": {"code": "BORED", "params": {}}}', b'{"refused": {"code": "EMPTY", "params": {"a": []}}}',
        b"[" * 60_000, b'{"stumbled": {}}', b'{"scratch_failed": {"errno": 1}}', b'{"scratch_failed": {"errno": "28"}}',
        *(json.dumps({"result": GOOD_RESULT | change}).encode() for change in (
            {"width": -1}, {"width": "1"}, {"frame_rate": "0"}, {"frame_rate": "1/0"}, {"video_codec": 7},
            {"width": True},
        )),
    ],
    ids=range(21),
)  # fmt: skip
def test_lines_that_no_child_writes_are_refused(line):
    with pytest.raises(ValueError):  # noqa: PT011  # of any wording
        protocol.parse_line(line)


def test_messages_come_back_as_they_were_sent():
    good = protocol.parse_line(json.dumps({"result": GOOD_RESULT}).encode())
    progress = protocol.Progress(IngestStep.PROXY, 0.25)
    last_words = (protocol.Stumbled("KeyError"), protocol.ScratchFailed(errno.EDQUOT))
    for message in (good, progress, *last_words):
        assert protocol.parse_line(protocol.message_line(message)) == message
    refusal = protocol.parse_line(protocol.message_line(RefusedMedia(Refusal.TOO_LONG, seconds=9, limit=5)))
    assert isinstance(refusal, RefusedMedia)
    assert (refusal.code, refusal.params) == (Refusal.TOO_LONG, {"seconds": 9, "limit": 5})
