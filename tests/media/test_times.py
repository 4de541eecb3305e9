"""Files whose times are odd: every picture is counted, is in the proxy, and plays at a sensible moment."""

from fractions import Fraction
from itertools import pairwise

import av
import pytest

from domain.media import Limits, Refusal, RefusedMedia
from media.ingest import ingest
from media.look import read_look
from media.proxy import make_proxy
from media.source import open_source
from media.timeline import Timeline, read_timeline
from tests import clips

LIMITS = Limits(max_pixels=8192 * 4320, max_seconds=4 * 3600, threads=2, memory_bytes=2 << 30, wall_seconds=60)


def take_in(source, folder):
    return ingest(source, folder, LIMITS, lambda step, fraction: None)


def pictures_of(proxy):
    with av.open(str(proxy)) as container:
        return list(container.decode(video=0))


def check_constant(result, count, rate=Fraction(30)):
    """As many pictures counted as are in the proxy, at even intervals, each where its moving bar says."""
    probe = result.probe
    assert (probe.frame_count, probe.frame_rate, probe.variable_frame_rate) == (count, rate, False)
    assert probe.duration_ms == pytest.approx(count * 1000 / rate, abs=34)
    frames = pictures_of(result.proxy)
    assert [frame.time for frame in frames] == pytest.approx([float(n / rate) for n in range(count)], abs=1e-3)
    return frames


def bar_length(frame):
    """How far the bar of `clips.picture` has come."""
    row = clips.luma_of(frame)[frame.height // 2]
    return int((row < 30).sum())


def test_pictures_out_of_order_in_a_container_without_their_times(tmp_path):
    source = clips.make_clip(tmp_path / "clip.avi", options=clips.REORDERED, audio=None, seconds=1)
    with av.open(str(source)) as container:
        decoded = [frame.pts for frame in container.decode(video=0)]
    assert decoded != sorted(decoded), "what this is about"
    frames = check_constant(take_in(source, tmp_path), 30)
    assert [bar_length(frame) for frame in frames] == pytest.approx([7 * n + 1 for n in range(30)], abs=3)


@pytest.mark.parametrize("audio", [None, "aac"])
def test_one_key_frame_that_seeking_passes_over(tmp_path, audio):
    result = take_in(clips.mpegts(tmp_path, seconds=3, audio=audio), tmp_path)
    check_constant(result, 90)
    assert result.poster.stat().st_size > 0


def test_joined_recordings_play_one_after_the_other(tmp_path):
    part = clips.mpegts(tmp_path, seconds=2)
    result = take_in(clips.joined(part, part, part), tmp_path)
    frames = check_constant(result, 180)
    lengths = [bar_length(frame) for frame in frames]
    assert lengths[:60] == pytest.approx(lengths[60:120], abs=3)
    assert lengths[60:120] == pytest.approx(lengths[120:], abs=3)
    with av.open(str(result.proxy)) as container:
        loud = [frame.time for frame in container.decode(audio=0) if abs(frame.to_ndarray()).max() > 0.1]
    assert (loud[0], loud[-1]) == pytest.approx((0, 6), abs=0.1)
    assert max(later - earlier for earlier, later in pairwise(loud)) < 0.1, "no hole at the joints"


def test_joined_recordings_of_two_sizes(tmp_path):
    parts = [clips.mpegts(tmp_path, f"{w}.ts", width=w, height=w // 2, seconds=1, audio=None) for w in (320, 160)]
    result = take_in(clips.joined(*parts), tmp_path)
    frames = check_constant(result, 60)
    assert {(frame.width, frame.height) for frame in frames} == {(320, 160)}


def test_joined_recordings_may_be_too_long_together(tmp_path):
    part = clips.mpegts(tmp_path, seconds=2)
    limits = Limits(LIMITS.max_pixels, 5, 2, 2 << 30, 60)
    with pytest.raises(RefusedMedia) as caught:
        ingest(clips.joined(part, part, part), tmp_path, limits, lambda step, fraction: None)
    assert (caught.value.code, caught.value.params) == (Refusal.TOO_LONG, {"seconds": 6, "limit": 5})


def test_streams_that_turn_up_on_the_way_are_passed_over(tmp_path):
    early = clips.mpegts(tmp_path, "early.ts", audio=None)
    # Far enough in that opening the file does not find them.
    late = clips.mpegts(tmp_path, "late.ts", pid=600, seconds=1)
    source = clips.joined(*[early] * (-(-1_500_000 // early.stat().st_size)), late)
    with av.open(str(source)) as container:
        assert len(container.streams) == 1
        with pytest.raises(IndexError):
            list(container.demux())
    with open_source(source, LIMITS) as opened:
        timeline = read_timeline(opened, LIMITS, lambda fraction: None)
    assert timeline.frame_count == 60 * ((source.stat().st_size - late.stat().st_size) // early.stat().st_size)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_picture_an_hour(tmp_path, suffix):
    """Nothing is filled up in between: it costs as much as three pictures."""
    times = [Fraction(3600 * n) for n in range(3)]
    source = clips.make_clip(tmp_path / f"sparse{suffix}", times=times, audio=None)
    result = take_in(source, tmp_path)
    assert result.probe.frame_rate == pytest.approx(Fraction(1, 3600), rel=0.001)
    frames = pictures_of(result.proxy)
    assert [frame.time for frame in frames] == pytest.approx([0, 3600, 7200], abs=0.01)
    assert result.probe.frame_count == 3
    assert result.proxy.stat().st_size < 50_000


def timed_frames(path, ticks):
    """A Matroska file (a tick is a millisecond) of key frames at these times, written as they are."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("mjpeg", rate=25)
        video.width, video.height, video.pix_fmt = 64, 36, "yuvj420p"
        for number, tick in enumerate(ticks):
            frame = clips.picture(number, 64, 36, "yuvj420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            for packet in video.encode(frame):
                packet.pts = packet.dts = tick
                packet.time_base = Fraction(1, 1000)
                output.mux(packet)
    return path


def test_pictures_at_the_same_moment_are_all_kept(tmp_path):
    ticks = [0, 40, 40, 80, 120, 120, 120, 160]
    result = take_in(timed_frames(tmp_path / "same.mkv", ticks), tmp_path)
    assert result.probe.frame_count == 8
    times = [frame.time for frame in pictures_of(result.proxy)]
    assert times == sorted(set(times)), "each later than the one before"
    assert times == pytest.approx([tick / 1000 for tick in ticks], abs=1e-3)


def proxy_from(source, target, **timeline):
    """A proxy made with times that are told, not read."""
    with open_source(source, LIMITS) as opened:
        look = read_look(opened)
    told = Timeline(**{"start": Fraction(0), "end": Fraction(2), "offsets": (Fraction(0),)} | timeline)
    return make_proxy(source, target, look, told, LIMITS, lambda fraction: None)


def test_a_clip_that_begins_before_its_start_loses_no_picture(tmp_path):
    source = clips.silent(tmp_path)
    told = {"start": Fraction(1, 10), "frame_count": 60, "frame_rate": Fraction(30), "variable": True}
    assert len(proxy_from(source, tmp_path / "proxy.mp4", **told)) == 60
    times = [frame.time for frame in pictures_of(tmp_path / "proxy.mp4")]
    assert times == sorted(set(times))
    assert len(times) == 60
