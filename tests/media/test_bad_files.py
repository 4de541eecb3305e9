"""Files that do not become versions: each by its reason, in the sandboxed child, the way the worker meets them."""

import socket
import struct
from fractions import Fraction

import av
import pytest

from domain.media import Limits, Refusal, RefusedMedia
from media import runner
from media.ingest import ingest
from tests import clips

LIMITS = Limits(max_pixels=8192 * 4320, max_seconds=60, threads=2, memory_bytes=2 << 30, wall_seconds=60)


async def refusal_of(source, folder, limits=LIMITS):
    with pytest.raises(RefusedMedia) as caught:
        await runner.ingest(source, folder, limits, lambda step, fraction: None)
    return caught.value


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (clips.empty, Refusal.EMPTY),
        (clips.text, Refusal.NOT_MEDIA),
        (lambda folder: clips.half(folder, index_first=True), Refusal.TRUNCATED),
        (lambda folder: clips.half(folder, index_first=False), Refusal.TRUNCATED),
        (clips.sound_only, Refusal.NO_VIDEO),
        (clips.song_with_cover, Refusal.NO_VIDEO),
        (lambda folder: clips.huge_png(folder, side=64), Refusal.PICTURE),
        (lambda folder: clips.playlist(folder, "other.mp4"), Refusal.PLAYLIST),
    ],
    ids=["empty", "text", "half, index first", "half, index last", "sound", "cover", "picture", "playlist"],
)
async def test_bad_file_ends_in_its_reason(tmp_path, make, code):
    folder = tmp_path / "work"
    folder.mkdir()
    assert (await refusal_of(make(tmp_path), folder)).code is code


async def test_huge_picture_is_refused_by_its_header(tmp_path):
    refusal = await refusal_of(clips.huge_png(tmp_path), tmp_path)
    assert refusal.code is Refusal.TOO_MANY_PIXELS
    assert refusal.params == {"width": 12_000, "height": 12_000, "limit": 8192 * 4320}


def test_playlist_reaches_no_one(tmp_path):
    """Outside the sandbox too, so that it is the opening that holds and not the network's absence."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        for disguise in (b"", b"\n\n", b"\xef\xbb\xbf"):
            source = clips.playlist(tmp_path, f"http://127.0.0.1:{port}/a.ts")
            source.write_bytes(disguise + source.read_bytes())
            with pytest.raises(RefusedMedia) as caught:
                ingest(source, tmp_path, LIMITS, lambda step, fraction: None)
            assert caught.value.code is Refusal.PLAYLIST
        with pytest.raises(BlockingIOError):
            server.accept()


def test_playlist_reads_no_local_file(tmp_path):
    (tmp_path / "work").mkdir()
    target = clips.mp4(tmp_path)
    for body in (f"#EXTM3U\n#EXTINF:1,\n{target}\n", f"ffconcat version 1.0\nfile '{target}'\n"):
        source = tmp_path / "list.mp4"
        source.write_text(body)
        with pytest.raises(RefusedMedia) as caught:
            ingest(source, tmp_path / "work", LIMITS, lambda step, fraction: None)
        assert caught.value.code is Refusal.PLAYLIST
    assert list((tmp_path / "work").iterdir()) == []


async def test_too_many_pixels_in_a_video(tmp_path):
    source = clips.mp4(tmp_path, seconds=1)
    refusal = await refusal_of(source, tmp_path, Limits(320 * 180 - 1, 60, 2, 2 << 30, 60))
    assert (refusal.code, refusal.params["width"], refusal.params["height"]) == (Refusal.TOO_MANY_PIXELS, 320, 180)


async def test_too_long(tmp_path):
    refusal = await refusal_of(clips.silent(tmp_path), tmp_path, Limits(320 * 180, 1, 2, 2 << 30, 60))
    assert (refusal.code, refusal.params["limit"]) == (Refusal.TOO_LONG, 1)


@pytest.mark.parametrize(
    "starts",
    [{"sound_starts": Fraction(40 * 86_400)}, {"sound_starts": Fraction(60)}, {"picture_starts": Fraction(60)}],
)
async def test_too_long_from_the_first_to_the_last(tmp_path, starts):
    """Neither picture nor sound alone is: one begins long after the other."""
    source = clips.make_clip(tmp_path / "late.mkv", seconds=1, **starts)
    refusal = await refusal_of(source, tmp_path)
    seconds = int(max(starts.values())) + 1
    assert (refusal.code, refusal.params) == (Refusal.TOO_LONG, {"seconds": seconds, "limit": 60})


async def test_joined_recordings_of_which_one_has_no_sound(tmp_path):
    """When the sound of the third plays could only be guessed."""
    parts = [clips.mpegts(tmp_path, f"{n}.ts", seconds=1, audio=None if n == 1 else "aac") for n in range(3)]
    assert (await refusal_of(clips.joined(*parts), tmp_path)).code is Refusal.DAMAGED


async def test_pictures_that_go_back_in_time(tmp_path):
    """Flash Video knows no joints: what is stuck together all the same has two pictures for each moment."""
    part = clips.make_clip(tmp_path / "part.flv", codec="flv", audio=None).read_bytes()
    source = tmp_path / "twice.flv"
    source.write_bytes(part + part[13:])  # without the second header
    with av.open(str(source)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 120
    assert (await refusal_of(source, tmp_path)).code is Refusal.DAMAGED


async def test_lying_header_of_size(tmp_path):
    """65535 × 65535 in the MP4's sample entry, over an honest stream."""
    source = clips.silent(tmp_path)
    data = bytearray(source.read_bytes())
    place = data.index(b"avc1", data.index(b"stsd")) + 28
    struct.pack_into(">HH", data, place, 0xFFFF, 0xFFFF)
    source.write_bytes(data)
    assert await accepts_or_refuses(source, tmp_path) in {None, Refusal.TOO_MANY_PIXELS}


async def test_lying_header_of_duration(tmp_path):
    for value in (0, 0xFFFFFFFF, 0x80000001):
        source = clips.silent(tmp_path)
        data = bytearray(source.read_bytes())
        struct.pack_into(">I", data, data.index(b"mvhd") + 20, value)
        source.write_bytes(data)
        assert await accepts_or_refuses(source, tmp_path) in {None, Refusal.TRUNCATED}


async def accepts_or_refuses(source, folder):
    """A lie in a header is either seen through or refused; no crash, and never a made-up figure."""
    try:
        result = await runner.ingest(source, folder, LIMITS, lambda step, fraction: None)
    except RefusedMedia as refusal:
        return refusal.code
    # A sample entry also scales the pixels' shape, so that only the height can be told from the pictures.
    assert (result.probe.height, result.probe.frame_count) == (180, 60)
    assert result.probe.duration_ms == pytest.approx(2000, abs=34)
    return None


async def test_noise_for_pictures_is_damaged(tmp_path):
    source = clips.silent(tmp_path)
    data = bytearray(source.read_bytes())
    start = data.index(b"mdat") + 64
    end = data.index(b"moov") - 4
    data[start:end] = bytes((7 * n * n + 13) % 251 for n in range(end - start))
    source.write_bytes(data)
    assert (await refusal_of(source, tmp_path)).code is Refusal.DAMAGED


async def test_unknown_codec(tmp_path):
    source = clips.silent(tmp_path)
    data = source.read_bytes()
    place = data.index(b"avc1", data.index(b"stsd"))
    source.write_bytes(data[:place] + b"zzzz" + data[place + 4 :])
    assert (await refusal_of(source, tmp_path)).code is Refusal.UNKNOWN_CODEC


async def test_too_many_streams(tmp_path):
    path = tmp_path / "many.mkv"
    with av.open(str(path), "w") as output:
        streams = [output.add_stream("mpeg4", rate=30) for _ in range(70)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for stream in streams:  # all are set up before the first packet, with which the header is written
            frame = clips.picture(0, 16, 16)
            frame.pts, frame.time_base = 0, Fraction(1, 30)
            output.mux([*stream.encode(frame), *stream.encode(None)])
    assert (await refusal_of(path, tmp_path)).code is Refusal.TOO_MANY_STREAMS


async def test_truncated_matroska(tmp_path):
    whole = clips.make_clip(tmp_path / "whole.mkv", seconds=4)
    path = tmp_path / "half.mkv"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert (await refusal_of(path, tmp_path)).code is Refusal.TRUNCATED
