"""Which frame is on screen when: worked out or looked up, it is what a player of the proxy and the file itself say."""

import math
from dataclasses import replace
from fractions import Fraction

import av
import pytest

from domain.frame_tables import Listed
from domain.media import Limits, Refusal, RefusedMedia
from domain.moments import Moments
from media import runner
from media.ingest import ingest
from tests import clips

LIMITS = Limits(max_pixels=8192 * 4320, max_seconds=4 * 3600, threads=2, memory_bytes=2 << 30, wall_seconds=60)
QUICK_VP9 = {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}
NTSC = {rate: Fraction(rate * 1000, 1001) for rate in (24, 30, 60)}


def take_in(source, folder):
    return ingest(source, folder, LIMITS, lambda step, fraction: None)


def moments_of(result):
    """What is made of an ingest when a comment is read."""
    probe, listed = result.probe, result.frames and Listed(result.frames)
    return Moments.of(probe.frame_rate, probe.frame_count, variable=probe.variable_frame_rate, listed=listed)


def shown(path, ms=Fraction(1, 1000)):
    """When each picture of a file begins, in milliseconds, as a decoder tells."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base / ms for frame in container.decode(video=0)]


def check_against(starts, moments):
    """Every millisecond and every frame, against exact times in milliseconds."""
    assert moments.frames.count == len(starts)
    for frame, start in enumerate(starts):
        assert moments.ms_of_frame(frame, path=()) == math.ceil(start)
        assert moments.frame_at(math.ceil(start)) == frame
        assert moments.frame_at(max(0, math.ceil(start) - 1)) == max(0, frame - 1)


UNEVEN = {
    "MP4": clips.variable,
    "MP4 with B-frames": lambda folder: clips.make_clip(
        folder / "clip.mp4", times=clips.VARIABLE_TIMES, options=clips.REORDERED
    ),
    "MOV": lambda folder: clips.screen(folder, "screen.mov"),
    "Matroska": clips.screen,
    "WebM": lambda folder: clips.make_clip(
        folder / "clip.webm", audio="libopus", times=clips.VARIABLE_TIMES, **QUICK_VP9
    ),
}


@pytest.mark.parametrize("make", UNEVEN.values(), ids=UNEVEN)
def test_uneven_frames_are_where_the_file_has_them(tmp_path, make):
    source = make(tmp_path)
    result = take_in(source, tmp_path)
    moments = moments_of(result)
    assert result.probe.variable_frame_rate
    assert len(result.frames) < 200
    assert moments.timecode_at(0) is None
    starts = shown(source)
    check_against([start - starts[0] for start in starts], moments)
    check_against(shown(result.proxy), moments)
    last = moments.ms_of_frame(moments.frames.count - 1, path=())
    assert last <= result.probe.duration_ms, "a comment may stand there"


def test_what_an_edit_list_leaves_out_is_no_frame(tmp_path):
    source = clips.cut(tmp_path)
    with av.open(str(source)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        assert any(packet.is_discard or packet.pts < 0 for packet in packets), "what this is about"
    result = take_in(source, tmp_path)
    assert result.probe.frame_count == len(clips.VARIABLE_TIMES) - 15
    starts = [1000 * time - 500 for time in clips.VARIABLE_TIMES if time >= Fraction(1, 2)]
    check_against(starts, moments_of(result))
    check_against(shown(result.proxy), moments_of(result))


def test_pictures_that_begin_after_the_sound_are_where_they_begin(tmp_path):
    """The first is shown, or nothing, until it begins; all are counted from 0, with time codes."""
    times = [Fraction(n, 25) for n in range(50)]
    result = take_in(clips.make_clip(tmp_path / "late.mp4", times=times, picture_starts=Fraction(1, 2)), tmp_path)
    moments = moments_of(result)
    assert (result.probe.variable_frame_rate, result.probe.frame_rate) == (False, 25)
    check_against(shown(result.proxy), moments)
    assert [moments.frame_at(ms) for ms in (0, 500, 539, 540)] == [0, 0, 0, 1]
    assert moments.timecode_at(1540) == "00:00:01:01"


def test_a_phones_clock_has_a_table_and_time_codes(tmp_path):
    source = clips.phone_clock(tmp_path)
    result = take_in(source, tmp_path)
    assert (result.probe.variable_frame_rate, result.probe.frame_count) == (False, 90)
    check_against(shown(source), moments_of(result))
    check_against(shown(result.proxy), moments_of(result))
    assert moments_of(result).timecode_at(1020).startswith("00:00:01")


@pytest.mark.parametrize("rate", [*NTSC.values(), Fraction(25), Fraction(50)], ids=str)
@pytest.mark.parametrize("suffix", ["mkv", "webm", "mp4"])
def test_an_even_rate_takes_no_table_though_the_container_rounds_to_milliseconds(tmp_path, suffix, rate):
    changes = QUICK_VP9 if suffix == "webm" else {}
    source = clips.make_clip(tmp_path / f"clip.{suffix}", rate=rate, seconds=2, audio=None, **changes)
    starts = shown(source)
    assert all(start == int(start) for start in starts) is (suffix != "mp4" or 1000 % rate == 0), "what this is about"
    result = take_in(source, tmp_path)
    assert (result.frames, result.probe.frame_rate, result.probe.variable_frame_rate) == (None, rate, False)
    exact = [1000 * n / rate for n in range(len(starts))]
    check_against(exact, moments_of(result))
    assert shown(result.proxy) == exact, "the proxy has them where they were before they were rounded"


@pytest.mark.parametrize("frames", [10**6, 10**9])
async def test_an_index_that_claims_more_frames_than_there_are_is_refused_soon(tmp_path, frames):
    source = clips.claiming(tmp_path, frames)
    with pytest.raises(RefusedMedia) as caught:
        await runner.ingest(source, tmp_path, replace(LIMITS, wall_seconds=20), lambda step, fraction: None)
    assert caught.value.code is Refusal.DAMAGED
