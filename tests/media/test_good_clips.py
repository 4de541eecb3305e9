"""Files that become versions: their figures, posters and proxies."""

from fractions import Fraction

import av
import pytest

from domain.media import IngestStep, Limits
from local.samples import make_sample
from media.ingest import ingest
from tests import clips

LIMITS = Limits(max_pixels=8192 * 4320, max_seconds=60, threads=2, memory_bytes=2 << 30, wall_seconds=60)
# Where the four corners of clips.CORNERS come to lie, clockwise from the top left, after so many degrees clockwise.
UPRIGHT = {0: (235, 170, 40, 105), 90: (105, 235, 170, 40), 180: (40, 105, 235, 170), 270: (170, 40, 105, 235)}


def take_in(source, folder):
    steps = []
    result = ingest(source, folder, LIMITS, lambda step, fraction: steps.append((step, fraction)))
    order = list(IngestStep)
    assert steps == sorted(steps, key=lambda entry: (order.index(entry[0]), entry[1]))
    assert steps[-1] == (IngestStep.PROXY, 1.0)
    return result


def corners(frame):
    luma = clips.luma_of(frame)
    rows, columns = luma.shape
    near, far = 0.2, 0.8
    return tuple(
        int(luma[int(rows * y), int(columns * x)]) for y, x in ((near, near), (near, far), (far, far), (far, near))
    )


def jpeg_corners(path):
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    # Full range: what is 16 to 235 in video is 0 to 255 here.
    return (frame.width, frame.height), tuple(16 + value * 219 / 255 for value in corners(frame))


def read_proxy(path):
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        frames = list(container.decode(video=0))
    with av.open(str(path)) as container:
        return frames, container.streams.video[0], list(container.streams.audio), container.duration


def check_proxy(path, frame_count, seconds):
    """Decode all of it, and hold it against what any browser plays."""
    frames, video, audio, duration = read_proxy(path)
    assert len(frames) == frame_count
    assert not any(frame.is_corrupt for frame in frames)
    assert duration / 1e6 == pytest.approx(float(seconds), abs=1 / 25)
    kinds = clips.box_kinds(path)
    assert kinds.index("moov") < kinds.index("mdat")
    assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
    assert video.width % 2 == video.height % 2 == 0
    assert frames[0].rotation == 0
    return frames, audio


def test_mp4_with_h264_and_aac(tmp_path):
    result = take_in(clips.mp4(tmp_path), tmp_path)
    probe = result.probe
    assert probe.frame_rate == Fraction(30000, 1001)
    assert not probe.variable_frame_rate
    assert probe.frame_count == 60
    assert probe.duration_ms == pytest.approx(60 * 1001 / 30, abs=33)
    assert (probe.width, probe.height, probe.rotation) == (320, 180, 0)
    assert (probe.video_codec, probe.audio_codec, probe.container) == ("h264", "aac", "mp4")
    assert (probe.audio_channels, probe.audio_sample_rate) == (2, clips.SAMPLE_RATE)
    assert probe.size_bytes == (tmp_path / "clip.mp4").stat().st_size
    assert probe.bit_rate == pytest.approx(probe.size_bytes * 8000 / probe.duration_ms, rel=0.01)
    frames, audio = check_proxy(result.proxy, 60, 60 * 1001 / 30000)
    assert [frame.time for frame in frames] == pytest.approx([n * 1001 / 30000 for n in range(60)], abs=1e-6)
    assert corners(frames[10]) == pytest.approx(UPRIGHT[0], abs=4)
    assert [(s.codec_context.name, s.channels, s.sample_rate) for s in audio] == [("aac", 2, 48_000)]
    assert sum(frame.key_frame for frame in frames) >= 2, "a key frame a second, for scrubbing"


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_phone_video_is_turned_upright(tmp_path, rotation):
    result = take_in(clips.phone_mov(tmp_path, rotation), tmp_path)
    size = (320, 180) if rotation == 180 else (180, 320)
    assert (result.probe.width, result.probe.height, result.probe.rotation) == (*size, rotation)
    assert result.probe.container == "mov"
    frames, _ = check_proxy(result.proxy, 60, 2)
    assert (frames[0].width, frames[0].height) == size
    assert corners(frames[0]) == pytest.approx(UPRIGHT[rotation], abs=4)
    poster_size, poster_corners = jpeg_corners(result.poster)
    assert poster_size == size
    assert poster_corners == pytest.approx(UPRIGHT[rotation], abs=6)


def test_webm_with_vp9_and_opus(tmp_path):
    result = take_in(clips.webm(tmp_path), tmp_path)
    probe = result.probe
    assert (probe.video_codec, probe.audio_codec, probe.container) == ("vp9", "opus", "webm")
    assert (probe.frame_rate, probe.frame_count, probe.variable_frame_rate) == (30, 60, False)
    assert probe.duration_ms == pytest.approx(2000, abs=33)
    check_proxy(result.proxy, 60, 2)


def test_hevc(tmp_path):
    result = take_in(clips.hevc(tmp_path), tmp_path)
    assert (result.probe.video_codec, result.probe.frame_count) == ("hevc", 60)
    assert result.probe.duration_ms == pytest.approx(2000, abs=33)
    check_proxy(result.proxy, 60, 2)


def test_no_sound_stays_no_sound(tmp_path):
    result = take_in(clips.silent(tmp_path), tmp_path)
    assert (result.probe.audio_codec, result.probe.audio_channels, result.probe.audio_sample_rate) == (None, None, None)
    assert result.probe.duration_ms == 2000
    _, audio = check_proxy(result.proxy, 60, 2)
    assert audio == []


def test_variable_frame_rate_keeps_every_moment(tmp_path):
    result = take_in(clips.variable(tmp_path), tmp_path)
    assert result.probe.variable_frame_rate
    assert result.probe.frame_count == 40
    assert result.probe.frame_rate == pytest.approx(39 / 1.9, rel=0.001)
    assert result.probe.duration_ms == pytest.approx(2000, abs=33)
    frames, _ = check_proxy(result.proxy, 40, 2)
    assert [frame.time for frame in frames] == pytest.approx([float(time) for time in clips.VARIABLE_TIMES], abs=1e-4)


def test_odd_sizes_become_even_in_the_proxy_only(tmp_path):
    source = clips.make_clip(tmp_path / "odd.mp4", width=321, height=181, pix_fmt="yuv444p", seconds=1)
    result = take_in(source, tmp_path)
    assert (result.probe.width, result.probe.height) == (321, 181)
    frames, _ = check_proxy(result.proxy, 30, 1)
    assert (frames[0].width, frames[0].height) in {(320, 180), (320, 182), (322, 180), (322, 182)}


def test_pixels_that_are_not_square_are_widened(tmp_path):
    source = clips.make_clip(tmp_path / "pal.mp4", width=360, height=288, aspect=Fraction(64, 45), seconds=1)
    result = take_in(source, tmp_path)
    assert (result.probe.width, result.probe.height) == (512, 288)
    frames, _ = check_proxy(result.proxy, 30, 1)
    assert (frames[0].width, frames[0].height) == (512, 288)


def test_large_pictures_are_brought_to_1080_lines(tmp_path):
    source = clips.make_clip(tmp_path / "large.mp4", width=2160, height=3840, seconds=Fraction(1, 10), audio=None)
    result = take_in(source, tmp_path)
    assert (result.probe.width, result.probe.height) == (2160, 3840)
    frames, _ = check_proxy(result.proxy, 3, 0.1)
    assert (frames[0].width, frames[0].height) == (1080, 1920)
    assert jpeg_corners(result.poster)[0] == (720, 1280)


def test_ten_bits_become_eight(tmp_path):
    result = take_in(clips.ten_bit(tmp_path), tmp_path)
    frames, _ = check_proxy(result.proxy, 15, 0.5)
    assert corners(frames[5]) == pytest.approx(UPRIGHT[0], abs=4)
    assert (frames[0].colorspace, frames[0].color_primaries, frames[0].color_trc) == (1, 1, 1)


def test_high_dynamic_range_is_mapped_to_a_standard_screen(tmp_path):
    result = take_in(clips.ten_bit(tmp_path, transfer=16), tmp_path)
    frames, _ = check_proxy(result.proxy, 15, 0.5)
    assert (frames[0].colorspace, frames[0].color_primaries, frames[0].color_trc) == (1, 1, 1)
    # PQ 105 of 8 bits is some 30 cd/m²; left as it is it would be 105 on screen, by perception it is darker.
    mapped = corners(frames[5])
    assert mapped == tuple(sorted(mapped, reverse=True)[i] for i in (0, 1, 3, 2))
    assert mapped != pytest.approx(UPRIGHT[0], abs=4)


@pytest.mark.parametrize(("sound", "picture"), [(Fraction(1, 2), Fraction(0)), (Fraction(0), Fraction(1, 2))])
def test_sound_and_picture_stay_together(tmp_path, sound, picture):
    source = clips.make_clip(tmp_path / "late.mkv", sound_starts=sound, picture_starts=picture, audio="pcm_s16le")
    result = take_in(source, tmp_path)
    assert result.probe.duration_ms == pytest.approx(2500, abs=34)
    with av.open(str(result.proxy)) as container:
        first_picture = next(container.decode(video=0)).time
    with av.open(str(result.proxy)) as container:
        loud = next(frame.time for frame in container.decode(audio=0) if abs(frame.to_ndarray()).max() > 0.1)
    assert loud - first_picture == pytest.approx(float(sound - picture), abs=0.03)


@pytest.mark.parametrize("channels", ["mono", "5.1"])
def test_sound_becomes_stereo_at_its_level(tmp_path, channels):
    result = take_in(clips.mp4(tmp_path, channels=channels, seconds=1), tmp_path)
    assert result.probe.audio_channels == {"mono": 1, "5.1": 6}[channels]
    with av.open(str(result.proxy)) as container:
        sound = container.streams.audio[0]
        assert (sound.channels, sound.sample_rate) == (2, 48_000)
        peak = max(abs(frame.to_ndarray()).max() for frame in container.decode(audio=0))
    assert peak > 0.25, "not quieter than the source's 0.3"


def test_a_black_opening_is_no_poster(tmp_path):
    path = tmp_path / "dark.mp4"
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=30, options={"g": "10"})
        video.width, video.height, video.pix_fmt = clips.WIDTH, clips.HEIGHT, "yuv420p"
        for number in range(60):
            frame = clips.black() if number < 25 else clips.picture(number)
            frame.pts, frame.time_base = number, Fraction(1, 30)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    result = take_in(path, tmp_path)
    assert jpeg_corners(result.poster)[1] == pytest.approx(UPRIGHT[0], abs=6)


def test_sample_clip_is_a_good_clip(tmp_path):
    path = tmp_path / "sample.mp4"
    make_sample(path, seconds=1, width=320, height=180)
    probe = take_in(path, tmp_path).probe
    assert (probe.width, probe.height, probe.frame_rate, probe.frame_count) == (320, 180, 30, 30)
    assert probe.audio_codec == "aac"
    assert probe.duration_ms == pytest.approx(1000, abs=33)


def test_interlaced_pictures_keep_their_count_and_times(tmp_path):
    options = {"flags": "+ildct+ilme", "field_order": "tt"}
    source = clips.make_clip(tmp_path / "tv.ts", codec="mpeg2video", audio="mp2", rate=Fraction(25), options=options)
    result = take_in(source, tmp_path)
    assert (result.probe.frame_rate, result.probe.frame_count) == (25, 50)
    frames, _ = check_proxy(result.proxy, 50, 2)
    assert not any(frame.interlaced_frame for frame in frames)
    start = frames[0].time
    assert [frame.time - start for frame in frames] == pytest.approx([n / 25 for n in range(50)], abs=1e-3)


def test_pictures_that_change_size_midway_keep_the_first_size(tmp_path):
    parts = [clips.make_clip(tmp_path / f"{w}.ts", width=w, height=w // 2, seconds=1, audio=None) for w in (320, 160)]
    source = tmp_path / "both.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    with av.open(str(source)) as container:
        assert {frame.width for frame in container.decode(video=0)} == {320, 160}
    result = ingest(source, tmp_path, LIMITS, lambda step, fraction: None)
    frames, *_ = read_proxy(result.proxy)
    assert {(frame.width, frame.height) for frame in frames} == {(320, 160)}
